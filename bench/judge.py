"""Cygni's judge and those of three peers before the same labelled traffic: who cries wolf, who misses one, and how soon.

More than two thousand simulated rollouts (`bench.judged.corpus` says which are bad, and why); the peers' rules are made again
from their documentation (`bench.judged.peers`). Everything is seeded: the same command prints the same numbers. A confidence
interval of 95 % stands behind each. An aim that is missed makes the exit code 1; of one stream in sixteen, an aim that is
missed by its whole interval.

usage: python -m bench.judge [--quick] [--jobs N] [--figure FILE] [--write FILE]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

from bench.judged.corpus import corpus
from bench.judged.figure import draw
from bench.judged.ours import cygni
from bench.judged.outcome import Outcome
from bench.judged.page import section, written
from bench.judged.peers import argo, flagger, kayenta
from bench.judged.streams import Stream, World, simulate
from bench.judged.tally import Aim, Judged, aims, row

OURS = "Cygni"
JUDGES: Mapping[str, Callable[[World, Stream], Outcome]] = {
    OURS: cygni,
    "Flagger, its example": flagger(99, (0.99, 0.5)),
    "Flagger, our limits": flagger(95, (0.95, 0.4)),
    "Argo Rollouts, its example": argo(95, minutes=5),
    "Argo Rollouts, each minute": argo(95, minutes=1),
    "Kayenta": kayenta,
}
QUICK = 16
"""One stream in so many, with --quick."""
Named = tuple[str, Outcome, int]
"""A judge, what it made of a stream, and the users' requests that failed until then."""


def run(*, every: int = 1, jobs: int = 1, names: Sequence[str] = tuple(JUDGES)) -> dict[str, list[Judged]]:
    """All judges, or those named, before all streams, or one in so many of each kind; in so many processes."""
    if jobs == 1:
        found = list(_before_every(0, jobs=1, every=every, names=names))
    else:
        with ProcessPoolExecutor(jobs) as pool:
            shares = list(pool.map(partial(_before_every, jobs=jobs, every=every, names=names), range(jobs)))
        found = [shares[index % jobs][index // jobs] for index in range(sum(map(len, shares)))]
    results: dict[str, list[Judged]] = {name: [] for name in names}
    for case, outcomes in zip(corpus(every=every), found, strict=True):
        for name, outcome, failed in outcomes:
            results[name].append(Judged(case, outcome, failed))
    return results


def _before_every(share: int, *, jobs: int, every: int, names: Sequence[str]) -> list[list[Named]]:
    """What becomes of one case in `jobs`, from this one on."""
    return [_judged(case.world, case.seed, names) for case in islice(corpus(every=every), share, None, jobs)]


def _judged(world: World, seed: int, names: Sequence[str]) -> list[Named]:
    stream = simulate(world, seed)
    outcomes = [(name, JUDGES[name](world, stream)) for name in names]
    return [(name, each, stream.failed_until(10**9 if each.seconds is None else each.seconds)) for name, each in outcomes]


def missed(found: Sequence[Aim], *, quick: bool) -> list[Aim]:
    """The aims that are missed; of few streams those that no luck of the draw explains."""
    return [aim for aim in found if (aim.surely_missed if quick else not aim.met)]


def main() -> int:
    """The table, our own results by kind, and the aims. 1 when one is missed."""
    options = _options()
    begun = time.monotonic()
    results = run(every=QUICK if options.quick else 1, jobs=options.jobs)
    rows = [row(name, judged) for name, judged in results.items()]
    ours = aims(results[OURS])
    print(f"{len(results[OURS])} streams, {time.monotonic() - begun:.0f} s\n")
    print(section(rows, results[OURS], ours))
    if options.figure:
        options.figure.write_text(draw(results, rows), encoding="utf-8")
    if options.write:
        options.write.write_text(
            written(options.write.read_text(encoding="utf-8"), section(rows, results[OURS], ours)), encoding="utf-8"
        )
    return 1 if missed(ours, quick=options.quick) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.judge", description="Judges before labelled traffic.")
    parser.add_argument("--quick", action="store_true", help=f"one stream in {QUICK}")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the work")
    parser.add_argument("--figure", type=Path, help="file that the comparison is drawn to, as SVG")
    parser.add_argument("--write", type=Path, help="page whose tables are replaced: docs/rollouts.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

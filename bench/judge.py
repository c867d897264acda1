"""Cygni's judge and those of three peers before the same labelled traffic: who cries wolf, who misses one, and how soon.

More than two thousand simulated rollouts (`bench.judged.corpus` says which are bad, and why); the peers' rules are made again
from their documentation (`bench.judged.peers`). Everything is seeded: the same command prints the same numbers. A confidence
interval of 95 % stands behind each.

usage: python -m bench.judge [--quick] [--figure FILE]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.judged.corpus import corpus
from bench.judged.figure import draw
from bench.judged.ours import cygni
from bench.judged.outcome import Outcome
from bench.judged.peers import argo, flagger, kayenta
from bench.judged.streams import Stream, World, simulate
from bench.judged.tally import Judged, Row, aims, by_kind, row

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


def run(*, every: int = 1, judges: Mapping[str, Callable[[World, Stream], Outcome]] = JUDGES) -> dict[str, list[Judged]]:
    """All judges before all streams, or one in so many of each kind."""
    results: dict[str, list[Judged]] = {name: [] for name in judges}
    for case in corpus(every=every):
        stream = simulate(case.world, case.seed)
        for name, judge in judges.items():
            outcome = judge(case.world, stream)
            until = outcome.seconds if outcome.seconds is not None else float("inf")
            results[name].append(Judged(case, outcome, stream.failed_until(min(until, 10**9))))
    return results


def table(rows: list[Row]) -> str:
    """The comparison, as a table of Markdown."""
    head = ("judge", "false aborts", "noisy canary aborted", "bad missed", "median s", "p95 s", "failed requests", "no traffic")
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for each in rows:
        nothing = f"{each.empty_aborted.found} aborted, {each.empty_promoted.found} promoted, of {each.empty_aborted.total}"
        cells = (each.judge, each.false_aborts, each.noisy_aborts, each.missed, each.median, each.p95, each.failed, nothing)
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """The table, our own results by kind, and the aims."""
    options = _options()
    begun = time.process_time()
    results = run(every=QUICK if options.quick else 1)
    rows = [row(name, judged) for name, judged in results.items()]
    ours = results[OURS]
    print(f"{len(ours)} streams, {time.process_time() - begun:.0f} s of processor time\n")
    print(table(rows) + "\n\n| traffic | label | rolled back | median s | p95 s |\n| --- | --- | --- | --- | --- |")
    for name, label, share, median, p95 in by_kind(ours):
        print(f"| {name} | {label} | {share.found} of {share.total} | {median} | {p95} |")
    print()
    for aim in aims(ours):
        print(aim)
    if options.figure:
        options.figure.write_text(draw({name: results[name] for name in results}, rows), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.judge", description="Judges before labelled traffic.")
    parser.add_argument("--quick", action="store_true", help=f"one stream in {QUICK}")
    parser.add_argument("--figure", type=Path, help="file that the comparison is drawn to, as SVG")
    return parser.parse_args()


if __name__ == "__main__":
    main()

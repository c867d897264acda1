"""What one look at a rollout costs its judge, by how long its step has lasted: looks every five seconds, four gates.

A task that watches takes a look every few seconds, and each judges all blocks of its step. What is timed is `Evidence.of`: the
newest reading joined to what was kept, judged, and made ready to be stored.

usage: python -m bench.looks [TIMES]
"""

from __future__ import annotations

import json
import sys
import zlib
from datetime import timedelta
from functools import partial

from bench.figures import line, microseconds, percentile, verdict
from bench.judged.ours import strategy_of
from bench.judged.streams import BEGIN, INTERVAL, World, always, simulate
from chalicelib.rollouts.counts import Sample
from chalicelib.rollouts.evidence import Evidence

MINUTES = (1, 10, 60, 24 * 60)
AIM = 100.0


def looks(minutes: int) -> tuple[World, tuple[Sample, ...]]:
    """A healthy step of so many minutes, 200 requests a second."""
    world = World(200, always(0.01), always(0.01), ((20, minutes * 60),))
    return world, simulate(world, 1).steps[0]


def main(times: int) -> None:
    """Milliseconds of a look, and what its record weighs, as the table keeps it."""
    for minutes in MINUTES:
        world, samples = looks(minutes)
        now = BEGIN + timedelta(minutes=minutes)
        judge = partial(Evidence.of, "dep_bench", strategy_of(world), 0, BEGIN)
        before = judge(samples[:-1], now - timedelta(seconds=INTERVAL))
        taken = [each / 1000 for each in microseconds(partial(judge, samples[-1:], now, before=before), times)]
        kept = json.dumps(before.to_dict(), separators=(",", ":")).encode()
        size = len(zlib.compress(kept, 9)) / 1024
        print(line(f"a look after {minutes} min", taken, "ms") + f"   {len(before.samples)} samples, {size:.1f} KiB")
    print(verdict("p50 in milliseconds after a day", percentile(taken, 0.5), AIM))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)

"""How long a fault goes unnoticed, by how bad it is and how much traffic there is: the table that docs/rollouts.md quotes.

The canary has half of the traffic for half an hour, with the gates of `bench.judged.ours`, and a look every five seconds.

usage: python -m bench.waits [STREAMS]
"""

from __future__ import annotations

import sys

from bench.judged.ours import cygni
from bench.judged.streams import World, always, simulate
from bench.judged.tally import quantile

RATES = (2, 20, 200)
FAULTS = ((0.0, 0.5), (0.005, 0.2), (0.005, 0.05), (0.01, 0.04), (0.005, 0.02), (0.02, 0.04), (0.01, 0.02), (0.005, 0.01))
STEPS = ((50, 1800),)


def wait(stable: float, canary: float, rate: float, streams: int) -> str:
    """Median and 95th percentile of the time to the verdict, and of how many streams, where not of all."""
    worlds = (World(rate, always(canary), always(stable), STEPS) for _ in range(streams))
    found = [cygni(world, simulate(world, seed)).seconds for seed, world in enumerate(worlds)]
    caught = sorted(seconds for seconds in found if seconds is not None)
    if len(caught) < streams / 2:
        return f"{len(caught)} of {streams}"
    median, p95 = quantile(caught, 0.5).value, quantile(caught, 0.95).value
    return f"{_time(median)}, {_time(p95)}" + ("" if len(caught) == streams else f" ({len(caught)} of {streams})")


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def main(streams: int) -> None:
    """The table."""
    print("| stable fails, canary fails | " + " | ".join(f"{rate} requests/s" for rate in RATES) + " |")
    print("| --- |" + " --- |" * len(RATES))
    for stable, canary in FAULTS:
        cells = [wait(stable, canary, rate, streams) for rate in RATES]
        print(f"| {stable * 100:g} %, {canary * 100:g} % | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)

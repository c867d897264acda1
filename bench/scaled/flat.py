"""What requests and a sweep cost among so many services, on the embedded cloud's store, as JSON: it has a process of its own.

usage: python -m bench.scaled.flat SIZE…
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.scaled.rounds import busy, swept
from bench.scaled.store import embedded_store
from bench.scaled.tour import Spent, Tour, found, new_stage
from bench.store_count import counting

BUSY = 1000
"""Rollouts under way when the sweep is counted, or half of all services where there are fewer."""


def measure(sizes: Sequence[int]) -> dict[int, dict[str, Spent]]:
    """Runs this module in a process of its own; answers what each request cost, by the number of services."""
    command = [sys.executable, "-m", "bench.scaled.flat", *map(str, sizes)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    if told.returncode != 0:
        raise SystemExit(told.stderr)
    answer = json.loads(told.stdout.splitlines()[-1])
    return {int(size): {name: Spent(**spent) for name, spent in costs.items()} for size, costs in answer.items()}


def main(sizes: Sequence[int]) -> None:
    """Prints one line of JSON."""
    logging.disable(logging.CRITICAL)
    costs: dict[int, dict[str, Spent]] = {}
    with embedded_store(), counting() as counter:
        stage = new_stage()
        population = found(stage)
        tour = Tour(stage, counter, population)
        for size in sizes:
            population.grow(size)
            costs[size] = tour.run()
        many = min(BUSY, sizes[-1] // 2)
        run = swept(stage, counter, busy(stage, population, many))
        asked = run.calls + sum(run.asked.values())
        costs[sizes[-1]][f"sweep over {many} rollouts"] = Spent(asked, many, run.read, run.written)
    print(json.dumps({size: {name: asdict(spent) for name, spent in found.items()} for size, found in costs.items()}))


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]])

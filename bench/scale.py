"""Whether Cygni scales: what requests cost among 50 and 50,000 services, and what 1,000 rollouts and 10 deploys a second ask.

Requests and the sweep are counted on the embedded cloud's store, one deployment is traced by its real handlers, and a
simulation of some minutes finds the hottest partition; all of it seeded. Aims: no count grows, and no partition is asked for
more than it has.

usage: python -m bench.scale [--quick] [--write]        # --write puts the tables into docs/scaling.md
"""

from __future__ import annotations

import json
import logging
import os
import random
import string
import sys
import tomllib
import zlib
from collections import Counter as Tally
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")

from bench.figures import verdict
from bench.judged.ours import strategy_of
from bench.judged.streams import BEGIN
from bench.looks import looks
from bench.scaled import flat
from bench.scaled.fill import places
from bench.scaled.heads import crowd
from bench.scaled.heat import BEGAN, DEPLOYS, MINUTE, READS, ROLLOUTS, SUPERSEDED, WAITED, WRITES, Heat, simulate
from bench.scaled.rounds import Round, reconciled
from bench.scaled.tour import Spent, growth
from bench.scaled.trace import Stroke, trace
from bench.scaled.uses import Seen, look_every, notes_per_second, run_seconds, uses
from bench.store_count import KIB, Touch, size_of
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.states import LONGEST
from chalicelib.rollouts.evidence import Evidence
from tests.support.world import TEAM

PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"
QUOTAS = Path(__file__).with_name("quotas.toml")
BEGIN_MARK, END_MARK = "<!-- written by bench.scale: begin -->", "<!-- written by bench.scale: end -->"
SIZES, QUICK = (50, 500, 5_000, 50_000), (50, 2_000)
DECLARED = 40
"""Objects that are declared at once to count what the reconciler does for each."""
RATES = (5, 10, 25, 50)
"""Changes a second of one team."""
AIM = 1.05
TIGHT = 0.8
"""Share of a quota from which on it is told in bold."""


def largest_deployment() -> float:
    """KiB of a deployment with as long a timeline as is kept, of text that cannot be compressed."""
    rng = random.Random(1)
    record = DeploymentRecord("TEAM#t#DEPLOYMENTS#p#e#s", "dep_1", team="t", project="p", environment="e", service="s")
    record.kind, record.state, record.number, record.created_by, record.created_at = "deploy", "rolling_out", 1, "usr", BEGIN
    for _ in range(400):
        record.tell(BEGIN, "verdict", "".join(rng.choices(string.printable, k=2 * LONGEST)))
    return size_of(record.serialize()) / KIB


def evidence_of_a_day() -> float:
    """KiB of the evidence of a step that has lasted a day."""
    world, samples = looks(24 * 60)
    evidence = Evidence.of("dep_bench", strategy_of(world), 0, BEGIN, samples, BEGIN + timedelta(days=1))
    packed = zlib.compress(json.dumps(evidence.to_dict(), separators=(",", ":")).encode(), 9)
    return len(packed) / KIB


def rounds_at_the_target(sweep: Spent, notes: int) -> list[Stroke]:
    """What a minute begins with: the sweep's list of busy services, and the notes of one cluster with all the rollouts."""
    listed = Stroke(0, Touch("cygni/gsi1", "ACTIVE", read=sweep.read * ROLLOUTS / sweep.items))
    written = [Stroke(each / notes_per_second(), Touch("cygni", "CLUSTER#own#0-1", written=1)) for each in range(notes)]
    return [listed, *written]


def measure(sizes: tuple[int, ...]) -> tuple[dict[int, dict[str, Spent]], Seen]:
    """Counts, traces and simulates."""
    costs = flat.measure(sizes)
    (sweep,) = (spent for name, spent in costs[sizes[-1]].items() if name.startswith("sweep over"))
    made = trace()
    every = look_every(made.seconds / 3)
    heat = simulate(made, list(islice(places(), sizes[-1])), look_every=every, rounds=rounds_at_the_target(sweep, ROLLOUTS))
    asked = Round(sweep.calls - 1, sweep.read, sweep.written, Tally({"ListExecutions": sweep.calls - 1}))
    return costs, Seen(made, heat, asked, reconciled(DECLARED), DECLARED, largest_deployment(), every)


def flat_table(costs: dict[int, dict[str, Spent]]) -> str:
    """Counts among the fewest and the most services, and how many times as much they became."""
    few, many = min(costs), max(costs)
    lines = [
        f"| {few:,} → {many:,} services | store calls | items read | read units | write units | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, large in costs[many].items():
        small = costs[few].get(name)
        if small is None:
            cells = f"{large.calls} | {large.items:,} | {large.read:g} | {large.written} | "
        else:
            pairs = ((getattr(small, each), getattr(large, each)) for each in ("calls", "items", "read", "written"))
            cells = " | ".join(f"{before:g} → {after:g}" for before, after in pairs) + f" | {growth(small, large):.2f}"
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def heat_table(heat: Heat) -> str:
    """The hottest partition of each table and index, in its busiest second."""
    lines = [
        "| table or index | hottest, of writes | units/s | of 1,000 | of reads | units/s | of 3,000 | all partitions |",
        "| --- | --- | ---: | ---: | --- | ---: | ---: | --- |",
    ]
    for table, (written, write, was_read, read) in heat.hottest().items():
        whole = f"{heat.per_second(heat.written, table):,.0f} write, {heat.per_second(heat.read, table):,.0f} read units/s"
        writes = f"{_short(written)} | {write:,.0f} | {write / WRITES:.0%}"
        reads = f"{_short(was_read)} | {read:,.0f} | {read / READS:.0%}"
        lines.append(f"| `{table}` | {writes} | {reads} | {whole} |")
    return "\n".join(lines)


def _short(key: str) -> str:
    return f"`{key.replace(TEAM, '<big team>')}`" if key else ""


def quota_table(used: dict[str, float]) -> str:
    """Each quota beside what is used of it, the least head-room first."""
    quotas: dict[str, dict[str, Any]] = tomllib.loads(QUOTAS.read_text())
    lines = ["| quota | default | at the target | used | source | before |", "| --- | ---: | ---: | ---: | --- | --- |"]
    for name, quota in sorted(quotas.items(), key=lambda each: -used[each[0]] / each[1]["default"]):
        source = f"{quota['source']}, seen {quota['seen']}" if quota["seen"] else f"from memory, check: {quota['source']}"
        share = used[name] / quota["default"]
        shown = f"**{share:.0%}**" if share >= TIGHT else f"{share:.1%}"
        amount = f"{used[name]:,.0f}" if used[name] >= 1 else f"{used[name]:.2g}"
        lines.append(f"| {quota['what']} | {quota['default']:,} | {amount} | {shown} | {source} | {quota['raise']} |")
    return "\n".join(lines)


def _crowds() -> str:
    told = (
        f"{each.rate:g} a second take {each.tries:.1f} tries each, {each.refused:.1%} come in vain"
        for each in map(crowd, RATES)
    )
    return "; ".join(told)


def _rounds(seen: Seen) -> str:
    new, old = seen.once["declared"], seen.once["once more"]
    calls, asked = new.calls / seen.declared, sum(new.asked.values()) / seen.declared
    later, asked_later = old.calls / seen.declared, sum(old.asked.values()) / seen.declared
    return (
        f"- The sweep over {ROLLOUTS:,} rollouts that are well: {seen.sweep.asked['ListExecutions']} call of Step Functions, "
        f"{seen.sweep.calls} of the store, {seen.sweep.read:g} read units.\n"
        f"- The reconciler, for each object that was declared: {calls:.0f} calls of the store, {asked:.0f} of the cluster, "
        f"{new.written / seen.declared:.0f} write units; for each whose rollout is under way, {later:.0f} and "
        f"{asked_later:.0f} calls a minute. With all of the target declared in one cluster, a run waits "
        f"{run_seconds(seen):.0f} s for them: that is {DEPLOYS * MINUTE / run_seconds(seen):.1f} a second.\n"
        f"- Changes of one team, each of which writes the head of its trail (simulated): {_crowds()}.\n"
        f"- The largest records: a deployment with the longest timeline, {seen.largest_item:.0f} KiB; the evidence of a step "
        f"that lasted a day, {evidence_of_a_day():.0f} KiB."
    )


def page(costs: dict[int, dict[str, Spent]], seen: Seen) -> str:
    """The part of docs/scaling.md that is written by this."""
    happened, under_way = seen.heat.happened, seen.heat.under_way
    told = (
        f"Three minutes: {happened[BEGAN]:,} deployments began at once, {happened[WAITED]:,} waited for one before them, "
        f"{happened[SUPERSEDED]:,} took the place of one that waited; {min(under_way):,} to {max(under_way):,} rollouts were "
        f"under way, each followed by somebody who looks every {seen.look_every:.1f} s."
    )
    parts = ["### What a request costs, by the number of services", flat_table(costs), "### The hottest partitions", told]
    return "\n\n".join([*parts, heat_table(seen.heat), "### Quotas", quota_table(uses(seen)), "### The rounds", _rounds(seen)])


def main() -> None:
    """Prints the tables and the aims; with --write, into the page too."""
    logging.disable(logging.CRITICAL)
    costs, seen = measure(QUICK if "--quick" in sys.argv else SIZES)
    text = page(costs, seen)
    print(text)
    grown = max(
        growth(costs[min(costs)][name], spent) for name, spent in costs[max(costs)].items() if name in costs[min(costs)]
    )
    hottest = seen.heat.hottest().values()
    print(verdict(f"most that a request's cost grew from {min(costs):,} to {max(costs):,} services", grown, AIM))
    print(verdict("share of a partition's write units, in the busiest second", max(each[1] for each in hottest) / WRITES, 1))
    print(verdict("share of a partition's read units, in the busiest second", max(each[3] for each in hottest) / READS, 1))
    if "--write" in sys.argv:
        head, _, rest = PAGE.read_text().partition(BEGIN_MARK)
        PAGE.write_text(f"{head}{BEGIN_MARK}\n\n{text}\n\n{END_MARK}{rest.partition(END_MARK)[2]}")


if __name__ == "__main__":
    main()

"""What Cygni asks of each quota of `bench/quotas.toml` at the target, from what one deployment was seen to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bench.idle import every
from bench.scaled.heat import DEPLOYS, MINUTE, ROLLOUTS, Heat
from bench.scaled.rounds import KUBE_ROUND_TRIP, STORE_ROUND_TRIP, Round
from bench.scaled.trace import Trace
from chalicelib.platform.settings import Settings
from cygni.cli.follow import pause
from functions.catalog import FUNCTIONS

REQUESTS_OF_A_LOOK = 3
"""Whoever follows a rollout reads its timeline, its state and its traffic."""
REQUESTS_OF_A_DEPLOY = 2
"""An upload's address, and the deployment."""
QUERIES_OF_A_LOOK = 4
"""Most that a preset asks Prometheus at one look: requests, buckets, pods, and their errors."""
BUILD_SECONDS = 120
"""How long a build takes: measure your own, it decides how many run at once."""
EVENTS_OF_A_TASK = 7
"""A task that calls a function (entered, scheduled, started, succeeded, exited) and its choice (entered, exited)."""
LONGEST_ROLLOUT = 2_592_000
"""Seconds after which `deploy` ends a rollout: 30 days."""
REQUEST_SECONDS = 0.02
"""Seconds that a request takes of a warm API function, with its round trips."""


def look_every(seconds: float, *, poll: float = 1.0) -> float:
    """Seconds between two looks of whoever follows a rollout in which nothing happens for so long, on the average."""
    looks, past = 0, 0.0
    while past < seconds:
        past += pause(poll, looks)
        looks += 1
    return past / looks


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured: one deployment, the simulation at the target, the rounds, and the sizes of the largest items."""

    trace: Trace
    heat: Heat
    sweep: Round
    once: dict[str, Round]
    declared: int
    largest_item: float
    look_every: float


def uses(seen: Seen) -> dict[str, float]:
    """How much of each quota is used at the target, by the quota's name."""
    trace, heat = seen.trace, seen.heat
    hottest = heat.hottest()
    requests = ROLLOUTS * REQUESTS_OF_A_LOOK / seen.look_every + DEPLOYS * REQUESTS_OF_A_DEPLOY
    watching = ROLLOUTS * sum(trace.busy.values()) / trace.seconds
    invocations = DEPLOYS * (sum(trace.invoked.values()) + 3)  # and the three functions of its build
    cluster = DEPLOYS * (trace.asked["cluster read"] + trace.asked["cluster write"])
    looks = DEPLOYS * trace.asked["look at metrics"] * QUERIES_OF_A_LOOK
    return {
        "api_requests": requests,
        "lambda_concurrency": watching + (requests + invocations) * REQUEST_SECONDS,
        "lambda_scaling": 10 * DEPLOYS * 2,  # an analysis or a wait ends and another begins
        "partition_writes": max(each[1] for each in hottest.values()),
        "partition_reads": max(each[3] for each in hottest.values()),
        "table_writes": max(heat.per_second(heat.written, table) for table in hottest if "/" not in table),
        "table_reads": max(heat.per_second(heat.read, table) for table in hottest if "/" not in table),
        "item_size": seen.largest_item,
        "executions_started": DEPLOYS * 3,
        "transitions": DEPLOYS * trace.states,
        "executions_open": ROLLOUTS * 2,
        "executions_listed": seen.sweep.asked["ListExecutions"],
        "executions_described": seen.sweep.asked["DescribeExecution"],
        "history": LONGEST_ROLLOUT / Settings().analysis_slice * EVENTS_OF_A_TASK,
        "schedules": sum(1 / every(each.schedule) for each in FUNCTIONS if each.schedule),
        "builds": DEPLOYS * BUILD_SECONDS,
        "cluster_requests": (cluster + looks) * KUBE_ROUND_TRIP,
        "secrets": DEPLOYS * trace.asked["secret"],
        "keys": DEPLOYS * trace.asked["secret"] * 2,  # each is decrypted, and as much again for what is stored
        "logs": invocations + requests,
    }


def run_seconds(seen: Seen) -> float:
    """How long one run of the reconciler waits when all that is deployed at the target was declared in one cluster."""
    new, old = seen.once["declared"], seen.once["once more"]
    each_new, each_old = new.seconds / seen.declared, old.seconds / seen.declared
    return DEPLOYS * MINUTE * each_new + ROLLOUTS * each_old


def notes_per_second() -> float:
    """Write units a second that a run of the reconciler asks of its cluster's partition: it writes one note after another."""
    return 1 / STORE_ROUND_TRIP

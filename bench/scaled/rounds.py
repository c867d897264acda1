"""What a minute's rounds cost at the target: the sweep over all rollouts, and the reconciler over what clusters declare."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bench.scaled.fill import Population
from bench.store_count import Counter, counting
from chalicelib.deployments.tasks import Hands, Shard, reconcile
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from chalicelib.projects.models import ServiceRecord, project_pk, service_sk
from chalicelib.projects.service import Lane
from chalicelib.runtime.namespaces import namespace_objects
from chalicelib.runtime.rules import Target
from tests.fakes.watched import FakeWatchedCluster
from tests.support.rollout import Stage
from tests.support.store import memory_store
from tests.support.world import TEAM, Client, Fakes, FakeWorkflows

KUBE_ROUND_TRIP, STORE_ROUND_TRIP = 0.02, 0.005
"""Seconds that a call of a cluster, and of the store, takes from a function."""


class CountedWorkflows(FakeWorkflows):
    """Workflows in memory. `asked` counts calls of Step Functions: a list gives a thousand."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Tally[str] = Tally()

    def start(self, machine: str, name: str, value: Any) -> bool:
        """Counts a start."""
        self.asked["StartExecution"] += 1
        return super().start(machine, name, value)

    def status(self, machine: str, name: str) -> str | None:
        """Counts a question."""
        self.asked["DescribeExecution"] += 1
        return super().status(machine, name)

    def running(self, machine: str) -> Any:
        """Counts a list's pages."""
        found = list(super().running(machine))
        self.asked["ListExecutions"] += max(1, -(-len(found) // 1000))
        return iter(found)


@dataclass(frozen=True, slots=True)
class Round:
    """What one run cost of the store, and how often it asked whom else."""

    calls: int
    read: float
    written: int
    asked: Tally[str]

    @property
    def seconds(self) -> float:
        """How long it waits on AWS, where it makes one call after another."""
        return self.calls * STORE_ROUND_TRIP + sum(self.asked.values()) * KUBE_ROUND_TRIP


def busy(stage: Stage, population: Population, many: int) -> CountedWorkflows:
    """Makes so many services of the population busy, each with a deployment whose workflow runs."""
    workflows = CountedWorkflows()
    for key in population.keys[-many:]:
        store = team_store(key.team)
        record = store.fetch(ServiceRecord, project_pk(key.team, key.project), service_sk(key.environment, key.service))
        if record is None:
            raise SystemExit(f"{key} is not there")
        active = stage.fakes.ids("dep", stage.fakes.clock())
        record.take(Lane(active, None, 1, None, 2))
        store.commit([Put(record)])
        workflows.statuses[active] = "RUNNING"
    return workflows


def swept(stage: Stage, counter: Counter, workflows: CountedWorkflows) -> Round:
    """One sweep."""
    stage.fakes.workflows = workflows
    return _round(counter, workflows.asked, stage.sweep)


def _round(counter: Counter, asked: Tally[str], run: Callable[[], Any]) -> Round:
    counter.clear()
    asked.clear()
    run()
    return Round(len(counter.calls), counter.read_units, counter.units, Tally(asked))


def reconciled(many: int) -> dict[str, Round]:
    """Runs of the reconciler for so many objects that are declared at once: what they cost, and the rest of the cluster."""
    with memory_store(), counting() as counter:
        fakes = Fakes()
        fakes.settings = replace(fakes.settings, quota_services=10**6)
        api, cluster = Client(fakes), FakeWatchedCluster()
        api.post("/v1/projects", {"name": "hello"})
        target = Target(TEAM, "hello", "prod", "web")
        cluster.apply(namespace_objects(target)[0])
        hands = Hands(
            cluster=cluster,
            workflows=CountedWorkflows(),  # type: ignore[arg-type]
            settings=fakes.settings,
            new_id=lambda prefix: fakes.ids(prefix, fakes.clock()),
            clock=fakes.clock,
        )

        def run() -> Round:
            fakes.clock.sleep(60)
            until = fakes.clock() + timedelta(seconds=240)
            return _round(counter, cluster.calls, lambda: reconcile(replace(hands, namespaces={}), Shard("own"), until=until))

        run()
        for number in range(many):
            cluster.declare(target.namespace, f"s{number:04d}", image="registry.localhost/x@sha256:" + "a" * 64)
        return {"declared": run(), "under way": run(), "once more": run()}

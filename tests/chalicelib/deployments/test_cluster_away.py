"""A registered cluster that gives no answer for ten minutes: how often it is asked meanwhile, and how rollouts there end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from bench.cluster_calls import heal
from chalicelib.deployments import tasks as deployments
from chalicelib.deployments.tasks import Hands, Ports, Shard
from chalicelib.platform.errors import ClusterUnavailable, CygniError, MetricsUnavailable
from chalicelib.runtime import registry
from chalicelib.runtime import service as runtime
from tests.fakes.watched import FakeWatchedCluster
from tests.support.rollout import TASKS, Stage
from tests.support.store import memory_store
from tests.support.workflow import Execution
from tests.support.world import TEAM, Client, FakeMetrics, Fakes

pytestmark = pytest.mark.slow
TOKEN = {"provider": "token", "server": "https://k8s.example.com", "token": "s3cret"}
PATIENCE = 3
"""Seconds that a client waits for a connection."""
AWAY = timedelta(minutes=10)
ASKED = {"apply", "get", "list", "delete", "pod_log", "events", "version", "page", "changes", "apply_status"}


class AlwaysOpen:
    """No breaker at all."""

    def admit(self) -> None: ...

    def answered(self) -> None: ...

    def missed(self) -> None: ...


@dataclass
class Line:
    """The wire to the cluster: counts what goes over it, and is cut or not."""

    sleep: Callable[[float], None]
    cut: bool = False
    calls: int = 0

    def over(self, door: Any, ask: Callable[..., Any]) -> Callable[..., Any]:
        """A call of the cluster as `platform.kube` makes it."""

        def asked(*given: Any, **more: Any) -> Any:
            door.admit()
            self.calls += 1
            if self.cut:
                self.sleep(PATIENCE)
                door.missed()
                raise ClusterUnavailable("The cluster's API gave no answer (ConnectTimeoutError).")
            door.answered()
            return ask(*given, **more)

        return asked


class Reached:
    """A cluster behind a door and a line."""

    def __init__(self, cluster: FakeWatchedCluster, line: Line, door: Any) -> None:
        self._cluster, self._line, self._door = cluster, line, door

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cluster, name)
        return self._line.over(self._door, found) if name in ASKED else found


@dataclass
class ReachedMetrics:
    """Traffic metrics that are read through the cluster's API server."""

    metrics: FakeMetrics
    line: Line
    door: Any

    def read(self, namespace: str, backends: Sequence[str]) -> Mapping[str, Any]:
        try:
            return dict(self.line.over(self.door, self.metrics.read)(namespace, backends))
        except CygniError as error:
            raise MetricsUnavailable(str(error)) from error

    def value(self, expression: str) -> float | None:
        return self.metrics.value(expression)


@dataclass
class Placed(Stage):
    """A service in an environment that is placed on the cluster `far`."""

    service: str = "web"

    def event(self, deployment: str) -> dict[str, Any]:
        return {**super().event(deployment), "environment": "remote", "service": self.service}

    def weights(self) -> dict[int, int]:
        return runtime.weights(self.cluster, runtime.Target(TEAM, "hello", "remote", self.service))

    def flow(self, requests: int) -> None:
        for number, weight in self.weights().items():
            self.fakes.metrics.serve(f"{self.service}-r{number}", requests * weight // 100)


@dataclass
class Installation:
    """Rollouts on one registered cluster, with the schedules that look after it. `breaks` says whether there is a breaker."""

    api: Client
    fakes: Fakes
    breaks: bool = True
    cluster: FakeWatchedCluster = field(default_factory=FakeWatchedCluster)
    chance: random.Random = field(default_factory=lambda: random.Random(6))
    services: list[Placed] = field(default_factory=list)
    running: dict[str, tuple[Placed, Execution]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.line = Line(self.fakes.clock.sleep)
        assert self.api.post("/v1/projects", {"name": "hello"}).status == 201
        assert self.api.post("/v1/clusters", {"name": "far", "access": TOKEN}).status == 201
        heal(TEAM)
        environments = "/v1/projects/hello/environments"
        assert self.api.post(environments, {"name": "remote"}).status == 201
        assert self.api("PUT", f"{environments}/remote/cluster", {"cluster": "far"}).status == 200

    def reach(self) -> Reached:
        """The cluster, as a function reaches it that has just begun."""
        return Reached(self.cluster, self.line, self.door())

    def door(self) -> Any:
        reach = registry.reach(TEAM, "far", secrets=self.fakes.secrets, settings=self.fakes.settings)
        if not self.breaks:
            return AlwaysOpen()
        return registry.ClusterDoor(reach.owner, reach.name, reach.breaker, self.fakes.clock)

    def add(self, name: str) -> None:
        """A service with a release that is live, and another one on its way."""
        path = "/v1/projects/hello/environments/remote/services"
        assert self.api.post(path, {"name": name}).status == 201
        stage = Placed(self.api, self.fakes, self.cluster, f"{path}/{name}", rate=1000, service=name)
        stage.deploy()
        made = stage.create()
        stage.begin(made["id"])
        stage.built(made["id"], digit="b")
        self.services.append(stage)
        self.start(stage, made["id"])

    def start(self, stage: Placed, deployment: str) -> None:
        due = self.fakes.clock() + timedelta(seconds=self.chance.uniform(0, 20))
        self.running[deployment] = stage, Execution(stage.event(deployment), due, self.chance)

    def until(self, end: datetime) -> None:
        """Lets time pass: workflows take their steps when they are due, schedules run every minute."""
        minute = self.fakes.clock() + timedelta(minutes=1)
        while self.fakes.clock() < end:
            due = min([minute, end, *(each.due for _, each in self.running.values() if each.end is None)])
            self.fakes.clock.now = max(self.fakes.clock(), due)
            for deployment, (stage, execution) in list(self.running.items()):
                if execution.end is None and execution.due <= self.fakes.clock():
                    self.step(deployment, stage, execution)
            if self.fakes.clock() >= minute:
                minute = self.fakes.clock() + timedelta(minutes=1)
                self.schedules()

    def step(self, deployment: str, stage: Placed, execution: Execution) -> None:
        def run(state: str, value: dict[str, Any]) -> dict[str, str]:
            door = self.door()
            metrics = ReachedMetrics(self.fakes.metrics, self.line, door)
            cluster: Any = Reached(self.cluster, self.line, door)
            ours = stage.ports()
            ports = Ports(
                cluster=cluster,
                metrics=metrics,
                settings=ours.settings,
                clock=ours.clock,
                sleep=ours.sleep,
                webhooks=ours.webhooks,
            )
            if not self.line.cut:
                stage.make_ready()
            return TASKS[state](value, ports)

        execution.step(run, self.fakes.clock)
        if execution.end is not None:
            stage.finish(deployment)

    def schedules(self) -> None:
        """What runs every minute: the reconciler of the cluster, and the sweep of what was left half-way."""
        now = self.fakes.clock()
        hands = Hands(
            cluster=self.reach(),  # type: ignore[arg-type]
            workflows=self.fakes.workflows,  # type: ignore[arg-type]
            settings=self.fakes.settings,
            new_id=lambda prefix: self.fakes.ids(prefix, now),
            clock=self.fakes.clock,
            team=TEAM,
            name="far",
        )
        with suppress(ClusterUnavailable):
            deployments.reconcile(hands, Shard(f"{TEAM}/far"), until=now + timedelta(seconds=240))
        for deployment, (stage, execution) in list(self.running.items()):
            if execution.end is not None and stage.read(deployment)["ended_at"] is None:
                self.start(stage, deployment)

    def ends(self) -> list[tuple[str, dict[int, int]]]:
        """How each rollout ended, and who has the traffic."""
        return [(stage.read(deployment)["state"], stage.weights()) for deployment, (stage, _) in self.running.items()]


def installation(services: int = 4, *, breaks: bool = True) -> Installation:
    fakes = Fakes()
    made = Installation(Client(fakes), fakes, breaks)
    for number in range(services):
        made.add(f"web-{number}")
    made.line.calls = 0
    return made


def ten_minutes(*, away: bool, breaks: bool = True) -> tuple[Installation, int]:
    """An installation after ten minutes, and how often its cluster was asked in them; rollouts had begun before."""
    with memory_store():
        made = installation(breaks=breaks)
        made.until(made.fakes.clock() + timedelta(seconds=25))
        made.line.calls, made.line.cut = 0, away
        made.until(made.fakes.clock() + AWAY)
        calls, made.line.cut = made.line.calls, False
        made.until(made.fakes.clock() + timedelta(minutes=8))
        assert made.ends() == [("promoted", {2: 100})] * len(made.services)
        return made, calls


def test_a_cluster_that_is_away_is_asked_no_more_often_than_one_that_is_there_and_rollouts_go_on_when_it_is_back() -> None:
    healthy = ten_minutes(away=False)[1]
    made, away = ten_minutes(away=True)

    print(f"asked {healthy} times while it is there, {away} times in ten minutes away")  # 238 and 13; without a breaker 158
    assert away <= 1.1 * healthy
    assert away <= 3 + 4 + 10 + len(made.services), "the first silences, the waits that double, one a minute, those under way"

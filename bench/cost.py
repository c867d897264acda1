"""What Cygni itself costs: every billable unit of a deploy, of API calls and of an idle month, priced from `prices.toml`.

Flows are run with the real handlers against AWS in memory, and their units are counted from what they ask of it
(`bench.metering`); states are counted from the workflows' own definitions, what stands from the synthesized templates.
Seconds are stated. Ends with 1 where an aim is missed.

usage: python -m bench.cost [--write]       # --write puts the tables into docs/cost.md
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")

from bench.cluster_calls import EKS, heal
from bench.entered import enter
from bench.idle import ACCOUNT, MONTH, idle, make_machine
from bench.metering import ACCESS_LINE, PACE, Meter, Metering, metering
from bench.priced import Found, dated, judged, page, prices_of
from bench.scaled.counted import CountedCluster, CountedMetrics
from bench.standing import STAGES, standing
from bench.store_calls import build_tasks
from chalicelib.deployments.tasks import Ports
from chalicelib.identity import rotation
from chalicelib.platform.aws import client
from chalicelib.platform.events import BUS, EventBus
from chalicelib.platform.metrics import NAMESPACE
from chalicelib.platform.remembered import RememberedSecrets
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import Settings, settings
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import ServiceSpec, cluster_of
from chalicelib.runtime import registry
from functions.catalog import API_FUNCTION, FUNCTIONS
from tests.support.cast import Cast
from tests.support.rollout import SPEC, TASKS, Stage
from tests.support.store import memory_store
from tests.support.world import TEAM, Client, Fakes

PAGE = Path(__file__).parent.parent / "docs" / "cost.md"
BEGIN, END = "<!-- written by bench.cost: begin -->", "<!-- written by bench.cost: end -->"
ROUND_TRIP, STARTS = PACE.aws, PACE.starting
BY_NAME = {each.name: each for each in (API_FUNCTION, *FUNCTIONS)}
FUNCTION_OF = {name: f"cygni-rollout-{kebab}" for name, kebab in (
    ("Prepare", "prepare"), ("AwaitReady", "await-ready"), ("Shift", "shift"), ("Analyse", "analyse"),
    ("Promote", "promote"), ("Settle", "settle"), ("RollBack", "roll-back"),
)}  # fmt: skip
CANARY = {"steps": [{"weight": 20, "for": "5m"}, {"weight": 50, "for": "5m"}], "interval": "5s"}
CALLS_A_SECOND = 1.0
"""How closely the calls of an API follow each other: what a process keeps for a while is read anew so much less often."""
QUERIES = 4
"""Most that a preset asks Prometheus at one look, through the cluster's API."""
TRACES = 2
"""Of the executions of a deployment, its own and its rollout's, where a stage traces; that of its build is the build's."""
DAY, HOUR = 86_400, 3_600


@dataclass
class OnAws(Stage):
    """A stage whose tasks have the slices of time that they have on AWS. Releases are ready at a time, where one is said."""

    ready_at: datetime | None = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.ready_at is not None and self.fakes.clock() >= self.ready_at:
            self.make_ready()

    def ports(self) -> Ports:
        """With the settings' own slices."""
        return replace(super().ports(), settings=self.fakes.settings)


class KeptSecrets(Secrets):
    """The real ones; the signing keys are there before anybody looks."""

    away = False

    @property
    def values(self) -> frozenset[str]:
        """As the fakes have it."""
        return frozenset({Settings().signing_secret})


@contextmanager
def account() -> Iterator[tuple[Fakes, Metering]]:
    """AWS in memory, the ports that ask it, and what counts what is asked."""
    told = {"CYGNI_METRICS_NAMESPACE": NAMESPACE, "CYGNI_ACCOUNT": ACCOUNT}
    try:
        # what is told while nothing is metered is nobody's log
        with patch.dict(os.environ, told), redirect_stdout(io.StringIO()), memory_store():
            settings.cache_clear()
            client("events").create_event_bus(Name=BUS)
            make_machine()
            fakes = Fakes(workflows=Workflows(), bus=EventBus(), secrets=KeptSecrets())  # type: ignore[arg-type]
            with metering(fakes.clock) as found:
                yield fakes, found
    finally:
        settings.cache_clear()


@dataclass
class Deploys:
    """A service in an environment that is placed on a registered cluster, with a live release."""

    fakes: Fakes
    metering: Metering
    builds: Meter = field(default_factory=Meter)
    secrets: dict[str, RememberedSecrets] = field(default_factory=dict)
    """What the process of each function remembers."""

    def __post_init__(self) -> None:
        self.cluster, metrics = CountedCluster(), CountedMetrics()
        self.fakes.metrics = metrics
        self.metering.asked = lambda: sum(self.cluster.asked.values()) + QUERIES * metrics.asked["look at metrics"]
        self.stage = OnAws(Client(self.fakes), self.fakes, cluster=self.cluster)
        self.fakes.functions.answers["cygni-check-cluster"] = None
        post = self.stage.api.post
        post("/v1/clusters", {"name": "far", "access": EKS})
        heal(TEAM)
        post("/v1/projects", {"name": "hello"})
        self.stage.api("PUT", "/v1/projects/hello/environments/prod/cluster", {"cluster": "far"})
        post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        if cluster_of(TEAM, "hello", "prod") != "far":
            raise SystemExit("the environment is not placed on the registered cluster")
        self.stage.deploy()

    def run(self) -> tuple[Meter, Meter, int]:
        """One deployment by a canary of two steps of five minutes: its units, those of its build, metrics that were told."""
        stage, metering = self.stage, self.metering
        source = stage.source()
        metering.begin()
        self.builds = Meter()
        with metering.invoked(API_FUNCTION):
            made = stage.api.post(f"{stage.path}/deployments", {"source": source}).json["id"]
        metering.meter.add("api_request", 1)
        metering.meter.add("log_byte", ACCESS_LINE)
        states = enter("deploy", lambda state: self._deploy(state, made, source))
        metering.meter.add("state_transition", states)
        metering.meter.add("trace", TRACES)
        ended = stage.read(made)
        if ended["state"] != "promoted":
            raise SystemExit(f"the deployment is {ended['state']}: {ended['outcome']}")
        return metering.meter, self.builds, len(metering.told)

    def _deploy(self, state: str, made: str, source: str) -> dict[str, str]:
        stage = self.stage
        match state:
            case "Begin":
                return self._invoke("cygni-deploy-begin", lambda: stage.begin(made))
            case "Build":
                self._build(made, source)
            case "Rollout":
                self.metering.meter.add("state_transition", enter("rollout", lambda task: self._task(task, made)))
            case "Finish":
                return self._invoke("cygni-deploy-finish", lambda: stage.finish(made))
        return {}

    def _build(self, made: str, source: str) -> None:
        orchestration, self.metering.meter = self.metering.meter, self.builds
        tasks = dict(build_tasks(self.stage, made, source))
        states = enter("build", lambda state: self._invoke(f"cygni-build-{'plan' if state == 'Plan' else 'start'}", tasks))
        self._invoke("cygni-build-finished", tasks)
        self.builds.add("state_transition", states)
        self.builds.add("trace", 1)
        self.builds.add("build_minute_small", PACE.building / 60)
        self.metering.meter = orchestration
        spec = {**SPEC.model_dump(mode="json", by_alias=True), "rollout": CANARY}
        self.stage.built(made, ServiceSpec.model_validate(spec), digit="b")

    def _task(self, task: str, made: str) -> dict[str, str]:
        return self._invoke(FUNCTION_OF[task], lambda: self._on_the_cluster(task, made))

    def _on_the_cluster(self, task: str, made: str) -> dict[str, str]:
        """As `functions.ports` does: which cluster it is about, and how that is reached."""
        if task == "Prepare":
            self.cluster.born(self.fakes.clock())
        if task == "AwaitReady":
            self.stage.ready_at = self.fakes.clock() + timedelta(seconds=PACE.starting)
        placed = cluster_of(TEAM, "hello", "prod")
        kept = self.secrets.setdefault(task, RememberedSecrets(Secrets(), clock=lambda: self.fakes.clock().timestamp()))
        registry.reach(TEAM, str(placed), secrets=kept, settings=self.fakes.settings)
        return TASKS[task](self.stage.event(made), self.stage.ports())

    def _invoke(self, name: str, what: Any) -> dict[str, str]:
        call: Callable[[], Any] = what[name] if isinstance(what, dict) else what
        with self.metering.invoked(BY_NAME[name]):
            answer = call()
        return dict(answer or {})


def deploys() -> list[Found]:
    """A thousand in a row, a thousand of which each comes alone, and their builds."""
    with account() as (fakes, metering):
        room = Deploys(fakes, metering)
        alone, build, metrics = room.run()
        in_a_row, _, told = room.run()
    in_a_row, alone = in_a_row.times(1000), alone.times(1000)
    in_a_row.add("metric_hour", max(told, metrics) * DAY / HOUR)
    alone.add("metric_hour", max(told, metrics) * MONTH / HOUR)
    return [
        Found("1,000 deploys of a day with a canary of ten minutes, builds apart", in_a_row, name="deploy"),
        Found("The same 1,000 over a month, each alone: every function begins cold", alone),
        Found("The builds of 1,000 deploys, of two minutes each on the smallest builder", build, 1000),
    ]


def calls(times: int = 90) -> Found:
    """A million calls: reading a service, a deployment and its timeline, by a person with a token and a machine with a key."""
    with account() as (fakes, metering):
        rotation.rotate(fakes.secrets, fakes.settings.signing_secret, fakes.clock())
        cast = Cast(fakes)
        stage = OnAws(cast.owner, fakes)
        stage.api.post("/v1/projects", {"name": "hello"})
        stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        source = stage.api.post("/v1/projects/hello/sources", {"sha256": "0" * 64, "size": 3}).json["id"]
        client("s3").put_object(Bucket="cygni", Key=f"{cast.team}/sources/{source}.tar.gz", Body=b"abc")
        made = stage.api.post(f"{stage.path}/deployments", {"source": source}).json["id"]
        paths = [stage.path, f"{stage.path}/deployments/{made}", f"{stage.path}/deployments/{made}/timeline"]
        callers = [cast.owner, cast.key]
        for number in range(times + 1):
            if number == 1:  # the first made the process warm
                metering.begin()
            with metering.invoked(API_FUNCTION):
                answer = callers[number % 2].get(paths[number % len(paths)])
            if answer.status != 200:
                raise SystemExit(answer.text)
            metering.meter.add("api_request", 1)
            metering.meter.add("log_byte", ACCESS_LINE)
            fakes.clock.sleep(1 / CALLS_A_SECOND)
    return Found("A million calls of the API", metering.meter.times(1 / times), 1_000_000, "calls")


def months() -> list[Found]:
    """An idle month of each stage."""
    used = idle()
    return [idle_month(stage, used) for stage in STAGES]


def idle_month(stage: str, used: Meter) -> Found:
    """What is used in an idle month, and what of the stage stands."""
    title = f"A month in which nobody deploys, with one registered cluster, without the web ACL: {stage}"
    return Found(title, used.with_(standing(stage)), name=f"idle {stage}")


def main() -> None:
    """Prints the tables and the aims; with --write, into the page too."""
    logging.disable(logging.NOTSET)
    file = dated()
    found = [*deploys(), calls(), *months()]
    text = page(found, file)
    print(text)
    missed = judged(found, prices_of(file))
    if "--write" in sys.argv:
        head, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}")
    sys.exit(missed)


if __name__ == "__main__":
    main()

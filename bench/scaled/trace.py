"""What one deployment touches of the store and when, what it asks of AWS and of its cluster, with its names taken out.

It is run once by the real handlers with the time slices that they have on AWS, on a store that counts; the clock is the fakes'.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bench import cost
from bench.cluster_calls import EKS
from bench.cost import BY_NAME, FUNCTION_OF, OnAws
from bench.entered import enter
from bench.scaled.counted import CountedCluster, CountedMetrics
from bench.store_calls import build
from bench.store_count import Counter, Touch, counting
from chalicelib.builds.service import build_id_of
from chalicelib.projects.service import ServiceSpec, cluster_of
from chalicelib.runtime import registry
from tests.support.people import sign_in
from tests.support.rollout import SPEC, TASKS
from tests.support.store import memory_store
from tests.support.world import TEAM, Client, Fakes

LASTS = 100
"""Seconds that a deployment lasts at the target: ten a second of these are a thousand under way."""
_STEP = (LASTS - int(cost.STARTS)) // 2
CANARY = {"steps": [{"weight": 20, "for": f"{_STEP}s"}, {"weight": 50, "for": f"{_STEP}s"}], "interval": "5s"}
_SERVICE = "hello#prod#web"
_TENANT, OPERATOR = "team_tenant", "TEAM#<operator>"
"""A team that an environment's cluster is lent to, and the partition of who lends it to all teams."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A touch `at` so many seconds after the beginning; names in its key are in braces."""

    at: float
    touch: Touch

    def of(self, names: Mapping[str, str]) -> tuple[str, str]:
        """The partition it touches for a deployment with these names."""
        return self.touch.table, self.touch.key.format_map(names)


@dataclass
class TimedCounter(Counter):
    """Remembers of each touch when it was."""

    clock: Callable[[], datetime] = datetime.now
    times: list[datetime] = field(default_factory=list)

    def touch(self, touch: Touch) -> None:
        """Keeps it with its time."""
        super().touch(touch)
        self.times.append(self.clock())

    def clear(self) -> None:
        """Begin again."""
        super().clear()
        self.times = []


@dataclass(frozen=True)
class Trace:
    """What one deployment does. `begins`, `waits` and `supersedes` are what its POST does to a free lane, behind an active
    deployment, and behind one that another waits for already; `rest` is all after it, once its turn has come. `look` is
    what whoever follows it reads each time, `refresh` what a new access token of theirs costs.

    `busy` are seconds of running functions by name, `asked` are calls of the cluster, its metrics and its secret by kind.
    """

    begins: tuple[Stroke, ...]
    waits: tuple[Stroke, ...]
    supersedes: tuple[Stroke, ...]
    rest: tuple[Stroke, ...]
    look: tuple[Stroke, ...]
    refresh: tuple[Stroke, ...]
    seconds: float
    states: int
    busy: Tally[str]
    invoked: Tally[str]
    asked: Tally[str]


class _Recorder:
    """One deployment beside a live release, driven as its workflow would."""

    def __init__(self, counter: TimedCounter, spec: dict[str, Any]) -> None:
        self.counter = counter
        fakes = Fakes()
        counter.clock = fakes.clock
        fakes.metrics = CountedMetrics()
        self.stage = OnAws(Client(fakes), fakes, cluster=CountedCluster())
        self.spec = spec
        self.busy: Tally[str] = Tally()
        self.invoked: Tally[str] = Tally()
        self.secrets = 0
        fakes.functions.answers["cygni-check-cluster"] = None
        self.stage.api.post("/v1/clusters", {"name": "far", "access": EKS, "shared": True})
        self.stage.api.post("/v1/projects", {"name": "hello"})
        self.stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        self.stage.deploy()

    def run(self) -> Trace:
        """All of it."""
        stage, counter = self.stage, self.counter
        begins, made = self._post()
        waits, _ = self._post()
        supersedes, _ = self._post()
        calls = stage.cluster.asked, stage.fakes.metrics.asked  # type: ignore[attr-defined]
        for each in calls:
            each.clear()
        counter.clear()
        began = stage.fakes.clock()
        states = self._roll_out(made)
        rest = self._strokes(began, made)
        seconds = (stage.fakes.clock() - began).total_seconds()
        asked = calls[0] + calls[1] + Tally({"secret": self.secrets})
        look, refresh = self._look(made), self._refresh(made)
        return Trace(begins, waits, supersedes, rest, look, refresh, seconds, states, self.busy, self.invoked, asked)

    def _post(self) -> tuple[tuple[Stroke, ...], str]:
        """Uploads a source and asks for its deployment."""
        counter, stage = self.counter, self.stage
        counter.clear()
        began = stage.fakes.clock()
        source = stage.source()
        number = stage.fakes.ids.count
        made = stage.api.post(f"{stage.path}/deployments", {"source": source}, headers={"idempotency-key": str(number)})
        self._source = source
        return self._strokes(began, made.json["id"], source=source), str(made.json["id"])

    def _roll_out(self, made: str) -> int:
        """Begin, build, roll out, finish; answers how many states its three workflows enter."""
        stage = self.stage
        self._invoke("cygni-deploy-begin", lambda: stage.begin(made))
        record = stage.read(made)
        build(stage, made, record["source"])
        spec = {**SPEC.model_dump(mode="json", by_alias=True), "rollout": self.spec}
        stage.built(made, ServiceSpec.model_validate(spec), digit="b")
        entered = enter("rollout", lambda task: self._invoke(FUNCTION_OF[task], lambda: self._task(task, made)))
        self._invoke("cygni-deploy-finish", lambda: stage.finish(made))
        if stage.read(made)["state"] != "promoted":
            raise SystemExit(f"the deployment is {stage.read(made)['state']}")
        return entered + 7 + 3  # Begin, its choice, Build, Rollout, Finish, its choice, Promoted; Plan, Build, Built

    def _task(self, task: str, made: str) -> dict[str, str]:
        if task == "AwaitReady":
            self.stage.fakes.clock.sleep(cost.STARTS)
            self.stage.make_ready()
        self._reach()
        return TASKS[task](self.stage.event(made), self.stage.ports())

    def _reach(self) -> None:
        """Looks up which cluster a task is about and how it is reached, as `functions.ports` does: one that is lent to all."""
        cluster_of(TEAM, "hello", "prod")
        before, fakes = len(self.counter.touches), self.stage.fakes
        registry.reach(_TENANT, "far", secrets=fakes.secrets, settings=fakes.settings)
        self.secrets += 1
        touches = self.counter.touches
        touches[before:] = [replace(each, key=each.key.replace(f"TEAM#{TEAM}", OPERATOR)) for each in touches[before:]]

    def _refresh(self, made: str) -> tuple[Stroke, ...]:
        """A new access token of whoever follows."""
        fakes = self.stage.fakes
        ada = sign_in(fakes, "Ada")
        form = urlencode({"grant_type": "refresh_token", "refresh_token": ada.refresh_token})
        self.counter.clear()
        began = fakes.clock()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = self.stage.api("POST", "/v1/auth/token", raw=form, headers=headers)
        if answer.status != 200:
            raise SystemExit(answer.text)
        return self._strokes(began, made, person=ada.user)

    def _invoke(self, name: str, call: Callable[[], Any]) -> Any:
        """One invocation: what it waits by the fake clock, and a round trip for each call of the store."""
        began, calls = self.stage.fakes.clock(), len(self.counter.calls)
        answer = call()
        waited = (self.stage.fakes.clock() - began).total_seconds()
        self.busy[name] += waited + cost.ROUND_TRIP * (len(self.counter.calls) - calls)  # type: ignore[assignment]
        self.invoked[BY_NAME[name].name] += 1
        return answer

    def _look(self, made: str) -> tuple[Stroke, ...]:
        """What whoever follows a rollout reads at one look: its timeline, its state, its traffic."""
        self.counter.clear()
        began = self.stage.fakes.clock()
        for part in ("/timeline", "", "/traffic"):
            self.stage.api.get(f"{self.stage.path}/deployments/{made}{part}")
        return self._strokes(began, made)

    def _strokes(self, began: datetime, made: str, source: str = "", person: str = "") -> tuple[Stroke, ...]:
        names = {
            TEAM: "{team}",
            _TENANT: "{team}",
            _SERVICE: "{service}",
            f"PROJECT#{_SERVICE.partition('#')[0]}": "PROJECT#{project}",
            made: "{deployment}",
            build_id_of(made): "{deployment}",
            source or self._source: "{deployment}",
        }

        if person:
            names[person] = "{deployment}"

        def stroke(touch: Touch, at: datetime) -> Stroke:
            key = touch.key
            for name, placeholder in names.items():
                key = key.replace(name, placeholder)
            head, found, _ = key.partition("#KEY#")  # an Idempotency-Key's hash is another each time
            key = f"{head}#KEY#{{deployment}}" if found else key
            return Stroke((at - began).total_seconds(), replace(touch, key=key))

        return tuple(stroke(*each) for each in zip(self.counter.touches, self.counter.times, strict=True))


def trace(spec: dict[str, Any] = CANARY) -> Trace:
    """Runs one deployment with this strategy."""
    with memory_store(), counting(TimedCounter()) as counter:
        return _Recorder(counter, spec).run()  # type: ignore[arg-type]

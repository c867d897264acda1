"""One in five calls of AWS fails while services are deployed side by side: no accepted request is lost or done twice."""

from __future__ import annotations

import io
import json
import random
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.endpoint
import pytest

from chalicelib.builds import service as builds
from chalicelib.deployments import tasks as deployments
from chalicelib.identity.models_teams import USAGE
from chalicelib.platform import aws, dynamodb
from chalicelib.platform.errors import CygniError, Throttled
from chalicelib.platform.storage import Storage
from chalicelib.platform.workflows import Workflows
from cygni.local.cloud import resources
from functions.catalog import TABLES
from tests.support.awsfaults import Faults
from tests.support.awsprocess import ministack
from tests.support.rollout import TASKS, Stage
from tests.support.workflow import Execution
from tests.support.world import TEAM, Client, Fakes, Reply

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SEED, SHARE = 20, 0.2
SERVICES, DEPLOYMENTS, CHANGES = 3, 5, 6
PROJECT = "/v1/projects/hello"
APP = (
    "version: 1\nname: hello\nservices:\n  {name}:\n    port: 8080\n    rollout:\n"
    "      steps: [{{weight: 50, for: 2s}}]\n      interval: 1s\n      minRequests: 20\n"
)
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86_400, "End": True}}}


class Unfaulty:
    """Clients of AWS that nothing fails: a test's own."""

    def __init__(self) -> None:
        self.machines = self._client("stepfunctions")
        self.store = self._client("dynamodb")
        self.arn = ""

    def _client(self, service: str) -> Any:
        from botocore.session import get_session

        return get_session().create_client(service)

    def running(self, service: str) -> list[tuple[str, dict[str, Any]]]:
        """The executions of a service's deployments that run: ARN and input."""
        found = self.machines.list_executions(stateMachineArn=self.arn, statusFilter="RUNNING")["executions"]
        asked = [(each["executionArn"], self.machines.describe_execution(executionArn=each["executionArn"])) for each in found]
        values = [(arn, json.loads(each["input"])) for arn, each in asked if each["status"] == "RUNNING"]
        return [(arn, value) for arn, value in values if value["service"] == service]

    def stop(self, arn: str) -> None:
        self.machines.stop_execution(executionArn=arn)


class Failed(Exception):
    """A child execution or a build that ended badly."""


@dataclass
class Lane(Stage):
    """One service with its people, its workflows and a cluster of its own; all lanes share the tables."""

    name: str = ""
    chance: random.Random = field(default_factory=random.Random)
    accepted: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    quiet: threading.Event = field(default_factory=threading.Event)

    def event(self, deployment: str) -> dict[str, Any]:
        return {**super().event(deployment), "service": self.name}

    def weights(self) -> dict[int, int]:
        from chalicelib.runtime import service as runtime

        return runtime.weights(self.cluster, runtime.Target(TEAM, "hello", "prod", self.name))

    def flow(self, requests: int) -> None:
        for number, weight in self.weights().items():
            self.fakes.metrics.serve(f"{self.name}-r{number}", requests * weight // 100)

    # people

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """A request as the `cygni` command makes it: again, with the same key, while the API says that it may pass.

        One in five answers is lost on its way, too, where asking twice is harmless.
        """
        repeatable = method != "POST" or "idempotency-key" in headers
        for _ in range(100):
            reply = self.api(method, path, body, headers=headers)
            passing = reply.status in (429, 503) or "lost-race" in reply.text
            if not passing and not (repeatable and self.chance.random() < SHARE):
                return reply
        raise AssertionError(f"{method} {path} was never taken")

    def deploys(self) -> None:
        """Somebody deploys again and again, sometimes before the last one has ended, and aborts one."""
        for number in range(DEPLOYMENTS):
            made = self.ask("POST", f"{PROJECT}/sources", {"sha256": "0" * 64, "size": 3})
            assert made.status == 201, made.text
            source = made.json["id"]
            self.upload(source)
            body, key = {"source": source}, f"{self.name}-{number}"
            reply = self.ask("POST", f"{self.path}/deployments", body, **{"idempotency-key": key})
            assert reply.status == 201, reply.text
            self.accepted.append(reply.json["id"])
            if number == 2:
                assert self.ask("POST", f"{self.path}/deployments/{reply.json['id']}/abort").status in (200, 202, 409)
            if self.chance.random() < 0.7:
                self.rests()

    def upload(self, source: str) -> None:
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as archive:
            for name, text in {"cygni.yaml": APP.format(name=self.name), "index.html": "<h1>Hello</h1>"}.items():
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        for _ in range(20):
            with suppress(Throttled):
                aws.client("s3").put_object(Bucket="cygni", Key=f"{TEAM}/sources/{source}.tar.gz", Body=data.getvalue())
                return
        raise AssertionError("nothing was uploaded")

    def rests(self) -> None:
        """Waits until nothing is under way."""
        deadline = time.monotonic() + 400
        while self.ask("GET", self.path).json["active_deployment"] is not None:
            assert time.monotonic() < deadline, (self.name, self.states())
            assert not self.quiet.is_set()
            time.sleep(0.02)

    def configures(self) -> None:
        """Somebody else sets variables, each in a request of its own."""
        for number in range(CHANGES):
            reply = self.ask("PATCH", f"{self.path}/config", {"set": {f"K{number}": f"v{number}"}})
            assert reply.status == 200, reply.text

    def states(self) -> dict[str, str]:
        items = self.ask("GET", f"{self.path}/deployments").json["items"]
        return {each["id"]: each["state"] for each in items}

    # workflows

    def works(self, own: Unfaulty) -> None:
        """Plays the executions that were started, one after the other, until the lane is told to be quiet."""
        while not self.quiet.is_set():
            for arn, value in own.running(self.name):
                assert arn not in self.seen, "an execution that has ended does not run again"
                self.seen.add(arn)
                self.play("deploy", value)
                own.stop(arn)
            time.sleep(0.02)

    def play(self, machine: str, value: dict[str, Any]) -> Execution:
        execution = Execution(dict(value), self.fakes.clock(), self.chance, machine)
        for _ in range(400):
            if execution.end is not None:
                return execution
            self.fakes.clock.now = max(self.fakes.clock(), execution.due)
            execution.step(self.task, self.fakes.clock)
        raise AssertionError(f"{machine} goes round: {execution.visited[-20:]}")

    def task(self, state: str, value: dict[str, Any]) -> dict[str, str]:
        """What the function of a state does, or the machine that it starts."""
        now, fakes = self.fakes.clock(), self.fakes
        if state == "Begin":
            return deployments.begin(value, now=now)
        if state == "Finish":
            return deployments.finish(value, workflows=Workflows(), functions=fakes.functions, bus=fakes.bus, now=now)  # type: ignore[arg-type]
        if state in ("Build", "Rollout") and "begun" in value:
            names = {"team": TEAM, "build": value["begun"]["build"]} if state == "Build" else self.event(value["deployment"])
            if self.play(state.lower(), names).failed:
                raise Failed(state)
            return {"next": ""}
        if state == "Plan":
            builds.plan_build(value["team"], value["build"], storage=Storage("cygni"), now=now)
            return {"next": ""}
        if state == "Build":
            return self.build(value["build"])
        self.make_ready()
        return TASKS[state](value, self.ports())

    def build(self, build: str) -> dict[str, str]:
        """Starts the build; its end is an event that Lambda delivers three times, and that a dead letter keeps then."""
        fakes = self.fakes
        builds.start_build(
            TEAM,
            build,
            f"token-{build}",
            builders=fakes.builders,  # type: ignore[arg-type]
            workflows=Workflows(),
            settings=fakes.settings,
        )
        variables = {"CYGNI_TEAM": TEAM, "CYGNI_BUILD": build, "IMAGE": "registry.localhost/hello/web"}
        detail = {
            "build-status": "SUCCEEDED",
            "additional-information": {
                "environment": {"environment-variables": [{"name": name, "value": each} for name, each in variables.items()]}
            },
        }
        result = json.dumps({"digest": "sha256:" + f"{len(self.seen):064x}"}).encode()
        for _ in range(20):
            with suppress(CygniError):
                aws.client("s3").put_object(Bucket="cygni", Key=f"{TEAM}/builds/{build}/result.json", Body=result)
                builds.finish_build({"detail": detail}, storage=Storage("cygni"), workflows=Workflows(), now=fakes.clock())
                return {"next": ""}
        raise Failed("the event was never taken")


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """AWS with all that is declared; its faults begin when the test says so."""
    made = Faults(SEED, SHARE)

    class Quick:
        """Pauses between a client's tries take a hundredth."""

        @staticmethod
        def sleep(seconds: float) -> None:
            time.sleep(seconds / 100)

    with ministack(tmp_path) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setattr(botocore.endpoint, "time", Quick)
        for each in (aws.client, dynamodb._shared):
            each.cache_clear()
        resources.create_tables(TABLES)
        resources.create_bucket("cygni")
        for service in ("s3", "stepfunctions"):
            made.on(aws.client(service))
        made.on(dynamodb.dynamodb())
        yield made
        for each in (aws.client, dynamodb._shared):
            each.cache_clear()


def lanes() -> list[Lane]:
    made = []
    for number in range(SERVICES):
        fakes = Fakes(workflows=Workflows())  # type: ignore[arg-type]
        fakes.ids.count = 10_000 * number
        name = f"web-{number}"
        path = f"{PROJECT}/environments/prod/services/{name}"
        made.append(Lane(Client(fakes), fakes, path=path, rate=1000, name=name, chance=random.Random(SEED + number)))
    return made


def test_one_call_in_five_fails_and_every_accepted_request_has_its_effect_once(faults: Faults) -> None:
    own, services = Unfaulty(), lanes()
    made = own.machines.create_state_machine(name="cygni-deploy", definition=json.dumps(WAITS), roleArn=resources.ROLE)
    own.arn = made["stateMachineArn"]
    faults.active = True
    assert services[0].ask("POST", "/v1/projects", {"name": "hello"}, **{"idempotency-key": "p"}).status == 201
    with ThreadPoolExecutor(SERVICES * 3) as pool:
        for done in [pool.submit(_create, each) for each in services]:
            done.result()
        working = [pool.submit(each.works, own) for each in services]
        asking = [pool.submit(ask) for each in services for ask in (each.deploys, each.configures)]
        try:
            _swept(services, asking, working)
        finally:
            for each in services:
                each.quiet.set()
        for done in (*asking, *working):
            done.result()
    faults.active = False

    told = ", ".join(f"{count} {kind}" for kind, count in sorted(faults.counts.items()) if kind != "well")
    print(f"{faults.calls} calls, of which failed: {told}")
    assert sum(faults.counts[kind] for kind in Faults.KINDS) > 0.15 * faults.calls
    assert all(faults.counts[kind] > 20 for kind in Faults.KINDS)
    for each in services:
        _holds(each)
    assert _counted(own, "services") == SERVICES
    assert _counted(own, "projects") == 1
    assert _operations(services[0])["create_deployment"] == SERVICES * DEPLOYMENTS


def _create(lane: Lane) -> None:
    path = f"{PROJECT}/environments/prod/services"
    assert lane.ask("POST", path, {"name": lane.name}, **{"idempotency-key": lane.name}).status == 201


def _swept(services: list[Lane], asking: list[Any], working: list[Any]) -> None:
    """The sweep runs all the while, until all was asked for and nothing is under way; a broken thread ends it."""
    deadline = time.monotonic() + 400
    while not all(each.done() for each in asking) or any(_busy(each) for each in services):
        assert time.monotonic() < deadline, [each.states() for each in services]
        for done in (*asking, *working):
            if done.done():
                done.result()
        fakes = services[0].fakes
        with suppress(CygniError):
            deployments.sweep(workflows=Workflows(), functions=fakes.functions, now=fakes.clock())  # type: ignore[arg-type]
        time.sleep(0.1)


def _busy(lane: Lane) -> bool:
    found = lane.ask("GET", lane.path).json
    return bool(found["active_deployment"] or found["waiting_deployment"])


def _holds(lane: Lane) -> None:
    """What must be true of a service when all is over."""
    items = lane.ask("GET", f"{lane.path}/deployments").json["items"]
    service = lane.ask("GET", lane.path).json
    assert sorted(each["id"] for each in items) == sorted(lane.accepted), "each request made one deployment"
    assert len(set(lane.accepted)) == DEPLOYMENTS
    ended = [each for each in reversed(items) if each["state"] == "promoted"]
    odd = [each for each in items if each["state"] not in ("promoted", "cancelled", "superseded")]
    assert [(each["id"], each["state"]) for each in odd] in ([], [(lane.accepted[2], "rolled_back")]), odd  # the aborted one
    assert len(ended) >= 2
    assert [each["release"] for each in ended] == sorted(each["release"] for each in ended), "in the order they were asked for"
    assert service["live_release"] == ended[-1]["release"]
    assert lane.weights() == {ended[-1]["release"]: 100}
    deployed = [name for kind, _, name in lane.cluster.state() if kind == "Deployment"]
    assert deployed == [f"{lane.name}-r{ended[-1]['release']}"], "nothing half-written is left"
    values = lane.ask("GET", f"{lane.path}/config").json["values"]
    assert values == {f"K{number}": f"v{number}" for number in range(CHANGES)}, "no change was lost"
    for each in items:
        kinds = Counter(event["kind"] for event in _timeline(lane, each["id"]))
        assert all(kinds[kind] <= 1 for kind in ("promoted", "cancelled", "superseded", "applied", "ready")), kinds


def _timeline(lane: Lane, deployment: str) -> list[dict[str, Any]]:
    return list(lane.ask("GET", f"{lane.path}/deployments/{deployment}/timeline").json["items"])


def _counted(own: Unfaulty, what: str) -> int:
    key = {"pk": {"S": f"TEAM#{TEAM}"}, "sk": {"S": USAGE}}
    found = [own.store.get_item(TableName=name, Key=key).get("Item") for name in ("cygni", "cygni-identity")]
    return int(next(each for each in found if each)[what]["N"])


def _operations(lane: Lane) -> Counter[str]:
    counted: Counter[str] = Counter()
    cursor = None
    while True:
        page = lane.api.get("/v1/audit", query={"limit": "100", **({"cursor": cursor} if cursor else {})}).json
        counted.update(each["operation"] for each in page["items"] if each["outcome"] == "done")
        cursor = page["next_cursor"]
        if cursor is None:
            return counted

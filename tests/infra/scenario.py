"""Everything that functions do to AWS, done once: every route, builds, rollouts promoted and turned back, the rest."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import boto3

from bench import cluster_calls, sign_in_calls, team_calls
from bench.store_calls import Tour
from bench.store_count import Counter
from chalicelib.builds.service import build_id_of
from chalicelib.identity.counter import take_block
from chalicelib.identity.limits import SharedLimits
from chalicelib.platform import dynamodb as clients
from chalicelib.platform.clock import utc_now
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.errors import ClusterUnavailable, MetricsUnavailable
from chalicelib.platform.fartraffic import FarMetrics
from chalicelib.platform.kubewatch import WatchedKubernetes
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import settings
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import ServiceKey, update_lane
from chalicelib.runtime.namespaces import namespace_objects
from chalicelib.runtime.rules import Target
from cygni.local.cloud.lambdas import Context, resolve
from functions import ports
from functions.catalog import API_FUNCTION, FUNCTIONS
from infra.rights import Places
from infra.tenants import roles_told
from tests.contract.api import Api
from tests.infra.account import account
from tests.infra.recorder import ACCOUNT, PARTITION, REGION, Recorder, recording
from tests.support.people import sign_in
from tests.support.rollout import TASKS, Stage
from tests.support.world import TEAM, Client, Clock, Fakes, Reply

BY_NAME = {each.name: each for each in (*FUNCTIONS, API_FUNCTION)}
PLACES = Places(PARTITION, REGION, ACCOUNT, "cygni")
HANDLERS = {each.name: each.handler for each in BY_NAME.values()}
FUNCTION_OF = {
    "Prepare": "cygni-rollout-prepare",
    "AwaitReady": "cygni-rollout-await-ready",
    "Shift": "cygni-rollout-shift",
    "Analyse": "cygni-rollout-analyse",
    "Promote": "cygni-rollout-promote",
    "Settle": "cygni-rollout-settle",
    "RollBack": "cygni-rollout-roll-back",
}


class KeptSecrets(Secrets):
    """The real ones, which a test may also set."""

    @property
    def values(self) -> KeptSecrets:
        """As the fakes have it."""
        return self

    away = False

    def __setitem__(self, name: str, value: str) -> None:
        boto3.client("secretsmanager", region_name=REGION).put_secret_value(SecretId=name, SecretString=value)

    def __contains__(self, name: str) -> bool:
        return True


class CalledFunctions(Functions):
    """The real ones; what a tour says they would answer is not needed, since they answer."""

    @property
    def answers(self) -> dict[str, Any]:
        """As the fakes have it."""
        return {}


@dataclass
class Ports(Fakes):
    """The API's ports as they are on AWS, but for the clock, the ids, the web and the metrics."""

    workflows: Any = field(default_factory=Workflows)
    functions: Any = field(default_factory=CalledFunctions)
    builders: Any = field(default_factory=lambda: Builders("cygni-build"))
    secrets: Any = field(default_factory=KeptSecrets)
    limits: Any = field(default_factory=lambda: SharedLimits(take_block, 100_000))


@dataclass
class Scenario(Stage):
    """A stage that says which function does what."""

    recorder: Recorder = field(default_factory=Recorder)

    def invoke(self, name: str, event: Any) -> Any:
        """Runs a function's handler, as Lambda does."""
        with self.recorder.running(name):
            return resolve(HANDLERS[name])(event, None)

    def begin(self, deployment: str) -> dict[str, str]:
        return dict(self.invoke("cygni-deploy-begin", self.event(deployment)))

    def finish(self, deployment: str) -> dict[str, str]:
        return dict(self.invoke("cygni-deploy-finish", self.event(deployment)))

    def run(self, deployment: str, task: str = "Prepare", *, until: str = "Done", most: int = 60) -> list[str]:
        """Tasks of a rollout on a cluster in memory: what they ask of AWS does not depend on which cluster it is."""
        ran: list[str] = []
        while task not in ("Done", until):
            ran.append(task)
            assert len(ran) < most, ran
            if task == "AwaitReady" and self.ready:
                self.make_ready()
            with self.recorder.running(FUNCTION_OF[task]):
                task = TASKS[task](self.event(deployment), self.ports())["next"]
        return ran

    def play(self) -> None:
        """All of it."""
        tour = Tour(self, Counter())
        self.invoke("cygni-rotate-signing-keys", {})
        tour.run()
        team_calls.tour(self.fakes, tour.send)
        sign_in_calls.tour(self.fakes, tour.send)
        self._build()
        self._twice()
        self._alone()
        self._turned_back()
        self._swept()
        self._placed()
        self._declared()
        self._migrated()
        self._deleted()
        bearer = {"authorization": f"Bearer {sign_in(self.fakes, 'Eve').access_token}"}
        signs = self.invoke("cygni-rotate-signing-keys", {})["signs"]
        self.fakes.clock.sleep(120)  # so that the API looks whether its keys are still the right ones
        assert self.api.get("/v1/whoami", headers=bearer).status == 200
        self.invoke("cygni-revoke-signing-key", {"kid": signs})

    def _service(self) -> None:
        self.api.post("/v1/projects", {"name": "hello"})
        assert self.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"}).status in (201, 409)

    def _build(self) -> None:
        """Builds that succeed, fail, are answered once more, and are cancelled: later, and while they start."""
        self._service()
        for result in ({"digest": "sha256:" + "d" * 64}, {"error": "x", "code": "build-failed"}, None):
            made, build = self._planned()
            self.invoke("cygni-build-start", token_of(build))
            self.api.get(f"{self.path}/deployments/{made['id']}/build-log")
            self.invoke("cygni-build-finished", ended(build, result))
            self.invoke("cygni-build-start", token_of(build))
            self.api.get(f"{self.path}/deployments/{made['id']}/build-log")
            if result and "digest" in result:
                self.run(made["id"])
            self.finish(made["id"])
        for meanwhile in (False, True):
            made, build = self._planned()
            if meanwhile:
                self.recorder.meanwhile["StartBuild"] = partial(self._abort, made["id"])
            self.invoke("cygni-build-start", token_of(build))
            self._abort(made["id"])
            self.finish(made["id"])

    def _planned(self) -> tuple[dict[str, Any], str]:
        made = self.create()
        self.begin(made["id"])
        build = build_id_of(made["id"])
        self.invoke("cygni-build-plan", {"team": TEAM, "build": build})
        return made, build

    def _abort(self, deployment: str) -> None:
        self.api.post(f"{self.path}/deployments/{deployment}/abort")

    def _twice(self) -> None:
        """A request that comes again, one whose source was never uploaded, and a project with a taken name."""
        for _ in range(2):
            made = self.api.post(
                "/v1/projects/hello/sources", {"sha256": "0" * 64, "size": 3}, headers={"idempotency-key": "twice"}
            )
        self.api.post(f"{self.path}/deployments", {"source": made.json["id"]})

    def source(self, *, own: bool = True, service: str = "") -> str:
        """One that a plan can read."""
        made = super().source(own=own, service=service)
        boto3.client("s3", region_name=REGION).put_object(Bucket="cygni", Key=f"{TEAM}/sources/{made}.tar.gz", Body=_archive())
        return made

    def _alone(self) -> None:
        """Somebody founds a team, twice by mistake, and is erased with it."""
        person = {"authorization": f"Bearer {sign_in(self.fakes, 'Eve').access_token}"}
        for _ in range(2):
            made = self.api.post("/v1/teams", {"name": "eve"}, headers={"idempotency-key": "founds", **person})
            assert made.status == 201, made.text
        erased = self.api("DELETE", "/v1/me", headers=person)
        assert erased.status == 204, erased.text

    def _turned_back(self) -> None:
        """A rollout whose canary fails."""
        self.failing = 0.9
        made = self.create()
        self.begin(made["id"])
        self.built(made["id"], digit="c")
        assert "RollBack" in self.run(made["id"])
        self.finish(made["id"])
        self.failing = 0.0

    def _swept(self) -> None:
        """A deployment whose workflow was lost, with another in the queue."""
        machines = boto3.client("stepfunctions", region_name=REGION)
        made = self.create()
        waits = self.create()
        arn = next(
            each["executionArn"]
            for machine in machines.list_state_machines()["stateMachines"]
            for each in machines.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
            if made["id"].partition("_")[2].lower() in each["name"].lower()
        )
        machines.stop_execution(executionArn=arn)
        assert self.invoke("cygni-sweep", {}) == {"started": 1}
        for each in (made, waits):
            self.api.post(f"{self.path}/deployments/{each['id']}/abort")
            self.finish(each["id"])

    def _placed(self) -> None:
        """Every function that reaches clusters, about an environment on a registered one, where nobody answers."""
        self._service()
        with self.recorder.running(API_FUNCTION.name):
            cluster_calls.tour(self._asked, TEAM)
        placed = {"team": TEAM, "project": "hello", "environment": "remote", "service": "web"}
        for each in FUNCTIONS:
            if "reach clusters" in each.rights and "check" not in each.name:
                cluster_calls.heal(TEAM)  # so that each hears the silence by itself, and keeps it
                with self.recorder.running(each.name), suppress(ClusterUnavailable):
                    _forget_clusters()
                    ports.rollout_ports(placed).cluster.version()
        _forget_clusters()
        with suppress(MetricsUnavailable):
            self.invoke("cygni-traffic", {**placed, "backends": ["web-r1"]})
        with self.recorder.running(API_FUNCTION.name), suppress(MetricsUnavailable):
            FarMetrics(self.fakes.functions.call, placed).read("", ["web-r1"])
        _forget_clusters()
        self.invoke("cygni-check-clusters", {})
        assert self.invoke("cygni-reconcile", {})["sent"] == 2
        cluster_calls.end(self._asked)

    def _declared(self) -> None:
        """A CygniService that is applied, changed in mid-rollout, deployed from a source by hand, and deleted."""
        self._service()
        target = Target(TEAM, "hello", "prod", "declared")
        cluster = WatchedKubernetes.from_kubeconfig(settings().kubeconfig)
        cluster.apply(namespace_objects(target)[0])
        meta = {"name": "declared", "namespace": target.namespace}
        person, place = Api(settings().kubeconfig), f"/apis/cygni.dev/v1/namespaces/{target.namespace}/cygniservices"
        for digit in "ab":
            spec = {"image": "registry.localhost/x/y@sha256:" + digit * 64}
            body = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", "metadata": meta, "spec": spec}
            assert person.apply(f"{place}/declared", body, "kubectl").status < 300
            assert self.invoke("cygni-reconcile", {})["worked"] > 0
        path = "/v1/projects/hello/environments/prod/services/declared/deployments"
        by_hand = self.api.post(path, {"source": self.source(service="declared")})
        assert self.api.post(f"{path}/{by_hand.json['id']}/abort").status == 202
        cluster.delete("CygniService", target.namespace, "declared")
        for _ in range(3):
            self.invoke("cygni-reconcile", {})
            for each in self.api.get(path).json.get("items", ()):
                event = {**self.event(each["id"]), "service": "declared"}
                self.invoke("cygni-deploy-finish", event)
        assert cluster.get("CygniService", target.namespace, "declared") is None

    def _migrated(self) -> None:
        """Records of an older release are migrated, with too little time to end at once."""
        for number in range(250):
            pk = f"TEAM#{TEAM}#{'OLD' if number else 'RELEASES#hello#prod#old'}"
            record = {"pk": {"S": pk}, "sk": {"S": f"RELEASE#{number:06d}"}, "spec": {"S": "{}"}}
            boto3.client("dynamodb", region_name=REGION).put_item(TableName="cygni", Item=record)
        name, context = "cygni-migrate", Context(BY_NAME["cygni-migrate"], "", "play")
        context.function_version, context._deadline = "1", 0.0
        with self.recorder.running(name):
            assert resolve(HANDLERS[name])({}, context)["left"]

    def _deleted(self) -> None:
        """A service that is deleted while a deployment is under way, and one whose removal was lost."""
        made = self.create()
        assert self.api("DELETE", self.path).status == 202
        self.finish(made["id"])
        assert self.api.get(self.path).status == 404
        self._service()
        update_lane(ServiceKey(TEAM, "hello", "prod", "web"), lambda lane: replace(lane, closed=True))
        self.invoke("cygni-sweep", {})
        assert self.api.get(self.path).status == 404

    def _asked(self, _name: str, method: str, path: str, **more: Any) -> Reply:
        """A request that must not be refused."""
        reply: Reply = self.api(method, path, more.pop("body", None), **more)
        assert reply.status < 400, reply.text
        return reply


def _forget_clusters() -> None:
    """As in another function's process."""
    ports._cluster.cache_clear()
    ports._secrets.cache_clear()


class Serving(Client):
    """A client whose requests are the API function's doing."""

    def __init__(self, fakes: Fakes, recorder: Recorder, **more: Any) -> None:
        super().__init__(fakes, **more)
        self.recorder = recorder

    def __call__(self, *given: Any, **more: Any) -> Any:
        with self.recorder.running(API_FUNCTION.name):
            return super().__call__(*given, **more)


@contextmanager
def played() -> Iterator[Recorder]:
    """What was called while the scenario was played."""
    with recording() as recorder:
        recorder.entered = told
        fakes = Ports(clock=Clock(utc_now() + timedelta(minutes=1)))  # after the first key was made
        scenario = Scenario(Serving(fakes, recorder), fakes, recorder=recorder)
        with account(scenario.invoke):
            scenario.play()
            yield recorder


def told(function: str | None) -> None:
    """Has this be the process of a function: it knows the roles that the function is told of, and has its sessions alone."""
    roles = roles_told(BY_NAME[function], PLACES) if function else {}
    for name in ("CYGNI_TENANT_ROLE", "CYGNI_MEMBER_ROLE"):
        os.environ[name] = roles.get(name, "")
    settings.cache_clear()
    clients._sessions = _SESSIONS[function or ""]


_SESSIONS: dict[str, dict[tuple[str, str], Any]] = defaultdict(dict)


def token_of(build: str) -> dict[str, str]:
    """What the task of a build that waits for a token is given."""
    return {"team": TEAM, "build": build, "token": "t" * 600}


def ended(build: str, result: dict[str, str] | None) -> dict[str, Any]:
    """The event of a build's end; one that was stopped leaves no result."""
    if result is not None:
        key, body = f"{TEAM}/builds/{build}/result.json", json.dumps(result).encode()
        boto3.client("s3", region_name=REGION).put_object(Bucket="cygni", Key=key, Body=body)
    values = {"CYGNI_TEAM": TEAM, "CYGNI_BUILD": build, "IMAGE": "registry.localhost/x"}
    variables = [{"name": name, "value": value} for name, value in values.items()]
    status = "SUCCEEDED" if result and "digest" in result else "FAILED" if result else "STOPPED"
    return {"detail": {"build-status": status, "additional-information": {"environment": {"environment-variables": variables}}}}


def _archive() -> bytes:
    files = {
        "cygni.yaml": (
            "version: 1\nname: hello\nservices:\n  web:\n    rollout:\n"
            "      steps: [{weight: 20, for: 10s}]\n      interval: 1s\n"
        ),
        "app.py": "print(1)\n",
        "requirements.txt": "",
        "Procfile": "web: python app.py\n",
    }
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(text), int(time.time())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return data.getvalue()

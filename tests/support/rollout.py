"""A rollout driven task by task against fakes, as the workflow would drive it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.builds.models import BUILD, BuildRecord, build_pk
from chalicelib.builds.service import build_id_of
from chalicelib.deployments import tasks as deployments
from chalicelib.deployments.tasks import Gateway, Ports
from chalicelib.platform.aws import client
from chalicelib.platform.storage import Storage
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from chalicelib.projects.service import ServiceKey, ServiceSpec
from tests.fakes.kube import FakeCluster
from tests.support.world import TEAM, Client, Fakes

IMAGE = "registry.localhost/hello/web@sha256:" + "a" * 64
SPEC = ServiceSpec.model_validate(
    {
        "rollout": {
            "steps": [{"weight": 20, "for": "10s"}, {"weight": 50, "for": "10s"}],
            "interval": "1s",
            "minRequests": 20,
            "gates": {"errorRate": 5, "latencyP95": 400},
        }
    }
)
TASKS: dict[str, Callable[[dict[str, Any], Ports], dict[str, str]]] = {
    "Prepare": deployments.prepare,
    "AwaitReady": deployments.await_ready,
    "Shift": deployments.shift,
    "Analyse": deployments.analyse,
    "Promote": deployments.promote,
    "Settle": deployments.settle,
    "RollBack": deployments.roll_back,
}


@dataclass
class Stage:
    """The API, the fakes behind it, a cluster whose pods become ready at once, and traffic that flows while time passes.

    `failing` and `slow` are shares of the canary's requests, `broken_at_all` of the newest release's, canary or not; `ready`
    says whether new releases become ready, `revives` whether others do while time passes.
    """

    api: Client
    fakes: Fakes
    cluster: FakeCluster = field(default_factory=FakeCluster)
    path: str = "/v1/projects/hello/environments/prod/services/web"
    failing: float = 0.0
    slow: float = 0.0
    rate: int = 50
    ready: bool = True
    broken_at_all: float = 0.0
    revives: bool = False
    gateway: Gateway = field(default_factory=Gateway)

    def ports(self) -> Ports:
        """The ports of the tasks; sleeping makes pods ready and traffic flow."""
        settings = replace(self.fakes.settings, analysis_slice=60, ready_slice=20)
        return Ports(
            cluster=self.cluster,
            metrics=self.fakes.metrics,
            settings=settings,
            clock=self.fakes.clock,
            sleep=self.sleep,
            webhooks=self.fakes.webhooks,
            gateway=self.gateway,
        )

    def sleep(self, seconds: float) -> None:
        self.fakes.clock.sleep(max(seconds, 1))
        if self.revives:
            self.make_ready()
        self.flow(int(self.rate * max(seconds, 1)))

    def flow(self, requests: int) -> None:
        """Sends requests by the weights of the route; the newest release is the canary."""
        weights = self.weights()
        newest = max(weights, default=0)
        for number, weight in weights.items():
            share = requests * weight // 100
            bad = number == newest and weight < 100
            errors, slow = (int(share * self.failing), int(share * self.slow)) if bad else (0, 0)
            errors = max(errors, int(share * self.broken_at_all)) if number == newest else errors
            self.fakes.metrics.serve(f"web-r{number}", share, errors=errors, slow=slow)

    def weights(self) -> dict[int, int]:
        from chalicelib.runtime import service as runtime

        return runtime.weights(self.cluster, runtime.Target(TEAM, "hello", "prod", "web"))

    def create(self, **body: Any) -> dict[str, Any]:
        """A deployment that has its image already."""
        source = self.source()
        made = self.api.post(f"{self.path}/deployments", {"source": source, **body})
        assert made.status == 201, made.text
        return dict(made.json)

    def built(self, deployment: str, spec: ServiceSpec = SPEC, *, digit: str = "a") -> None:
        """Records that the deployment's build succeeded."""
        build = build_id_of(deployment)
        record = team_store(TEAM).fetch(BuildRecord, build_pk(TEAM, build), BUILD)
        assert record is not None
        record.state, record.image = "succeeded", IMAGE.replace("a" * 64, digit * 64)
        record.spec, record.command = spec.model_dump(mode="json", by_alias=True), None
        team_store(TEAM).commit([Put(record)])

    def event(self, deployment: str) -> dict[str, Any]:
        return {"team": TEAM, "project": "hello", "environment": "prod", "service": "web", "deployment": deployment}

    def begin(self, deployment: str) -> dict[str, str]:
        return deployments.begin(self.event(deployment), now=self.fakes.clock())

    def run(self, deployment: str, task: str = "Prepare", *, until: str = "Done", most: int = 60) -> list[str]:
        """Runs tasks as the workflow's Choice would, until `until` is next; answers the tasks that ran."""
        ran: list[str] = []
        while task not in ("Done", until):
            ran.append(task)
            assert len(ran) < most, ran
            if task == "AwaitReady" and self.ready:
                self.make_ready()
            task = TASKS[task](self.event(deployment), self.ports())["next"]
        return ran

    def finish(self, deployment: str) -> dict[str, str]:
        return deployments.finish(
            self.event(deployment),
            workflows=self.fakes.workflows,  # type: ignore[arg-type]
            functions=self.fakes.functions,  # type: ignore[arg-type]
            bus=self.fakes.bus,  # type: ignore[arg-type]
            now=self.fakes.clock(),
        )

    def sweep(self) -> int:
        return deployments.sweep(
            workflows=self.fakes.workflows,  # type: ignore[arg-type]
            functions=self.fakes.functions,  # type: ignore[arg-type]
            now=self.fakes.clock(),
        )

    def remove(self) -> None:
        """Carries out every removal that was asked for, twice, and forgets that it was."""
        asked = [event for name, event in self.fakes.functions.calls if name == "cygni-remove-service"]
        self.fakes.functions.calls.clear()
        for event in (*asked, *asked):
            deployments.remove_service(ServiceKey.from_dict(event), self.cluster, Storage("cygni"), self.fakes.clock)

    def deploy(self, *, digit: str = "a", spec: ServiceSpec = SPEC) -> dict[str, Any]:
        """A whole deployment, to whatever end it comes to."""
        made = self.create()
        self.begin(made["id"])
        self.built(made["id"], spec, digit=digit)
        self.run(made["id"])
        self.finish(made["id"])
        return self.read(made["id"])

    def read(self, deployment: str) -> dict[str, Any]:
        return dict(self.api.get(f"{self.path}/deployments/{deployment}").json)

    def told(self, deployment: str, kind: str) -> list[str]:
        """The messages of one kind on the deployment's timeline."""
        events = self.api.get(f"{self.path}/deployments/{deployment}/timeline").json["items"]
        return [event["message"] for event in events if event["kind"] == kind]

    def make_ready(self) -> None:
        """Every Deployment's pods run and answer."""
        for (kind, namespace, name), _ in list(self.cluster.state().items()):
            if kind == "Deployment":
                self.cluster.make_ready(namespace, name)

    def source(self, *, own: bool = True, service: str = "") -> str:
        """An uploaded source, for one service alone, this one unless another is named, or for any of the project's."""
        environment, _, this = self.path.split("/")[5:8]
        named = {"environment": environment, "service": service or this} if own else {}
        made = self.api.post("/v1/projects/hello/sources", {"sha256": "0" * 64, "size": 3, **named}).json
        client("s3").put_object(Bucket="cygni", Key=f"{TEAM}/sources/{made['id']}.tar.gz", Body=b"abc")
        return str(made["id"])

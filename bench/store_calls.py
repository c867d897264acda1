"""Round trips to the store and write units of every route and of a whole deploy, against an in-memory DynamoDB.

usage: python -m bench.store_calls
"""

from __future__ import annotations

import io
import logging
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")

from bench import cluster_calls, sign_in_calls, team_calls
from bench.figures import verdict
from bench.store_count import Counter, counting
from chalicelib.builds import service as builds
from chalicelib.identity.service import Grant, Role
from chalicelib.platform.aws import client
from chalicelib.platform.storage import Storage
from tests.support.rollout import Stage
from tests.support.store import memory_store
from tests.support.world import TEAM, Client, Fakes, Reply

APP_FILE = """\
version: 1
name: hello
services:
  web:
    rollout:
      steps: [{weight: 20, for: 10s}, {weight: 50, for: 10s}]
      interval: 1s
      gates: {errorRate: 5, latencyP95: 400}
"""
TOKEN = "t" * 700
"""As long as those of Step Functions are."""
READ, WRITE, DEPLOY_UNITS = 1, 2, 45
MORE = {
    "list_evidence": 2,  # the deployment says whether the path is right, and evidence has a partition of its own
    "replay_deployment": 2,
    "explain_deployment": 2,
    "read_traffic": 3,  # the newest analysis has the looks that a verdict rests on, and the environment says where it runs
    "list_releases": 2,  # which one is live is the service's to say
    "delete_environment": 3,  # whether it has services, and the audit trail's newest line, which comes with no other read
    "delete_project": 5,  # the same, and its environments go with it
    "create_rollback": 4,  # the release before, then what a deployment takes, then whether one under way has to be aborted
    "abort_deployment": 4,  # its build is stopped as well
    "list_audit": 2,  # the newest line's number, then the partition that it is in
    "export_audit": 2,
    **sign_in_calls.MORE,
    **team_calls.MORE,
    **cluster_calls.MORE,
}
"""Routes that may take more round trips than the aims say, and why."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call of a route cost."""

    method: str
    calls: int
    units: int


class Tour:
    """Calls every route that reaches the store once, and keeps what each cost."""

    def __init__(self, stage: Stage, counter: Counter) -> None:
        self.stage, self.counter = stage, counter
        self.costs: dict[str, Cost] = {}

    def call(self, name: str, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """Calls a route by the name of its operation, and answers with what came."""
        if method == "POST":
            headers["idempotency-key"] = name
        answer = self.send(name, method, path, body=body, headers=headers)
        return dict(answer.json) if answer.text else {}

    def send(self, name: str, method: str, path: str, **request: Any) -> Reply:
        """Calls a route by the name of its operation, with whatever a client's call takes."""
        self.counter.clear()
        answer = self.stage.api(method, path, request.pop("body", None), **request)
        if answer.status >= 400:
            raise SystemExit(f"{name}: {answer.text}")
        self.costs[name] = Cost(method, len(self.counter.calls), self.counter.units)
        return answer

    def run(self) -> dict[str, Cost]:
        """A project from its creation to its deletion."""
        self._places()
        self._deployments()
        self._endings()
        return self.costs

    def _places(self) -> None:
        self.call("get_readiness", "GET", "/v1/ready")
        self.call("create_project", "POST", "/v1/projects", {"name": "hello"})
        self.call("list_projects", "GET", "/v1/projects")
        self.call("get_project", "GET", "/v1/projects/hello")
        etag = {"if-match": '"1"'}
        self.call("describe_project", "PUT", "/v1/projects/hello", {"description": "d"}, **etag)
        environments = "/v1/projects/hello/environments"
        self.call("create_environment", "POST", environments, {"name": "staging"})
        self.call("list_environments", "GET", environments)
        self.call("get_environment", "GET", f"{environments}/staging")
        self.call("describe_environment", "PUT", f"{environments}/staging", {"description": "d"}, **etag)
        freeze = {"until": "2099-01-01T00:00:00Z", "reason": "Holidays."}
        self.call("freeze_environment", "POST", f"{environments}/staging/freezes", freeze)
        self.call("thaw_environment", "DELETE", f"{environments}/staging/freezes")
        self.call("delete_environment", "DELETE", f"{environments}/staging")
        self.call("create_service", "POST", f"{environments}/prod/services", {"name": "web"})
        self.call("list_services", "GET", f"{environments}/prod/services")
        self.call("get_service", "GET", self.stage.path)
        self.call("describe_service", "PUT", self.stage.path, {"description": "d"}, **etag)
        self.call("change_config", "PATCH", f"{self.stage.path}/config", {"set": {"A": "1"}})
        self.call("get_config", "GET", f"{self.stage.path}/config")
        self.stage.fakes.functions.answers["cygni-logs"] = {"items": [], "next_cursor": "c"}
        self.call("read_logs", "GET", f"{self.stage.path}/logs")
        self.call("create_source", "POST", "/v1/projects/hello/sources", {"sha256": "0" * 64, "size": 3})

    def _deployments(self) -> None:
        stage, path = self.stage, self.stage.path
        stage.deploy()
        made = self.call("create_deployment", "POST", f"{path}/deployments", {"source": stage.source()})
        here = f"{path}/deployments/{made['id']}"
        stage.begin(made["id"])
        self.call("list_deployments", "GET", f"{path}/deployments")
        self.call("get_deployment", "GET", here)
        self.call("read_timeline", "GET", f"{here}/timeline")
        self.call("read_build_log", "GET", f"{here}/build-log")
        stage.built(made["id"], digit="b")
        stage.run(made["id"], until="Analyse")
        self.call("read_traffic", "GET", f"{here}/traffic")
        for wish in ("pause", "resume", "promote"):
            self.call(f"{wish}_deployment", "POST", f"{here}/{wish}")
        stage.run(made["id"], "Analyse")
        stage.finish(made["id"])
        self.call("list_evidence", "GET", f"{here}/evidence")
        self.call("replay_deployment", "GET", f"{here}/replay")
        self.call("explain_deployment", "GET", f"{here}/explanation")
        self.call("list_releases", "GET", f"{path}/releases")
        self.call("get_release", "GET", f"{path}/releases/1")

    def _endings(self) -> None:
        stage, path = self.stage, self.stage.path
        back = self.call("create_rollback", "POST", f"{path}/rollback", {"release": 1})
        stage.begin(back["id"])
        stage.run(back["id"])
        stage.finish(back["id"])
        made = stage.create()
        stage.begin(made["id"])
        self.call("abort_deployment", "POST", f"{path}/deployments/{made['id']}/abort")
        stage.finish(made["id"])
        self._approvals()
        self.call("delete_service", "DELETE", path)
        stage.fakes.functions.answers["cygni-check-cluster"] = None
        cluster_calls.tour(self.send, stage.fakes.settings.admin_team)
        cluster_calls.end(self.send)
        stage.api("POST", "/v1/projects", {"name": "brief"})
        self.call("delete_project", "DELETE", "/v1/projects/brief")
        self.call("list_audit", "GET", "/v1/audit")
        self.call("export_audit", "GET", "/v1/audit/export")
        self.call("get_audit_head", "GET", "/v1/audit/head")

    def _approvals(self) -> None:
        """What a Developer proposes for production is decided on by an Owner."""
        stage, path = self.stage, self.stage.path
        developer = Client(stage.fakes, grant=Grant(Role.DEVELOPER))
        for decision in ("approve", "reject"):
            made = developer.post(f"{path}/deployments", {"redeploy": True}).json
            self.call(f"{decision}_deployment", "POST", f"{path}/deployments/{made['id']}/{decision}")
            self.stage.api.post(f"{path}/deployments/{made['id']}/abort")
            stage.finish(made["id"])


@contextmanager
def counted_stage() -> Iterator[tuple[Stage, Counter]]:
    """The API on an empty store whose calls are counted."""
    with memory_store(), counting() as counter:
        fakes = Fakes()
        yield Stage(Client(fakes), fakes), counter


def route_costs() -> dict[str, Cost]:
    """What each route costs, by the name of its operation."""
    with counted_stage() as (stage, counter):
        tour = Tour(stage, counter)
        tour.run()
        team_calls.tour(stage.fakes, tour.send)
        sign_in_calls.tour(stage.fakes, tour.send)
        return tour.costs


def deploy_cost() -> Cost:
    """A canary of two steps beside a live release, from the POST to the freed lane; the upload of its source not counted."""
    with counted_stage() as (stage, counter):
        stage.api("POST", "/v1/projects", {"name": "hello"})
        stage.api("POST", "/v1/projects/hello/environments/prod/services", {"name": "web"})
        stage.deploy()
        source = stage.source()
        counter.clear()
        made = stage.api("POST", f"{stage.path}/deployments", {"source": source}, headers={"idempotency-key": "k"}).json["id"]
        stage.begin(made)
        build(stage, made, source)
        stage.run(made)
        stage.finish(made)
        cost = Cost("", len(counter.calls), counter.units)
        if stage.read(made)["state"] != "promoted":
            raise SystemExit("the deployment was not promoted")
        return cost


def build(stage: Stage, deployment: str, source: str) -> None:
    """The tasks of a build, as its workflow and its builder would call them."""
    for _, task in build_tasks(stage, deployment, source):
        task()


def build_tasks(stage: Stage, deployment: str, source: str) -> list[tuple[str, Callable[[], None]]]:
    """The same by the names of the functions that they are; the source has been uploaded."""
    storage, fakes, name = Storage("cygni"), stage.fakes, builds.build_id_of(deployment)
    client("s3").put_object(Bucket="cygni", Key=f"{TEAM}/sources/{source}.tar.gz", Body=_packed())

    def plan() -> None:
        builds.plan_build(TEAM, name, storage=storage, now=fakes.clock())

    def start() -> None:
        builds.start_build(TEAM, name, TOKEN, builders=fakes.builders, workflows=fakes.workflows, settings=fakes.settings)

    def finished() -> None:
        started = fakes.builders.started[name]
        variables = [{"name": key, "value": value} for key, value in started.items()]
        storage.write_json(started["RESULT_KEY"], {"digest": "sha256:" + "b" * 64})
        information = {"environment": {"environment-variables": variables}}
        ended = {"detail": {"build-status": "SUCCEEDED", "additional-information": information}}
        builds.finish_build(ended, storage=storage, workflows=fakes.workflows, now=fakes.clock())

    return [("cygni-build-plan", plan), ("cygni-build-start", start), ("cygni-build-finished", finished)]


def _packed() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in {
            "app.py": "",
            "requirements.txt": "",
            "Procfile": "web: python app.py",
            "cygni.yaml": APP_FILE,
        }.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def limit(name: str, cost: Cost) -> int:
    """Round trips that a route may take."""
    return MORE.get(name, READ if cost.method == "GET" else WRITE)


def main() -> None:
    """A table, then the aims."""
    logging.disable(logging.CRITICAL)
    costs = route_costs()
    print(f"{'route':<22} {'round trips':>12} {'at most':>8} {'write units':>12}")
    for name, cost in sorted(costs.items(), key=lambda each: (each[1].method, each[0])):
        print(f"{name:<22} {cost.calls:>12} {limit(name, cost):>8} {cost.units:>12}")
    typical = {name: cost for name, cost in costs.items() if name not in MORE}
    print(verdict("most round trips of a read", max(each.calls for each in typical.values() if each.method == "GET"), READ))
    print(verdict("most round trips of a write", max(each.calls for each in typical.values() if each.method != "GET"), WRITE))
    whole = deploy_cost()
    print(f"a whole deploy, two canary steps: {whole.calls} round trips")
    print(verdict("write units of a whole deploy", whole.units, DEPLOY_UNITS))


if __name__ == "__main__":
    main()

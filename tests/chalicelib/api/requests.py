"""A valid request of every operation, and the things it needs: so that tests can call whatever the API has.

`World` holds a team with one of everything. `Ask` says how an operation is called on it. A test fails when an operation has
none, so that a new route cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.api.routes import Route
from chalicelib.identity.service import Grant, Role
from chalicelib.identity.standing import Standing
from tests.support.people import sign_in
from tests.support.rollout import Stage
from tests.support.world import Client, Reply

Body = Callable[["Furnished"], Any]


@dataclass
class Furnished:
    """A team with one of everything; `names` fills the parameters of paths."""

    stage: Stage
    names: dict[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> Client:
        return self.stage.api


@dataclass(frozen=True)
class Ask:
    """How an operation is called: its body, its query, and what has to be so beforehand."""

    body: Body | None = None
    query: dict[str, str] = field(default_factory=dict)
    before: Callable[[Furnished], None] = lambda furnished: None


def furnished(stage: Stage) -> Furnished:
    """A team with project hello, environments prod and spare, services web and idle, one live release, one ended deployment."""
    api = stage.api
    api.post("/v1/projects/hello/environments", {"name": "spare"})
    api.post("/v1/projects/hello/environments/prod/services", {"name": "idle"})
    stage.fakes.functions.answers["cygni-logs"] = {"items": [], "next_cursor": "c"}
    made = stage.deploy()
    names = {"project": "hello", "environment": "prod", "service": "web", "deployment": made["id"], "release": "1"}
    names["session"] = "ses_01J00000000000000000000001"
    return Furnished(stage, names)


def under_way(furnished: Furnished) -> None:
    """A second release is being analysed."""
    stage = furnished.stage
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], digit="b")
    stage.run(made["id"], until="Analyse")
    furnished.names["deployment"] = made["id"]


def paused(furnished: Furnished) -> None:
    under_way(furnished)
    furnished.owner.post(path_of(furnished, "/deployments/{deployment}/pause"))


def proposed(furnished: Furnished) -> None:
    """A deployment awaits approval."""
    developer = Client(furnished.stage.fakes, grant=Grant(Role.DEVELOPER))
    made = developer.post(path_of(furnished, "/deployments"), {"redeploy": True})
    furnished.names["deployment"] = made.json["id"]


def in_spare(furnished: Furnished) -> None:
    furnished.names["environment"] = "spare"


def on_idle(furnished: Furnished) -> None:
    furnished.names["service"] = "idle"


def empty_project(furnished: Furnished) -> None:
    furnished.owner.post("/v1/projects", {"name": "empty"})
    furnished.names["project"] = "empty"


def path_of(furnished: Furnished, below: str = "") -> str:
    """A path below the service, filled."""
    whole = "/v1/projects/{project}/environments/{environment}/services/{service}" + below
    return whole.format(**furnished.names)


def source(furnished: Furnished) -> dict[str, Any]:
    return {"source": furnished.stage._source()}


def signed_in(furnished: Furnished) -> None:
    """The Owner is a person who is signed in, and has a second session."""
    fakes = furnished.stage.fakes
    here = Standing(fakes.settings.admin_team, "", Grant(Role.OWNER))
    furnished.owner.key = sign_in(fakes, standing=here).access_token
    furnished.names["session"] = sign_in(fakes).session


DESCRIBED: dict[str, Any] = {"description": "new"}
FILES = {"files": [{"path": "requirements.txt", "text": "flask"}, {"path": "app.py", "text": ""}]}

ASKS: dict[str, Ask] = {
    "whoami": Ask(),
    "logout": Ask(before=signed_in),
    "list_sessions": Ask(before=signed_in),
    "revoke_session": Ask(before=signed_in),
    "create_project": Ask(lambda _: {"name": "second"}),
    "list_projects": Ask(),
    "get_project": Ask(),
    "describe_project": Ask(lambda _: DESCRIBED),
    "delete_project": Ask(before=empty_project),
    "create_environment": Ask(lambda _: {"name": "qa"}),
    "list_environments": Ask(),
    "get_environment": Ask(),
    "describe_environment": Ask(lambda _: DESCRIBED),
    "delete_environment": Ask(before=in_spare),
    "create_service": Ask(lambda _: {"name": "second"}),
    "list_services": Ask(),
    "get_service": Ask(),
    "describe_service": Ask(lambda _: DESCRIBED, before=on_idle),
    "delete_service": Ask(before=on_idle),
    "get_config": Ask(),
    "change_config": Ask(lambda _: {"set": {"A": "1"}}),
    "read_logs": Ask(),
    "create_source": Ask(lambda _: {"sha256": "0" * 64, "size": 3}),
    "plan_build": Ask(lambda _: FILES),
    "check_app_file": Ask(lambda _: {"text": "version: 1\nname: hello\nservices:\n  web: {}\n"}),
    "draft_app_file": Ask(lambda _: {"name": "hello"}),
    "create_deployment": Ask(source),
    "create_rollback": Ask(lambda _: {"release": 1}),
    "approve_deployment": Ask(before=proposed),
    "reject_deployment": Ask(before=proposed),
    "list_deployments": Ask(),
    "get_deployment": Ask(),
    "read_timeline": Ask(),
    "read_traffic": Ask(),
    "list_evidence": Ask(),
    "replay_deployment": Ask(),
    "read_build_log": Ask(),
    "promote_deployment": Ask(before=under_way),
    "pause_deployment": Ask(before=under_way),
    "resume_deployment": Ask(before=paused),
    "abort_deployment": Ask(before=under_way),
    "list_releases": Ask(),
    "get_release": Ask(),
    "list_audit": Ask(),
    "export_audit": Ask(),
    "get_audit_head": Ask(),
}


def ask(client: Client, route: Route, furnished: Furnished, **names: str) -> Reply:
    """Calls an operation on what is furnished; `names` replace parameters of its path."""
    how = ASKS[route.name]
    path = route.path.format(**(furnished.names | names))
    body = how.body(furnished) if how.body else None
    etag = _etag(furnished, route, path) if route.updates else '"1"'
    return client(route.method, path, body, query=how.query, headers={"if-match": etag})


def _etag(furnished: Furnished, route: Route, path: str) -> str:
    found = furnished.owner.get(path)
    return found.headers.get("etag", '"1"') if found.status == 200 else '"1"'

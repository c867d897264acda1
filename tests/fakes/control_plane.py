"""The fake control plane's state and operations, without HTTP.

Shapes are the real ones: bodies are validated by, and answers made of, the API's own schemas. `requests` is the history of
what was asked; the dictionaries are the state.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from chalicelib.builds.preview import dockerfile_of, preview_plan
from chalicelib.builds.schemas import BuildLogView, NewSource, PlanRequest, PlanView, SourceView
from chalicelib.deployments.schemas import DeploymentView, LogView, NewDeployment, NewRollback, ReleaseView, TimelineView
from chalicelib.platform.errors import Conflict, NotFound, TooLarge
from chalicelib.projects.appfile import Starter, default_text, parse
from chalicelib.projects.rules import kind_of
from chalicelib.projects.schemas import (
    AppFileDraft,
    AppFileText,
    ConfigChange,
    ConfigView,
    EnvironmentView,
    NewEnvironment,
    NewProject,
    NewService,
    ProjectView,
    ServiceView,
)
from chalicelib.rollouts.schemas import ExplanationView, ReplayView, TrafficView
from tests.fakes.clusters import FakeClusters
from tests.fakes.rollout_script import START, Deployment, Frame, promoted
from tests.fakes.sign_in import Caller, FakeSignIn
from tests.fakes.teams import FakeTeams
from tests.support.explained import explained

ID = "0" * 25


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Fault:
    """An answer that is given instead of the real one, `times` times, to requests whose path ends in `path`."""

    path: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class FakeApi:
    """The control plane. `script` is what the next deployments do; `upload_limit` is bytes."""

    url: str = ""
    script: Callable[[], tuple[Frame, ...]] = promoted
    upload_limit: int = 100 * 1024 * 1024
    clock_ahead: timedelta = timedelta()
    replay_agrees: bool = True
    steps: list[Any] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    environments: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    services: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    config: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    sources: dict[str, NewSource] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    keys: dict[str, Deployment] = field(default_factory=dict)
    log_lines: list[dict[str, Any]] = field(default_factory=list)
    app_url: str = "http://shop.localhost:8080"
    identity: FakeTeams = field(default_factory=FakeTeams)
    clusters: FakeClusters = field(init=False)
    gates: dict[str, threading.Event] = field(default_factory=dict)
    caller: Caller | None = None

    def __post_init__(self) -> None:
        self.clusters = FakeClusters(self.environments)

    @property
    def sign_in(self) -> FakeSignIn:
        """Devices, sessions and tokens."""
        return self.identity.sign_in

    # --- what tests say and ask

    def add_service(self, *key: str, live: int | None = None) -> None:
        """A service that is there already: shop/prod/web if it is not said which."""
        project, environment, service = key or ("shop", "prod", "web")
        self.projects.setdefault(project, _named(name=project))
        self.environments.setdefault(
            (project, environment), _named(project=project, name=environment, kind=kind_of(environment))
        )
        self.services[project, environment, service] = _named(
            project=project,
            environment=environment,
            name=service,
            url=self.app_url,
            live_release=live,
            active_deployment=None,
            waiting_deployment=None,
            deleting=False,
        )

    def add_deployment(self, state: str = "promoted", kind: str = "deploy", outcome: str | None = None) -> Deployment:
        """A deployment of shop/prod/web that happened already, or is under way."""
        made = self._new_deployment(("shop", "prod", "web"), kind, "", "")
        made.script.clear()
        made.script.append(
            Frame(state, state, outcome=outcome, weight=10 if state == "rolling_out" else None, canary=(50, 0, 20.0))
        )
        made.advance()
        if made.view["ended"]:
            self._settle(made)
        return made

    def asked(self, method: str, suffix: str = "") -> list[Seen]:
        """The requests of a method whose path ends so."""
        return [each for each in self.requests if each.method == method and each.path.endswith(suffix)]

    def next_fault(self, seen: Seen) -> Fault | None:
        """The fault that answers this request, used up once."""
        fault = next((each for each in self.faults if each.times and seen.path.endswith(each.path)), None)
        if fault is not None:
            fault.times -= 1
        return fault

    # --- the routes

    def answer(self, seen: Seen) -> tuple[int, Any]:
        """The answer to a request; errors are raised as the real ones are."""
        if seen.path == "/v1/health":
            return self._health(seen)
        public = self.identity.answer(seen, None)
        if public is not None:
            return public
        who = self.caller = self.sign_in.caller(seen.headers.get("authorization", ""))
        for method, pattern, handler, operation in _ROUTES:
            if method == seen.method and (match := re.fullmatch(pattern, seen.path)):
                self.identity.admit(who, operation, seen.path)
                status, body = getattr(self, handler)(seen, *match.groups())
                return status, body
        if (about := self.clusters.route(seen.method, seen.path)) is not None:
            self.identity.admit(who, about[0], seen.path)
            return self._of_clusters(seen, *about)
        found = self.identity.answer(seen, who)
        if found is not None:
            return found
        raise NotFound(f"{seen.method} {seen.path} is not here.")

    def _of_clusters(self, seen: Seen, operation: str, names: tuple[str, ...]) -> tuple[int, Any]:
        answer: tuple[int, Any] = getattr(self.clusters, operation)(seen, *names)
        return answer

    def _health(self, _: Seen) -> tuple[int, Any]:
        return 200, {"status": "ok", "version": "0.1.0"}

    def _check(self, seen: Seen) -> tuple[int, Any]:
        return 200, {"app": parse(AppFileText.model_validate(seen.body).text).model_dump(mode="json", by_alias=True)}

    def _draft(self, seen: Seen) -> tuple[int, Any]:
        wanted = AppFileDraft.model_validate(seen.body)
        return 200, {"text": default_text(wanted.name, [Starter(wanted.service, wanted.start, wanted.port)])}

    def _plan(self, seen: Seen) -> tuple[int, Any]:
        wanted = PlanRequest.model_validate(seen.body)
        plan = preview_plan({file.path: file.text for file in wanted.files}, wanted.service)
        told = {"start": plan.start or None, "start_from": plan.start_origin or None, "dockerfile": dockerfile_of(plan)}
        return 200, _shape(PlanView, kind=plan.kind.value, summary=plan.summary(), **told)

    def _list_projects(self, _: Seen) -> tuple[int, Any]:
        return 200, _page([_shape(ProjectView, **each) for each in self.projects.values()])

    def _create_project(self, seen: Seen) -> tuple[int, Any]:
        name = NewProject.model_validate(seen.body).name
        self.projects[name] = _named(name=name)
        self.environments[name, "prod"] = _named(project=name, name="prod", kind=kind_of("prod"))
        return 201, _shape(ProjectView, **self.projects[name])

    def _project(self, _: Seen, project: str) -> tuple[int, Any]:
        return 200, _shape(ProjectView, **_known(self.projects, project))

    def _list_environments(self, _: Seen, project: str) -> tuple[int, Any]:
        return 200, _page(
            [_shape(EnvironmentView, **view) for (owner, _name), view in self.environments.items() if owner == project]
        )

    def _create_environment(self, seen: Seen, project: str) -> tuple[int, Any]:
        name = NewEnvironment.model_validate(seen.body).name
        _known(self.projects, project)
        self.environments[project, name] = _named(project=project, name=name, kind=kind_of(name))
        return 201, _shape(EnvironmentView, **self.environments[project, name])

    def _environment(self, _: Seen, project: str, name: str) -> tuple[int, Any]:
        return 200, _shape(EnvironmentView, **_known(self.environments, (project, name)))

    def _freeze(self, seen: Seen, project: str, name: str) -> tuple[int, Any]:
        view = _known(self.environments, (project, name))
        asked = seen.body
        view.setdefault("freezes", []).append({**asked, "begins": asked["begins"] or START})
        return 200, _shape(EnvironmentView, **view)

    def _thaw(self, _: Seen, project: str, name: str) -> tuple[int, Any]:
        view = _known(self.environments, (project, name))
        view["freezes"] = []
        return 200, _shape(EnvironmentView, **view)

    def _list_services(self, _: Seen, project: str, environment: str) -> tuple[int, Any]:
        _known(self.environments, (project, environment))
        return 200, _page(
            [_shape(ServiceView, **view) for key, view in self.services.items() if key[:2] == (project, environment)]
        )

    def _create_service(self, seen: Seen, project: str, environment: str) -> tuple[int, Any]:
        name = NewService.model_validate(seen.body).name
        _known(self.environments, (project, environment))
        self.add_service(project, environment, name)
        return 201, _shape(ServiceView, **self.services[project, environment, name])

    def _service(self, _: Seen, *key: str) -> tuple[int, Any]:
        return 200, _shape(ServiceView, **_known(self.services, key))

    def _delete_service(self, _: Seen, *key: str) -> tuple[int, Any]:
        _known(self.services, key)["deleting"] = True
        return 202, _shape(ServiceView, **_known(self.services, key))

    def _read_config(self, _: Seen, *key: str) -> tuple[int, Any]:
        values = self.config.get(key, {})
        return 200, _shape(ConfigView, version=len(values), values=values, changed_at=START if values else None)

    def _change_config(self, seen: Seen, *key: str) -> tuple[int, Any]:
        change = ConfigChange.model_validate(seen.body)
        kept = {**self.config.get(key, {}), **change.set}
        self.config[key] = {name: value for name, value in kept.items() if name not in change.unset}
        return self._read_config(seen, *key)

    def _create_source(self, seen: Seen, project: str) -> tuple[int, Any]:
        wanted = NewSource.model_validate(seen.body)
        _known(self.projects, project)
        if wanted.size > self.upload_limit:
            raise TooLarge(f"The archive has {wanted.size:,} bytes; the most is {self.upload_limit:,}.")
        made = f"src_{ID}{len(self.sources)}"
        self.sources[made] = wanted
        upload = {
            "method": "PUT",
            "url": f"{self.url}/uploads/{made}",
            "headers": {"x-check": wanted.sha256},
            "expires_at": START,
        }
        return 201, _shape(SourceView, id=made, sha256=wanted.sha256, size=wanted.size, created_at=START, upload=upload)

    def _deploy(self, seen: Seen, *key: str) -> tuple[int, Any]:
        wanted = NewDeployment.model_validate(seen.body)
        _known(self.services, key)
        known = self.keys.get(seen.headers["idempotency-key"])
        if known is not None:
            return 201, self._view(known)
        if wanted.source and hashlib.sha256(self.uploads[wanted.source]).hexdigest() != self.sources[wanted.source].sha256:
            raise AssertionError("the archive that came is not the one that was announced")
        kind = "redeploy" if wanted.redeploy else "deploy"
        made = self._new_deployment(key, kind, wanted.message, wanted.commit)
        self.keys[seen.headers["idempotency-key"]] = made
        return 201, self._view(made)

    def _roll_back(self, seen: Seen, *key: str) -> tuple[int, Any]:
        wanted = NewRollback.model_validate(seen.body)
        return 201, self._view(self._new_deployment(key, "rollback", f"to r{wanted.release}", ""))

    def _list_deployments(self, seen: Seen, *key: str) -> tuple[int, Any]:
        _known(self.services, key)
        newest = list(reversed(self.deployments.values()))
        return 200, _page([self._view(each) for each in newest][: int(seen.query.get("limit", 50))])

    def _deployment(self, _: Seen, *key: str) -> tuple[int, Any]:
        return 200, self._view(_known(self.deployments, key[-1]))

    def _timeline(self, seen: Seen, *key: str) -> tuple[int, Any]:
        made = _known(self.deployments, key[-1])
        made.advance()
        after = int(seen.query.get("cursor", "0"))
        ended = made.view["ended"]
        if ended:
            self._settle(made)
        events = made.events[after:]
        return 200, _shape(TimelineView, items=events, next_cursor=str(len(made.events)), ended=ended, state=made.view["state"])

    def _traffic(self, _: Seen, *key: str) -> tuple[int, Any]:
        made = _known(self.deployments, key[-1])
        rollout = made.view["rollout"] or {"phase": "pending", "step": 0, "weight": 0}
        arms: dict[str, Any] = {"canary": None, "stable": None}
        if made.canary is not None:
            arms = {"canary": _arm(made.view["release"], *made.canary), "stable": _arm(1, 900, 0, 31.0)}
        return 200, _shape(
            TrafficView, at=START, phase=rollout["phase"], step=rollout["step"], weight=rollout["weight"], verdict=None, **arms
        )

    def _build_log(self, seen: Seen, *key: str) -> tuple[int, Any]:
        made = _known(self.deployments, key[-1])
        after = int(seen.query.get("cursor", "0"))
        complete = made.view["state"] != "building" and after == len(made.log)
        return 200, _shape(BuildLogView, lines=made.log[after:], next_cursor=str(len(made.log)), complete=complete)

    def _explanation(self, _: Seen, *key: str) -> tuple[int, Any]:
        made = _known(self.deployments, key[-1])
        return 200, _shape(ExplanationView, **{**explained(self.steps), "deployment": made.view["id"], **self.told})

    def _replay(self, _: Seen, *key: str) -> tuple[int, Any]:
        made = _known(self.deployments, key[-1])
        verdict = {"decision": "advance", "reason": "All gates pass.", "rule_version": "1", "gates": []}
        other = verdict if self.replay_agrees else {**verdict, "decision": "rollBack"}
        item = {"at": START, "step": 0, "recorded": verdict, "replayed": other, "agrees": self.replay_agrees, "note": ""}
        return 200, _shape(ReplayView, deployment=made.view["id"], agrees=self.replay_agrees, left_out=False, items=[item])

    def _steer(self, _: Seen, *key: str) -> tuple[int, Any]:
        made = _known(self.deployments, key[-2])
        made.view["requested"] = key[-1]
        made.tell("requested", f"{key[-1]} was asked for.", by="admin")
        if key[-1] == "abort":
            made.script = [Frame("rolled_back", "rolled_back", "Aborted by admin.", outcome="Aborted by admin.")]
        return 202, self._view(made)

    def _decide(self, _: Seen, *key: str) -> tuple[int, Any]:
        made = _known(self.deployments, key[-2])
        if made.view["state"] != "awaiting_approval":
            raise Conflict(f"The deployment awaits no approval: it is {made.view['state'].replace('_', ' ')}.")
        by = self.caller.subject if self.caller else "admin"
        if key[-1] == "approve":
            made.view |= {"state": "queued", "approved_by": by}
            made.tell("approved", "It may go into production.", by=by)
            return 202, self._view(made)
        made.view |= {"state": "cancelled", "ended": True, "ended_at": START, "outcome": "Its approval was refused."}
        made.script.clear()
        made.tell("cancelled", "Its approval was refused.", by=by)
        self._settle(made)
        return 200, self._view(made)

    def _list_releases(self, _: Seen, *key: str) -> tuple[int, Any]:
        live = _known(self.services, key)["live_release"]
        return 200, _page([_release(each, live) for each in reversed(self.deployments.values())])

    def _release(self, _: Seen, *key: str) -> tuple[int, Any]:
        live = _known(self.services, key[:3])["live_release"]
        for each in self.deployments.values():
            if str(each.view["release"]) == key[3] and each.view["image"]:
                return 200, _release(each, live)
        raise NotFound(f"There is no release {key[3]}.")

    def _logs(self, seen: Seen, *key: str) -> tuple[int, Any]:
        _known(self.services, key)
        after = int(seen.query.get("cursor", "0"))
        release = seen.query.get("release")
        lines = [each for each in self.log_lines[after:] if release is None or str(each["release"]) == release]
        return 200, _shape(LogView, items=lines[-int(seen.query.get("limit", 200)) :], next_cursor=str(len(self.log_lines)))

    # --- how state moves

    def _new_deployment(self, key: tuple[str, ...], kind: str, message: str, commit: str) -> Deployment:
        number = len(self.deployments) + 1
        view = dict(
            _named(project=key[0], environment=key[1], service=key[2]),
            id=f"dep_{ID}{number}",
            kind=kind,
            state="queued",
            ended=False,
            release=number,
            stable_release=self.services[key[0], key[1], key[2]]["live_release"],
            source=None,
            image=None,
            message=message,
            commit=commit,
            requested=None,
            rollout=None,
            outcome=None,
            url=self.app_url,
            ended_at=None,
            created_by="admin",
            approved_by=None,
        )
        made = Deployment(view, list(self.script()))
        if kind != "deploy":
            made.script = [frame for frame in made.script if frame.state != "building"]
        made.tell("queued", f"{kind} was asked for.", by="admin")
        self.deployments[view["id"]] = made
        self.services[key[0], key[1], key[2]]["active_deployment"] = view["id"]
        return made

    def _settle(self, made: Deployment) -> None:
        service = self.services[made.view["project"], made.view["environment"], made.view["service"]]
        service["active_deployment"] = None
        if made.view["state"] == "promoted":
            service["live_release"] = made.view["release"]

    def _view(self, made: Deployment) -> Any:
        return _shape(DeploymentView, **made.view)


_SERVICE = r"/v1/projects/([^/]+)/environments/([^/]+)/services/([^/]+)"
_DEPLOYMENT = _SERVICE + r"/deployments/([^/]+)"
_ROUTES = (
    ("POST", r"/v1/app-files/check", "_check", "check_app_file"),
    ("POST", r"/v1/app-files/draft", "_draft", "draft_app_file"),
    ("POST", r"/v1/build-plans", "_plan", "plan_build"),
    ("GET", r"/v1/projects", "_list_projects", "list_projects"),
    ("POST", r"/v1/projects", "_create_project", "create_project"),
    ("GET", r"/v1/projects/([^/]+)", "_project", "get_project"),
    ("POST", r"/v1/projects/([^/]+)/sources", "_create_source", "create_source"),
    ("GET", r"/v1/projects/([^/]+)/environments", "_list_environments", "list_environments"),
    ("POST", r"/v1/projects/([^/]+)/environments", "_create_environment", "create_environment"),
    ("GET", r"/v1/projects/([^/]+)/environments/([^/]+)", "_environment", "get_environment"),
    ("POST", r"/v1/projects/([^/]+)/environments/([^/]+)/freezes", "_freeze", "freeze_environment"),
    ("DELETE", r"/v1/projects/([^/]+)/environments/([^/]+)/freezes", "_thaw", "thaw_environment"),
    ("GET", r"/v1/projects/([^/]+)/environments/([^/]+)/services", "_list_services", "list_services"),
    ("POST", r"/v1/projects/([^/]+)/environments/([^/]+)/services", "_create_service", "create_service"),
    ("GET", _SERVICE, "_service", "get_service"),
    ("DELETE", _SERVICE, "_delete_service", "delete_service"),
    ("GET", _SERVICE + "/config", "_read_config", "get_config"),
    ("PATCH", _SERVICE + "/config", "_change_config", "change_config"),
    ("POST", _SERVICE + "/deployments", "_deploy", "create_deployment"),
    ("POST", _SERVICE + "/rollback", "_roll_back", "create_rollback"),
    ("GET", _SERVICE + "/deployments", "_list_deployments", "list_deployments"),
    ("GET", _DEPLOYMENT, "_deployment", "get_deployment"),
    ("GET", _DEPLOYMENT + "/timeline", "_timeline", "read_timeline"),
    ("GET", _DEPLOYMENT + "/traffic", "_traffic", "read_traffic"),
    ("GET", _DEPLOYMENT + "/build-log", "_build_log", "read_build_log"),
    ("GET", _DEPLOYMENT + "/explanation", "_explanation", "explain_deployment"),
    ("GET", _DEPLOYMENT + "/replay", "_replay", "replay_deployment"),
    ("POST", _DEPLOYMENT + r"/(promote)", "_steer", "promote_deployment"),
    ("POST", _DEPLOYMENT + r"/(pause)", "_steer", "pause_deployment"),
    ("POST", _DEPLOYMENT + r"/(resume)", "_steer", "resume_deployment"),
    ("POST", _DEPLOYMENT + r"/(abort)", "_steer", "abort_deployment"),
    ("POST", _DEPLOYMENT + r"/(approve)", "_decide", "approve_deployment"),
    ("POST", _DEPLOYMENT + r"/(reject)", "_decide", "reject_deployment"),
    ("GET", _SERVICE + "/releases", "_list_releases", "list_releases"),
    ("GET", _SERVICE + r"/releases/(\d+)", "_release", "get_release"),
    ("GET", _SERVICE + "/logs", "_logs", "read_logs"),
)


def _known(things: Any, key: Any) -> Any:
    if key not in things:
        raise NotFound(f"There is no {key if isinstance(key, str) else '/'.join(key)}.")
    return things[key]


def _named(**fields: Any) -> dict[str, Any]:
    return {"description": "", "created_at": START, "version": 1, **fields}


def _shape(view: type[BaseModel], **fields: Any) -> Any:
    known = {name: value for name, value in fields.items() if name in view.model_fields}
    return view.model_validate(known).model_dump(mode="json")


def _page(items: list[Any]) -> dict[str, Any]:
    return {"items": items, "next_cursor": None}


def _arm(release: int, requests: int, errors: int, p95: float) -> dict[str, Any]:
    rate = 100 * errors / requests
    return {"release": release, "requests": requests, "errors": errors, "error_rate": rate, "latency_p95": p95}


def _release(made: Deployment, live: int | None) -> Any:
    number = made.view["release"]
    fields = {"deployment": made.view["id"], "image": made.view["image"] or "none", "config_version": 0, "spec": {}}
    return _shape(ReleaseView, number=number, live=number == live, created_at=START, **fields)

"""A valid request of every operation, and the things it needs: so that tests can call whatever the API has.

`World` holds a team with one of everything. `Ask` says how an operation is called on it. A test fails when an operation has
none, so that a new route cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cache
from typing import Any

from bench.cluster_calls import heal
from chalicelib.api.routes import Route
from chalicelib.identity.credentials import digest_of, invitation_link
from chalicelib.identity.models_people import user_pk
from chalicelib.identity.models_teams import (
    MEMBERS,
    TEAMS,
    USAGE,
    InvitationRecord,
    KeyRecord,
    MemberRecord,
    MembershipRecord,
    TeamRecord,
    TrustRecord,
    UsageRecord,
    team_pk,
)
from chalicelib.identity.service import Grant, Role
from chalicelib.identity.standing import Standing
from chalicelib.platform.store import Store
from chalicelib.platform.table import Count, Put, Write
from chalicelib.projects.service import ServiceKey, forget_service
from tests.support.cast import Cast
from tests.support.people import sign_in
from tests.support.rollout import Stage
from tests.support.store import keep_tables, memory_store
from tests.support.world import TEAM, Client, Fakes, Reply

INVITATION, KEY, TRUST = (f"{kind}_01J00000000000000000000001" for kind in ("inv", "key", "tru"))
Body = Callable[["Furnished"], Any]


@dataclass
class Furnished:
    """A team with one of everything; `names` fills the parameters of paths."""

    stage: Stage
    cast: Cast
    names: dict[str, str] = field(default_factory=dict)
    link: str = ""

    @property
    def owner(self) -> Client:
        return self.stage.api

    @property
    def member(self) -> Client:
        """Somebody who is signed in to the team."""
        return self.cast.sign_in("member", TEAM)

    @property
    def newcomer(self) -> Client:
        """Somebody who is signed in and in no team."""
        return self.cast.sign_in("newcomer")


@dataclass(frozen=True)
class Ask:
    """How an operation is called: its body, its query, and what has to be so beforehand.

    What people do for themselves is called `by` somebody in place of whoever asks.
    """

    body: Body | None = None
    query: dict[str, str] = field(default_factory=dict)
    before: Callable[[Furnished], None] = lambda furnished: None
    by: Callable[[Furnished], Client] | None = None


@contextmanager
def furnished_store() -> Iterator[Furnished]:
    """A store in which somebody has one of everything. It is furnished once, and copied for each test: a tenth of the time."""
    own, tables = _first()
    with memory_store(tables):
        yield _copied(own)


@cache
def _first() -> tuple[Furnished, Any]:
    with memory_store():
        stage = Stage(Client(fakes := Fakes()), fakes)
        stage.api.post("/v1/projects", {"name": "hello"})
        stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        return furnished(stage), keep_tables()


def _copied(own: Furnished) -> Furnished:
    """With fakes of its own: nothing that one test does is seen by another."""
    known = vars(own.stage.fakes)
    unused = {"secrets", "web", "duty"}  # and with locks, which are not to be copied
    fakes = Fakes(**{each.name: deepcopy(known[each.name]) for each in fields(Fakes) if each.name not in unused})
    stage = replace(own.stage, api=Client(fakes), fakes=fakes, cluster=deepcopy(own.stage.cluster))
    return replace(own, stage=stage, cast=Cast(fakes, dict(own.cast.users)), names=dict(own.names))


def furnished(stage: Stage) -> Furnished:
    """A team with project hello, environments prod and spare, services web and idle, one live release, one ended deployment.

    It has a member, an invitation, an API key, a trust and a cluster.
    """
    api = stage.api
    api.post("/v1/projects/hello/environments", {"name": "spare"})
    api.post("/v1/projects/hello/environments/prod/services", {"name": "idle"})
    stage.fakes.functions.answers["cygni-logs"] = {"items": [], "next_cursor": "c"}
    made = stage.deploy()
    names = {"project": "hello", "environment": "prod", "service": "web", "deployment": made["id"], "release": "1"}
    names["session"] = "ses_01J00000000000000000000001"
    own = Furnished(stage, Cast(stage.fakes), names)
    _people(own)
    return own


def _people(own: Furnished) -> None:
    """Writes them down at once, which takes a tenth of the time that asking for them does."""
    now, user = own.stage.fakes.clock(), own.cast.person("member")
    member = MemberRecord(team_pk(TEAM), MEMBERS + user, role="developer", name="Member", joined_at=now)
    secret, until = "s" * 43, now + timedelta(days=90)
    kept = {"role": "viewer", "created_at": now, "digest": digest_of(secret), "valid_until": until}
    link = InvitationRecord(team_pk(TEAM), f"INVITE#{INVITATION}", invited_by="admin", **kept)
    key = KeyRecord(team_pk(TEAM), f"KEY#{KEY}", name="ci", days=90, created_by="admin", **kept)
    trust = TrustRecord(team_pk(TEAM), f"TRUST#{TRUST}", name="ci", repository="a/b", role="viewer", created_by="admin")
    trust.created_at = now
    entry = MembershipRecord(user_pk(user), TEAMS + TEAM, joined_at=now)
    usage = Count(UsageRecord, team_pk(TEAM), USAGE, {"members": 1, "keys": 1, "trusts": 1})
    team = TeamRecord(team_pk(TEAM), "TEAM", name="operator")
    records: list[Write] = [Put(each) for each in (team, member, link, key, trust, entry)]
    Store((team_pk(TEAM), user_pk(user))).commit([*records, usage])
    own.link = invitation_link("https://api.cygni.dev", TEAM, INVITATION, secret)
    _cluster(own)
    own.names |= {"cluster": "far", "member": user, "invitation": INVITATION, "key": KEY, "trust": TRUST}


ACCESS = {"provider": "token", "server": "https://k8s.example.com", "token": "t"}


def _cluster(own: Furnished) -> None:
    """A registered cluster that a check found well."""
    assert own.owner.post("/v1/clusters", {"name": "far", "access": ACCESS}).status == 201
    heal(TEAM)
    own.stage.fakes.functions.answers["cygni-check-cluster"] = None


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


def emptied(furnished: Furnished) -> None:
    """The team has no projects and no clusters."""
    assert furnished.owner("DELETE", "/v1/clusters/far").status == 204
    for service in ("web", "idle"):
        path = f"/v1/projects/hello/environments/prod/services/{service}"
        assert furnished.owner("DELETE", path).status == 202
        forget_service(ServiceKey(TEAM, "hello", "prod", service))
    assert furnished.owner("DELETE", "/v1/projects/hello").status == 204


def path_of(furnished: Furnished, below: str = "") -> str:
    """A path below the service, filled."""
    whole = "/v1/projects/{project}/environments/{environment}/services/{service}" + below
    return whole.format(**furnished.names)


def source(furnished: Furnished) -> dict[str, Any]:
    return {"source": furnished.stage.source()}


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
    "freeze_environment": Ask(lambda _: {"until": "2027-01-01T00:00:00Z", "reason": "Holidays."}),
    "thaw_environment": Ask(),
    "delete_environment": Ask(before=in_spare),
    "place_environment": Ask(lambda _: {"cluster": "far"}, before=in_spare),
    "register_cluster": Ask(lambda _: {"name": "near", "access": ACCESS}),
    "list_clusters": Ask(),
    "get_cluster": Ask(),
    "replace_cluster": Ask(lambda _: {"access": ACCESS}),
    "check_cluster": Ask(),
    "remove_cluster": Ask(),
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
    "explain_deployment": Ask(),
    "read_build_log": Ask(),
    "promote_deployment": Ask(before=under_way),
    "pause_deployment": Ask(before=under_way),
    "resume_deployment": Ask(before=paused),
    "abort_deployment": Ask(before=under_way),
    "list_releases": Ask(),
    "get_release": Ask(),
    "get_team": Ask(),
    "change_team": Ask(lambda _: {"name": "new"}),
    "delete_team": Ask(before=emptied),
    "transfer_team": Ask(lambda own: {"user": own.names["member"]}),
    "list_members": Ask(),
    "change_member": Ask(lambda _: {"role": "viewer"}),
    "remove_member": Ask(),
    "create_invitation": Ask(lambda _: {"role": "viewer"}),
    "list_invitations": Ask(),
    "revoke_invitation": Ask(),
    "create_api_key": Ask(lambda _: {"name": "new", "role": "viewer"}),
    "list_api_keys": Ask(),
    "rotate_api_key": Ask(lambda _: {}),
    "revoke_api_key": Ask(),
    "create_trust": Ask(lambda _: {"name": "new", "repository": "a/b", "role": "viewer"}),
    "list_trusts": Ask(),
    "revoke_trust": Ask(),
    "create_team": Ask(lambda _: {"name": "new"}, by=lambda own: own.newcomer),
    "list_teams": Ask(by=lambda own: own.member),
    "leave_team": Ask(by=lambda own: own.member),
    "get_invitation": Ask(lambda own: {"token": own.link}, by=lambda own: own.newcomer),
    "accept_invitation": Ask(lambda own: {"token": own.link}, by=lambda own: own.newcomer),
    "export_me": Ask(by=lambda own: own.member),
    "erase_me": Ask(by=lambda own: own.member),
    "list_audit": Ask(),
    "export_audit": Ask(),
    "get_audit_head": Ask(),
}


def ask(client: Client, route: Route, furnished: Furnished, **names: str) -> Reply:
    """Calls an operation on what is furnished; `names` replace parameters of its path."""
    how = ASKS[route.name]
    client = how.by(furnished) if how.by else client
    path = route.path.format(**(furnished.names | names))
    body = how.body(furnished) if how.body else None
    etag = _etag(furnished, route, path) if route.updates else '"1"'
    return client(route.method, path, body, query=how.query, headers={"if-match": etag})


def _etag(furnished: Furnished, route: Route, path: str) -> str:
    found = furnished.owner.get(path)
    return found.headers.get("etag", '"1"') if found.status == 200 else '"1"'

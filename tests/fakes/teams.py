"""The fake control plane's teams: members, invitations, keys, trusts and audit trails. Who may what is the real table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.audit.rules import GENESIS, Line, Linked, digest_of, seal_of
from chalicelib.identity.rules import SELF, Grant, Role, Verdict, decide
from chalicelib.platform.clock import iso
from chalicelib.platform.errors import Forbidden
from tests.fakes.machine_routes import MachineRoutes
from tests.fakes.sign_in import OPERATORS, Caller, FakeSignIn
from tests.fakes.team_routes import PUBLIC, ROUTES, TeamRoutes


@dataclass
class Team:
    """A team and all that is its own."""

    id: str
    name: str
    region: str = "eu-west-1"
    retention: int = 400
    version: int = 1
    members: dict[str, tuple[Grant, int]] = field(default_factory=dict)
    invitations: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    trusts: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: list[Linked] = field(default_factory=list)

    def tell(self, who: str, operation: str, resource: str, *, code: str = "", kind: str = "user", days: float = 400) -> None:
        """A line of its audit trail; `days` until it expires."""
        before = self.lines[-1] if self.lines else None
        now, source, salt = datetime.now(UTC), "203.0.113.7", f"salt-{len(self.lines)}"
        line = Line(
            team=self.id,
            seq=before.line.seq + 1 if before else 1,
            at=iso(now),
            actor=who,
            actor_kind=kind,
            operation=operation,
            resource=resource,
            outcome="refused" if code else "done",
            code=code,
            request=f"request-{len(self.lines)}",
            before="",
            after="",
            seal=seal_of(source, salt),
            expires=int((now + timedelta(days=days)).timestamp()),
            previous_expires=before.line.expires if before else 0,
            previous=before.digest if before else GENESIS,
        )
        self.lines.append(Linked(line, digest_of(line), source, salt))


@dataclass
class FakeTeams(TeamRoutes, MachineRoutes):
    """All teams, and the routes on people, teams and credentials. `job` is what a job of GitHub Actions signs in as."""

    url: str = ""
    teams: dict[str, Team] = field(default_factory=dict)
    erased: list[str] = field(default_factory=list)
    job: Caller | None = None
    sign_in: FakeSignIn = field(init=False)

    def __post_init__(self) -> None:
        self.sign_in = FakeSignIn(self.grant_in, self.first_team_of)
        self.teams[OPERATORS] = Team(OPERATORS, "operator")

    # --- what tests say

    def add_person(self, name: str, email: str = "") -> str:
        """A person who has an account."""
        made = self.sign_in.make("usr")
        self.sign_in.people[made] = (name, email or f"{name.lower()}@example.com")
        return made

    def add_team(self, name: str, **members: str) -> Team:
        """A team; its members by name, with a role each: they are people from then on."""
        made = Team(self.sign_in.make("team"), name)
        self.teams[made.id] = made
        for person, role in members.items():
            known = [user for user, (called, _) in self.sign_in.people.items() if called == person]
            made.members[known[0] if known else self.add_person(person)] = (Grant(Role(role)), 1)
        return made

    def user(self, name: str) -> str:
        """The id of a person."""
        return next(user for user, (called, _) in self.sign_in.people.items() if called == name)

    def grant_in(self, team: str, user: str) -> Grant | None:
        """What somebody is in a team."""
        found = self.teams[team].members.get(user) if team in self.teams else None
        return found[0] if found else None

    def first_team_of(self, user: str) -> str:
        """The first team of a person; empty where there is none."""
        return next((each.id for each in self.teams.values() if user in each.members), "")

    # --- the routes

    def admit(self, who: Caller, operation: str, path: str) -> None:
        """Raises Forbidden for what the real table refuses, and puts that into the team's trail."""
        match = re.match(r"/v1/projects/([^/]+)(?:/environments/([^/]+))?", path)
        project, environment = match.groups() if match else (None, None)
        if decide(who.grant, operation, project, environment) in (Verdict.REFUSE, Verdict.OUT_OF_SCOPE):
            team = self.teams.get(who.team)
            if team is not None:
                team.tell(who.subject, operation, path.removeprefix("/v1/"), code="forbidden", kind=who.kind)
            role = who.grant.role.value if who.grant else "nobody"
            raise Forbidden(f"As {role} you may not do this.", remedy="Ask an Owner or Admin of the team for the right.")

    def answer(self, seen: Any, who: Caller | None) -> tuple[int, Any] | None:
        """The answer to a request; None when it is none of these routes'. `who` is None where no credential is needed."""
        for method, pattern, name in PUBLIC if who is None else ROUTES:
            match = re.fullmatch(pattern, seen.path)
            if method == seen.method and match:
                if who is None:
                    return getattr(self, name)(seen)  # type: ignore[no-any-return]
                if name not in SELF:
                    self.admit(who, name, seen.path)
                status, body = getattr(self, name)(seen, who, *match.groups())
                if method != "GET" and name not in SELF and who.team in self.teams:
                    self.teams[who.team].tell(who.subject, name, seen.path.removeprefix("/v1/"), kind=who.kind)
                return status, body
        return None


def grant(role: str) -> Grant:
    """A role in the whole team."""
    return Grant(Role(role))


def alter(team: Team, seq: int, /, **changes: Any) -> None:
    """Rewrite a line of a trail in place, as somebody with the table in their hands would."""
    index = next(number for number, each in enumerate(team.lines) if each.line.seq == seq)
    there = team.lines[index]
    outside = {name: changes.pop(name) for name in ("source", "salt", "digest") if name in changes}
    team.lines[index] = replace(there, line=replace(there.line, **changes), **outside)

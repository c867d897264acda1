"""Who may do what. Pure: `MATRIX` is the whole of it, and `decide` reads it.

Invariants:
1. Every operation of the API that is not public has one row; an operation without a row does not import.
2. Owner ≥ Admin ≥ Developer ≥ Viewer: whoever may more, may all that the others may.
3. A grant may be narrowed to projects and environments, each with a role of its own, which is never more than the grant's.
4. What is not allowed is refused; an operation, a role or a scope that is not known allows nothing.

A cell says:

| cell  | meaning                                                                                        |
| ----- | ---------------------------------------------------------------------------------------------- |
| yes   | allowed                                                                                        |
| open  | allowed in environments other than production                                                  |
| ask   | allowed; in production it waits for the approval of an Owner or Admin                          |
| no    | refused                                                                                        |

A row's reach says what a narrowed grant needs: `team` operations need a grant for the whole team, `project` ones a scope of
the whole project, `environment` ones a scope of that environment, `any` ones any scope of the project (or of the team, where
the operation names no project). Operations on the caller itself (`SELF`) need no role.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, StrEnum

from chalicelib.platform.frozen import dataclass


class Role(StrEnum):
    """What a member is in a team."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"

    @property
    def rank(self) -> int:
        """Higher may more."""
        return _RANKS[self]


_RANKS = {Role.VIEWER: 1, Role.DEVELOPER: 2, Role.ADMIN: 3, Role.OWNER: 4}


class Cell(StrEnum):
    """What a role may do with an operation."""

    YES = "yes"
    OPEN = "open"
    ASK = "ask"
    NO = "no"


class Reach(StrEnum):
    """How much of a team a grant must cover for an operation."""

    TEAM = "team"
    PROJECT = "project"
    ENVIRONMENT = "environment"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation: what each role may do, and what a narrowed grant must cover."""

    owner: Cell
    admin: Cell
    developer: Cell
    viewer: Cell
    reach: Reach

    def cell(self, role: Role) -> Cell:
        """The cell of a role."""
        cell: Cell = getattr(self, role.value)
        return cell


def _row(owner: str, admin: str, developer: str, viewer: str, reach: str) -> Row:
    return Row(Cell(owner), Cell(admin), Cell(developer), Cell(viewer), Reach(reach))


MATRIX: dict[str, Row] = {
    # operation                        Owner  Admin  Developer  Viewer   reach
    "get_team": _row("yes", "yes", "yes", "yes", "any"),
    "change_team": _row("yes", "yes", "no", "no", "team"),
    "delete_team": _row("yes", "no", "no", "no", "team"),
    "transfer_team": _row("yes", "no", "no", "no", "team"),
    "list_members": _row("yes", "yes", "yes", "yes", "any"),
    "change_member": _row("yes", "yes", "no", "no", "team"),
    "remove_member": _row("yes", "yes", "no", "no", "team"),
    "create_invitation": _row("yes", "yes", "no", "no", "team"),
    "list_invitations": _row("yes", "yes", "no", "no", "team"),
    "revoke_invitation": _row("yes", "yes", "no", "no", "team"),
    "create_api_key": _row("yes", "yes", "no", "no", "team"),
    "list_api_keys": _row("yes", "yes", "no", "no", "team"),
    "rotate_api_key": _row("yes", "yes", "no", "no", "team"),
    "revoke_api_key": _row("yes", "yes", "no", "no", "team"),
    "create_trust": _row("yes", "yes", "no", "no", "team"),
    "list_trusts": _row("yes", "yes", "no", "no", "team"),
    "revoke_trust": _row("yes", "yes", "no", "no", "team"),
    "list_audit": _row("yes", "yes", "no", "no", "team"),
    "export_audit": _row("yes", "yes", "no", "no", "team"),
    "get_audit_head": _row("yes", "yes", "no", "no", "team"),
    "register_cluster": _row("yes", "yes", "no", "no", "team"),
    "list_clusters": _row("yes", "yes", "yes", "yes", "any"),
    "get_cluster": _row("yes", "yes", "yes", "yes", "any"),
    "replace_cluster": _row("yes", "yes", "no", "no", "team"),
    "check_cluster": _row("yes", "yes", "yes", "no", "any"),
    "remove_cluster": _row("yes", "yes", "no", "no", "team"),
    "create_project": _row("yes", "yes", "yes", "no", "team"),
    "list_projects": _row("yes", "yes", "yes", "yes", "any"),
    "get_project": _row("yes", "yes", "yes", "yes", "any"),
    "describe_project": _row("yes", "yes", "yes", "no", "project"),
    "delete_project": _row("yes", "yes", "no", "no", "project"),
    "create_environment": _row("yes", "yes", "open", "no", "project"),
    "list_environments": _row("yes", "yes", "yes", "yes", "any"),
    "get_environment": _row("yes", "yes", "yes", "yes", "environment"),
    "describe_environment": _row("yes", "yes", "open", "no", "environment"),
    "freeze_environment": _row("yes", "yes", "no", "no", "environment"),
    "thaw_environment": _row("yes", "yes", "no", "no", "environment"),
    "place_environment": _row("yes", "yes", "no", "no", "environment"),
    "delete_environment": _row("yes", "yes", "open", "no", "environment"),
    "create_service": _row("yes", "yes", "yes", "no", "environment"),
    "list_services": _row("yes", "yes", "yes", "yes", "environment"),
    "get_service": _row("yes", "yes", "yes", "yes", "environment"),
    "describe_service": _row("yes", "yes", "yes", "no", "environment"),
    "delete_service": _row("yes", "yes", "open", "no", "environment"),
    "get_config": _row("yes", "yes", "yes", "no", "environment"),
    "change_config": _row("yes", "yes", "open", "no", "environment"),
    "read_logs": _row("yes", "yes", "yes", "yes", "environment"),
    "create_source": _row("yes", "yes", "yes", "no", "any"),
    "plan_build": _row("yes", "yes", "yes", "yes", "any"),
    "check_app_file": _row("yes", "yes", "yes", "yes", "any"),
    "draft_app_file": _row("yes", "yes", "yes", "yes", "any"),
    "create_deployment": _row("yes", "yes", "ask", "no", "environment"),
    "create_rollback": _row("yes", "yes", "ask", "no", "environment"),
    "approve_deployment": _row("yes", "yes", "no", "no", "environment"),
    "reject_deployment": _row("yes", "yes", "no", "no", "environment"),
    "list_deployments": _row("yes", "yes", "yes", "yes", "environment"),
    "get_deployment": _row("yes", "yes", "yes", "yes", "environment"),
    "read_timeline": _row("yes", "yes", "yes", "yes", "environment"),
    "read_traffic": _row("yes", "yes", "yes", "yes", "environment"),
    "list_evidence": _row("yes", "yes", "yes", "yes", "environment"),
    "replay_deployment": _row("yes", "yes", "yes", "yes", "environment"),
    "explain_deployment": _row("yes", "yes", "yes", "yes", "environment"),
    "read_build_log": _row("yes", "yes", "yes", "yes", "environment"),
    "promote_deployment": _row("yes", "yes", "open", "no", "environment"),
    "pause_deployment": _row("yes", "yes", "yes", "no", "environment"),
    "resume_deployment": _row("yes", "yes", "open", "no", "environment"),
    "abort_deployment": _row("yes", "yes", "yes", "no", "environment"),
    "list_releases": _row("yes", "yes", "yes", "yes", "environment"),
    "get_release": _row("yes", "yes", "yes", "yes", "environment"),
}
"""Pausing and aborting only ever take risk away, so a Developer may do both in production."""

SELF = frozenset(
    {
        "whoami",
        "create_team",
        "list_teams",
        "leave_team",
        "get_invitation",
        "accept_invitation",
        "list_sessions",
        "revoke_session",
        "logout",
        "export_me",
        "erase_me",
    }
)
"""Operations on the caller itself, which whoever is signed in may do."""

ANYWHERE = "*"
"""Every environment of a project."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of a team: a project, one of its environments or all (`*`), and the role there."""

    project: str
    environment: str
    role: Role


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in a team; with scopes, only there, and in each at most with the scope's role."""

    role: Role
    scopes: tuple[Scope, ...] = ()

    def within(self, other: Grant) -> bool:
        """Whether whoever has `other` may hand this out: no more role, and no part of the team that is not theirs."""
        if not other.scopes:
            return self.role.rank <= other.role.rank
        return bool(self.scopes) and all(
            min(scope.role.rank, self.role.rank) <= _rank_in(other, scope.project, scope.environment) for scope in self.scopes
        )


class Verdict(Enum):
    """What comes of an operation."""

    ALLOW = "allow"
    ALLOW_UNLESS_PRODUCTION = "allow unless production"
    ASK_IF_PRODUCTION = "ask if production"
    REFUSE = "refuse"
    OUT_OF_SCOPE = "out of scope"


_VERDICTS = {
    Cell.YES: Verdict.ALLOW,
    Cell.OPEN: Verdict.ALLOW_UNLESS_PRODUCTION,
    Cell.ASK: Verdict.ASK_IF_PRODUCTION,
    Cell.NO: Verdict.REFUSE,
}


def decide(grant: Grant | None, operation: str, project: str | None, environment: str | None) -> Verdict:
    """What comes of an operation on a project and environment (None where its path names none) for whoever has `grant`."""
    if operation in SELF:
        return Verdict.ALLOW
    row = MATRIX.get(operation)
    if row is None or grant is None:
        return Verdict.REFUSE
    role = role_for(grant, row.reach, project, environment)
    return Verdict.OUT_OF_SCOPE if role is None else _VERDICTS[row.cell(role)]


def role_for(grant: Grant, reach: Reach, project: str | None, environment: str | None) -> Role | None:
    """The role that a grant gives for an operation of this reach; None where it gives none."""
    if not grant.scopes:
        return grant.role
    if reach is Reach.TEAM:
        return None
    held = [scope for scope in grant.scopes if project in (None, scope.project)]
    if reach is Reach.PROJECT:
        held = [scope for scope in held if scope.environment == ANYWHERE]
    elif reach is Reach.ENVIRONMENT:
        held = [scope for scope in held if scope.environment in (ANYWHERE, environment)]
    return _highest(min((scope.role, grant.role), key=lambda role: role.rank) for scope in held)


def sees(grant: Grant, project: str, environment: str | None = None) -> bool:
    """Whether a project, or an environment of it, is one that the grant reaches at all."""
    return not grant.scopes or any(
        scope.project == project and (environment is None or scope.environment in (ANYWHERE, environment))
        for scope in grant.scopes
    )


def _rank_in(grant: Grant, project: str, environment: str) -> int:
    found = [
        min(scope.role.rank, grant.role.rank)
        for scope in grant.scopes
        if scope.project == project and scope.environment in (ANYWHERE, environment)
    ]
    return max(found, default=0)


def _highest(roles: Iterable[Role]) -> Role | None:
    return max(roles, key=lambda role: role.rank, default=None)

"""Whether a caller may do what a route does, asked of the one table of rights."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.api.routes import AnyCall, Route
from chalicelib.identity.principal import Principal
from chalicelib.identity.rules import Verdict, decide
from chalicelib.platform.errors import Forbidden
from chalicelib.projects.rules import EnvironmentKind


def verdict_of(route: Route, who: Principal, path: Mapping[str, str]) -> Verdict:
    """What the table says of this caller. Raises Forbidden where no look at the environment could change it."""
    verdict = decide(who.grant, route.name, path.get("project"), path.get("environment"))
    if verdict is Verdict.REFUSE:
        raise _refusal(who)
    if verdict is Verdict.OUT_OF_SCOPE:
        raise _out_of_scope(who)
    return verdict


def needs_approval(route: Route, call: AnyCall, verdict: Verdict) -> bool:
    """Whether the call is only a proposal. Raises Forbidden for what the caller may not do in production."""
    if verdict is Verdict.ALLOW or route.kind(call) is not EnvironmentKind.PRODUCTION:
        return False
    if verdict is Verdict.ALLOW_UNLESS_PRODUCTION:
        remedy = "Ask an Owner or Admin to do it, or do it in another environment."
        raise Forbidden(f"A {_role(call.who)} may not do this in production.", remedy=remedy)
    return True


def _refusal(who: Principal) -> Forbidden:
    if who.grant is None:
        remedy = "Create one with `cygni team create NAME`, accept an invitation, or choose one with `cygni team switch`."
        return Forbidden("You have not chosen a team.", remedy=remedy)
    return Forbidden(f"A {_role(who)} may not do this.", remedy="Ask an Owner or Admin of the team.")


def _out_of_scope(who: Principal) -> Forbidden:
    scopes = who.grant.scopes if who.grant else ()
    told = ", ".join(f"{scope.project}/{scope.environment} as {scope.role.value}" for scope in scopes)
    return Forbidden(f"Your rights are narrowed to {told}; this is beyond them.", remedy="Ask an Owner or Admin of the team.")


def _role(who: Principal) -> str:
    return who.grant.role.value if who.grant else "stranger"

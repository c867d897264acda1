"""Workflows of GitHub Actions that a team trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.identity_views import trust_view
from chalicelib.api.routes import AnyCall, Resource
from chalicelib.identity import service as identity
from chalicelib.platform.errors import KeyReused, LostRace, NotFound, QuotaExceeded
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.identity import machine_schemas as shapes
else:
    shapes = late("chalicelib.identity.machine_schemas")


trust_routes = Resource("trusts")
TRUSTS = "/v1/team/trusts"


@trust_routes.route(
    "POST",
    TRUSTS,
    body=shapes.NewTrust,
    answer=shapes.TrustView,
    status=201,
    errors=(KeyReused, QuotaExceeded, LostRace),
)
def create_trust(call: AnyCall) -> shapes.TrustView:
    """Let workflows of GitHub Actions sign in without a stored secret."""
    wanted = call.body
    made = identity.create_trust(
        call.who,
        wanted.name,
        identity.Workflow(wanted.repository, wanted.repository_id, wanted.ref, wanted.environment),
        wanted.grant,
        trust=call.world.new_id("tru"),
        settings=call.world.settings,
        now=call.now,
        once=call.once,
    )
    return trust_view(made)


@trust_routes.route("GET", TRUSTS, query=PageQuery, answer=shapes.TrustPage)
def list_trusts(call: AnyCall) -> shapes.TrustPage:
    """List the workflows that the team trusts, the oldest first."""
    found, after = identity.list_trusts(call.who, cursor=call.query.cursor, limit=call.query.limit)
    return shapes.TrustPage(items=tuple(trust_view(each) for each in found), next_cursor=after)


@trust_routes.route("DELETE", TRUSTS + "/{trust}", answer=None, status=204, errors=(NotFound,))
def revoke_trust(call: AnyCall) -> None:
    """Trust these workflows no more; access tokens that they got change nothing from then on."""
    identity.revoke_trust(call.who, call.path["trust"])

"""What a deployment's analyses saw and concluded: listed, explained, and judged again. The judge is loaded when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.deployments import DEPLOYMENT
from chalicelib.api.evidence_views import explanation_view, replayed_view
from chalicelib.api.routes import AnyCall, Resource
from chalicelib.api.views import evidence_view
from chalicelib.platform.errors import NotFound
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.deployments import service as deployments
    from chalicelib.rollouts import schemas as rollouts_shapes
else:
    deployments = late("chalicelib.deployments.service")
    rollouts_shapes = late("chalicelib.rollouts.schemas")


evidence_routes = Resource("evidence")


@evidence_routes.route(
    "GET",
    DEPLOYMENT + "/evidence",
    query=PageQuery,
    answer=rollouts_shapes.EvidencePage,
    errors=(NotFound,),
)
def list_evidence(call: AnyCall) -> rollouts_shapes.EvidencePage:
    """List what each analysis saw and concluded, oldest first."""
    from chalicelib.rollouts import service as rollouts

    deployment = _deployment(call)
    found, after = rollouts.list_evidence(
        call.who.store, call.who.team, deployment, cursor=call.query.cursor, limit=call.query.limit
    )
    return rollouts_shapes.EvidencePage(items=tuple(evidence_view(each) for each in found), next_cursor=after)


@evidence_routes.route("GET", DEPLOYMENT + "/explanation", answer=rollouts_shapes.ExplanationView, errors=(NotFound,))
def explain_deployment(call: AnyCall) -> rollouts_shapes.ExplanationView:
    """Show each step sample by sample, with confidence bands, and who or what decided; a step under way as it is just now."""
    record = deployments.get_deployment(call.who, call.service, call.path["deployment"])
    found = deployments.explanation(call.who, record, lambda: call.world.traffic_of(call.who, record.key), call.world.clock)
    return explanation_view(record.id, found)


@evidence_routes.route(
    "GET",
    DEPLOYMENT + "/replay",
    query=rollouts_shapes.ReplayQuery,
    answer=rollouts_shapes.ReplayView,
    errors=(NotFound,),
)
def replay_deployment(call: AnyCall) -> rollouts_shapes.ReplayView:
    """Judge the newest hundred analyses of a deployment again, with other gates or another alpha if asked."""
    from chalicelib.rollouts import service as rollouts

    deployment, asked = _deployment(call), call.query
    found = rollouts.newest_evidence(call.who.store, call.who.team, deployment, most=100)
    gates = rollouts.gates_asked(asked.error_rate, asked.latency_p95, asked.error_rate_increase, asked.latency_p95_increase)
    alpha = None if asked.alpha is None else asked.alpha / 100
    again = rollouts.replay(found, gates=gates, alpha=alpha)
    items = tuple(replayed_view(evidence, judged) for evidence, judged in zip(found, again, strict=True))
    return rollouts_shapes.ReplayView(deployment=deployment, agrees=all(item.agrees for item in items), items=items)


def _deployment(call: AnyCall) -> str:
    """The deployment's id, once it is known to be the caller's."""
    return deployments.get_deployment(call.who, call.service, call.path["deployment"]).id

"""What a deployment's analyses saw and concluded: listed, explained, and judged again. The judge is loaded when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.deployments import DEPLOYMENT
from chalicelib.api.evidence_views import explanation_view, replayed_view
from chalicelib.api.routes import AnyCall, Resource
from chalicelib.api.views import evidence_view
from chalicelib.platform.errors import FieldError, InvalidInput, NotFound
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.deployments import service as deployments
    from chalicelib.rollouts import schemas as rollouts_shapes
    from chalicelib.rollouts.service import Asked
else:
    deployments = late("chalicelib.deployments.service")
    rollouts_shapes = late("chalicelib.rollouts.schemas")


evidence_routes = Resource("evidence")
_MOST = 100
"""Analyses that one replay judges."""
_RECORDED = "Name a custom gate, or drop a gate, that the deployment's strategy had: `cygni explain` lists them."


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

    deployment = _deployment(call)
    found = rollouts.newest_evidence(call.who.store, call.who.team, deployment, most=_MOST + 1)
    judged, asked = found[-_MOST:], _asked(call.query)
    unknown = asked.unknown(judged) if judged else []
    if unknown:
        said = f"names {unknown[0]}, which no recorded strategy has a gate of"
        field = "query.custom" if unknown[0] in asked.limits else "query.drop"
        raise InvalidInput("The query breaks 1 rule.", fields=[FieldError(field, said, _RECORDED)])
    again = rollouts.replay(judged, asked)
    items = tuple(replayed_view(evidence, each) for evidence, each in zip(judged, again, strict=True))
    agrees = all(item.agrees for item in items)
    return rollouts_shapes.ReplayView(deployment=deployment, agrees=agrees, left_out=len(found) > _MOST, items=items)


def _asked(query: rollouts_shapes.ReplayQuery) -> Asked:
    """What a query asks to be judged with."""
    from chalicelib.rollouts import service as rollouts

    pairs = (each.partition("=") for each in (query.custom or "").split(",") if each)
    return rollouts.Asked(
        gates=rollouts.gates_asked(query.error_rate, query.latency_p95, query.error_rate_increase, query.latency_p95_increase),
        limits={name: float(limit) for name, _, limit in pairs},
        dropped=frozenset((query.drop or "").split(",")) - {""},
        alpha=None if query.alpha is None else query.alpha / 100,
    )


def _deployment(call: AnyCall) -> str:
    """The deployment's id, once it is known to be the caller's."""
    return deployments.get_deployment(call.who, call.service, call.path["deployment"]).id

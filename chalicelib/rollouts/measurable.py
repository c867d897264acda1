"""Which gates can be known behind a given gateway, and what is to be said of the others. Pure.

Not every gateway tells how long the requests of one release take. A gate on latency that nobody asked for is left out there:
its default would hold each rollout for a measurement that never comes. One that somebody asked for stays, and is told of at
once rather than when the rollout has waited for it in vain.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.projects.spec import Gates
from chalicelib.rollouts.gates import Gate, Metric, Weight
from chalicelib.rollouts.rules import Strategy
from chalicelib.rollouts.strategy import gates_of

_OF_LATENCY = frozenset({Metric.LATENCY_P95, Metric.LATENCY_P95_INCREASE})
_RECREATED = "What is recreated is not judged: nothing runs beside it. It takes all requests when it is ready."
_INSTEAD = "A custom gate with a query of your own can judge it."


def within_reach(strategy: Strategy, gateway: str, *, latency: bool) -> tuple[Strategy, tuple[str, ...]]:
    """The strategy as it can be judged, and a sentence for each gate that cannot, or one that says why nothing is.

    `gateway` is the preset of the metrics, which measures `latency` by release or does not.
    """
    if strategy.recreate:
        return strategy, (_RECREATED,)
    judged = bool(strategy.steps) or strategy.rolling is not None
    blind = () if latency or not judged else tuple(gate for gate in strategy.gates if gate.metric in _OF_LATENCY)
    usual = frozenset(gates_of(Gates.model_validate({})))
    kept = tuple(gate for gate in strategy.gates if gate not in blind or gate not in usual)
    return replace(strategy, gates=kept), tuple(_told(gate, gateway, gate in usual) for gate in blind)


def _told(gate: Gate, gateway: str, usual: bool) -> str:
    lead = f"The metrics of {gateway} do not tell how long a release's requests take, so {gate.metric.value}"
    if usual:
        return f"{lead} is not judged. {_INSTEAD}"
    if gate.weight is Weight.ADVISORY:
        return f"{lead} will not be known."
    return f"{lead} will not be known, and no step is passed without a person or `onInconclusive`. Set it to null. {_INSTEAD}"

"""Who scales a release, and how: chosen from what its service asks for and what its cluster has. Pure.

1. CPU use is followed by a HorizontalPodAutoscaler, requests and sleep by KEDA where the cluster has it. Never by both: KEDA
   makes an autoscaler of its own.
2. What a cluster cannot do is not asked of it: CPU use decides instead, or one instance stays, and a sentence says so and what
   would help.
3. A release that may sleep has its requests come through KEDA's interceptor while it rests: it has all the traffic, and no
   rollout is under way. During a rollout requests come straight to the releases, which are awake, so that what is measured of
   each is its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chalicelib.platform.gateways import PRESETS
from chalicelib.projects.spec import Scale

HOLDS = frozenset({"cygni"})
"""The presets whose gateway itself holds the request that wakes a service."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """What stands before a cluster's services: its metrics' preset, the address at which the cluster's own pods find the
    Prometheus that has them ("" where there is none they can ask), and the namespace that KEDA and its HTTP add-on are in."""

    preset: str = "cygni"
    prometheus: str = ""
    keda: str = "keda"

    @property
    def counts(self) -> bool:
        """Whether KEDA can be told how many requests a release gets."""
        return bool(self.prometheus) and PRESETS[self.preset].rate is not None

    @property
    def times(self) -> bool:
        """Whether its metrics tell how long the requests of a release take."""
        return PRESETS[self.preset].buckets is not None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a cluster has to scale with: `keda` serves ScaledObjects, `interceptor` HTTPScaledObjects too."""

    keda: bool = False
    interceptor: bool = False


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a release is scaled: by CPU use, or by KEDA. `resting` has it behind the interceptor, where it may go down to none.

    `notes` say what the service asks for and does not get.
    """

    by: Literal["cpu", "keda"] = "cpu"
    resting: bool = False
    gateway: Gateway = field(default_factory=Gateway)
    notes: tuple[str, ...] = ()


def asks(scale: Scale) -> bool:
    """Whether what the cluster has matters to this service at all."""
    return scale.requests is not None or scale.min == 0


def choose(scale: Scale, offer: Offer, gateway: Gateway) -> Scaling:
    """How a release is scaled while a rollout is under way, and what is to be said of it."""
    sleeps = scale.min == 0 and offer.keda and offer.interceptor
    counted = scale.requests is not None and offer.keda and gateway.counts
    notes = [] if counted or scale.requests is None else [_uncounted(offer, gateway)]
    if scale.min == 0 and not sleeps and gateway.preset not in HOLDS:
        notes.append(_AWAKE)
    return Scaling("keda" if sleeps or counted else "cpu", gateway=gateway, notes=tuple(notes))


def _uncounted(offer: Offer, gateway: Gateway) -> str:
    lead = "scale.requests is not followed here; CPU use decides between min and max instead."
    if not offer.keda:
        return f"{lead} Install KEDA in the cluster and deploy again."
    if not gateway.prometheus:
        return f"{lead} KEDA cannot ask this cluster's metrics: name a Prometheus that its pods can reach, and deploy again."
    return f"{lead} The metrics of {gateway.preset} give no rate of requests."


_AWAKE = (
    "scale.min is 0, but one instance stays: nothing in this cluster holds the request that would wake it. Install KEDA with "
    "its HTTP add-on and deploy again."
)

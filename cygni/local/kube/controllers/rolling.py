"""How many pods of each ReplicaSet a Deployment wants next. Pure decisions.

Invariants of a rolling update: never more than replicas + maxSurge pods in all; never fewer than replicas - maxUnavailable
available ones by our own doing; unhealthy old pods go first.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cygni.local.kube.objects import Obj, deep_copy, encode, get_path

HASH_LABEL = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class SetState:
    """What matters of a ReplicaSet: pods wished, and of these available."""

    name: str
    wanted: int
    available: int


@dataclass(frozen=True)
class Bounds:
    """A rolling update's limits in pods."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        """Pods that may exist at once."""
        return self.replicas + self.surge

    @property
    def least_available(self) -> int:
        """Pods that must stay available."""
        return self.replicas - self.unavailable


def bounds_of(deployment: Obj) -> Bounds:
    """The limits that a Deployment's strategy gives; shares are rounded up for surge, down for unavailability."""
    replicas = int(deployment["spec"].get("replicas", 1))
    rolling = get_path(deployment, "spec", "strategy", "rollingUpdate", default={})
    surge = _pods(rolling.get("maxSurge", 0), replicas, up=True)
    unavailable = _pods(rolling.get("maxUnavailable", 0), replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(replicas, surge, min(unavailable, replicas))


def _pods(value: Any, replicas: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * replicas / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value)


def next_new(bounds: Bounds, new: SetState, old: Sequence[SetState]) -> int:
    """How many pods the new ReplicaSet should want now."""
    if new.wanted >= bounds.replicas:
        return bounds.replicas
    total = new.wanted + sum(each.wanted for each in old)
    room = max(0, bounds.most - total)
    return new.wanted + min(room, bounds.replicas - new.wanted)


def next_old(bounds: Bounds, new: SetState, old: Sequence[SetState]) -> dict[str, int]:
    """How many pods each old ReplicaSet (oldest first) should want now; only those that change."""
    total = new.wanted + sum(each.wanted for each in old)
    spare = total - bounds.least_available - max(0, new.wanted - new.available)
    wanted = {each.name: each.wanted for each in old}
    for each in old:
        sick = min(max(0, spare), max(0, each.wanted - each.available))
        wanted[each.name] -= sick
        spare -= sick
    available = new.available + sum(min(each.available, wanted[each.name]) for each in old)
    free = min(available - bounds.least_available, spare)
    for each in old:
        step = min(max(0, free), wanted[each.name])
        wanted[each.name] -= step
        free -= step
    return {each.name: wanted[each.name] for each in old if wanted[each.name] != each.wanted}


def template_hash(template: Obj) -> str:
    """A short name for a pod template, the same for the same template."""
    digest = hashlib.sha256(encode(_sorted(template))).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:10])


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(child) for child in value] if isinstance(value, list) else value


def plain_template(replica_set: Obj) -> Obj:
    """A ReplicaSet's template without the label that tells it from others."""
    template: Obj = deep_copy(replica_set["spec"]["template"])
    labels = get_path(template, "metadata", "labels", default={})
    labels.pop(HASH_LABEL, None)
    return template

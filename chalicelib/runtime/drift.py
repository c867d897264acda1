"""Bring back what somebody changed in a service's objects. Only fields that Cygni writes are compared and repaired.

What is Cygni's is what it applies: the server keeps account of it by field, so that a repair is one more apply of the same,
and other managers' fields stay. An apply that changes nothing leaves the object's version as it was, which is how it is told
from a repair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.platform.kubeport import Cluster, Json
from chalicelib.runtime.fence import Fence, unless_written
from chalicelib.runtime.manifests import render
from chalicelib.runtime.resting import standing
from chalicelib.runtime.rules import Manifest, Workload
from chalicelib.runtime.scaling import Gateway
from chalicelib.runtime.service import as_scaled

MOST_FIELDS = 5
FENCED = frozenset({"Deployment", "HTTPRoute", "HorizontalPodAutoscaler", "ScaledObject"})
"""What a rollout leads: size and traffic."""
WATCHED = (
    "Deployment",
    "Service",
    "ConfigMap",
    "Secret",
    "HorizontalPodAutoscaler",
    "HTTPRoute",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
)
"""The kinds in which drift is looked for: those that Cygni writes into a service's namespace."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """An object that was brought back, and the fields that differed: their paths, never their values."""

    kind: str
    name: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        if not self.fields:
            return f"{self.kind} {self.name} was gone"
        shown = ", ".join(self.fields[:MOST_FIELDS])
        more = len(self.fields) - MOST_FIELDS
        return f"{self.kind} {self.name}: {shown}" + (f" and {more} more" if more > 0 else "")


def repair(
    cluster: Cluster, workload: Workload, *, host: str, confirm: Callable[[], None], gateway: Gateway | None = None
) -> tuple[Repaired, ...]:
    """Apply all objects of the one release that has the traffic; says which of them were otherwise.

    The number of pods that an autoscaler chose stays, and so does the sleep of a release that nobody asks for. `confirm` raises
    when a rollout has begun; it is asked between the reading and the writing of what rollouts lead. LostRace when somebody has
    written that in between.
    """
    scaling = standing(cluster, workload, gateway or Gateway())
    desired = render(as_scaled(cluster, workload, asleep=True), host=host, api=cluster.version(), scaling=scaling)
    found = (_repaired(cluster, manifest, confirm) for manifest in desired)
    return tuple(each for each in found if each is not None)


def _repaired(cluster: Cluster, manifest: Manifest, confirm: Callable[[], None]) -> Repaired | None:
    kind, meta = manifest["kind"], manifest["metadata"]
    before = cluster.get(kind, meta.get("namespace", ""), meta["name"])
    if kind in FENCED:
        confirm()
    after = cluster.apply(unless_written(manifest, Fence.around(before)) if kind in FENCED else manifest)
    if before is not None and before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]:
        return None
    fields = () if before is None else tuple(differing(manifest, before, after))
    return Repaired(kind, meta["name"], fields) if before is None or fields else None


def differing(owned: Any, before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Paths of the fields in `owned` that are otherwise in `before` than in `after`."""
    if before == after:
        return
    if isinstance(owned, Mapping) and isinstance(before, Mapping) and isinstance(after, Mapping):
        for name, child in owned.items():
            yield from differing(child, before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif _alike(owned, before, after):
        for index, child in enumerate(owned):
            yield from differing(child, before[index], after[index], f"{path}[{index}]")
    else:
        yield path


def _alike(*lists: Any) -> bool:
    return all(isinstance(each, Sequence) and not isinstance(each, str) for each in lists) and len({*map(len, lists)}) == 1


def touched_by_others(obj: Json) -> bool:
    """Whether somebody besides Cygni wrote to the object itself, as the server's account of its fields says."""
    entries = obj["metadata"].get("managedFields") or ()
    return any(entry.get("manager") != "cygni" and entry.get("subresource") != "status" for entry in entries)

"""Decide which objects to write and which to delete, and in which order; do it elsewhere. Pure, but for `execute`.

1. Nothing is created before the service's inventory names it, so that a crash leaves nothing unknown behind.
2. Applies come first, the namespace before all and the route after all that it refers to; deletions follow, the other way
   round: the route before what it refers to.
3. Nothing is deleted that the inventory does not name, and nothing leaves the inventory before it is deleted.
4. A plan may be carried out in part and then made anew: the end is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from chalicelib.platform.kubeport import Cluster
from chalicelib.runtime.rules import INVENTORY_LABEL, REVISION_LABEL, Manifest, Target

ORDER = (
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ConfigMap",
    "Secret",
    "Service",
    "Deployment",
    "HorizontalPodAutoscaler",
    "ScaledObject",
    "HTTPScaledObject",
    "HTTPRoute",
)
"""Kinds in the order in which they are applied. Deletions run the other way."""

SHARED = frozenset(ORDER[:4])
"""Kinds that belong to the namespace rather than to one service: in no inventory, gone with the namespace."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """An object of the service's namespace, known by kind and name; `revision` is whose it is, "" for the whole service's."""

    kind: str
    name: str
    revision: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects a service owns. `version` is the resourceVersion it was read at, "" when there is none yet."""

    target: Target
    refs: frozenset[Ref] = frozenset()
    version: str = ""

    @classmethod
    def read(cls, target: Target, config_map: Manifest | None) -> Inventory:
        """From its ConfigMap, whose keys are `{kind}.{name}` and whose values are revisions; None is an empty inventory."""
        if config_map is None:
            return cls(target)
        entries = ((*key.partition("."), value) for key, value in (config_map.get("data") or {}).items())
        refs = frozenset(Ref(kind, name, revision) for kind, _, name, revision in entries)
        return cls(target, refs, str(config_map["metadata"].get("resourceVersion", "")))

    def manifest(self, refs: Collection[Ref], *, version: str = "") -> Manifest:
        """Its ConfigMap with these objects. With a version the write fails if somebody else has written since."""
        meta: Manifest = {
            "name": self.target.inventory,
            "namespace": self.target.namespace,
            "labels": self.target.labels() | {INVENTORY_LABEL: "true"},
        }
        if version:
            meta["resourceVersion"] = version
        data = {f"{ref.kind}.{ref.name}": ref.revision for ref in sorted(refs)}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


@dataclass(frozen=True, slots=True)
class Apply:
    """Write this object by server-side apply."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete this object if it is there."""

    kind: str
    namespace: str
    name: str


Instruction = Apply | Delete


def ref_of(manifest: Manifest) -> Ref:
    """How an inventory names this object."""
    meta = manifest["metadata"]
    return Ref(manifest["kind"], meta["name"], (meta.get("labels") or {}).get(REVISION_LABEL, ""))


def plan(desired: Sequence[Manifest], inventory: Inventory, *, keep: Collection[Ref] = ()) -> tuple[Instruction, ...]:
    """Instructions after which the service owns exactly `desired` and those objects of its inventory that are in `keep`.

    With nothing left the inventory itself is deleted last; it is read anew between plans, never within one.
    """
    ordered = sorted(desired, key=lambda manifest: ORDER.index(manifest["kind"]))
    wanted = {ref_of(manifest) for manifest in ordered if manifest["kind"] not in SHARED}
    left = wanted | {ref for ref in inventory.refs if ref in keep}
    doomed = sorted(inventory.refs - left, key=lambda ref: (-ORDER.index(ref.kind), ref.name))

    shared = [Apply(manifest) for manifest in ordered if manifest["kind"] in SHARED]
    own = [Apply(manifest) for manifest in ordered if manifest["kind"] not in SHARED]
    announced = inventory.refs | wanted
    announce = [Apply(inventory.manifest(announced, version=inventory.version))] if announced != inventory.refs else []
    deletions = [Delete(ref.kind, inventory.target.namespace, ref.name) for ref in doomed]
    return (*shared, *announce, *own, *deletions, *_closing(inventory, left, announced))


def _closing(inventory: Inventory, left: Collection[Ref], announced: Collection[Ref]) -> tuple[Instruction, ...]:
    """The inventory's own end: pruned of what was deleted, or deleted when nothing is left."""
    if not left:
        return (Delete("ConfigMap", inventory.target.namespace, inventory.target.inventory),)
    if set(left) == set(announced):
        return ()
    # after an announcement in the same plan its version is no longer the one that was read
    version = inventory.version if set(announced) == inventory.refs else ""
    return (Apply(inventory.manifest(left, version=version)),)


def execute(cluster: Cluster, instructions: Sequence[Instruction]) -> None:
    """Carry the instructions out in order, stopping at the first that fails."""
    for instruction in instructions:
        match instruction:
            case Apply(manifest):
                cluster.apply(manifest)
            case Delete(kind, namespace, name):
                cluster.delete(kind, namespace, name)

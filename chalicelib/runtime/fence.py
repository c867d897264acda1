"""Keeps a worker that is late from moving traffic and instances: one that was given up, and acts after another has taken
its place.

1. A worker reads an object's version before it reads what it is to do, and names that version when it writes the object:
   when anybody has written it in between, the write is refused (Kubernetes' optimistic concurrency). It names the uid too,
   without which an object that is gone would be made anew.
2. Who takes the place of another saves that first, then writes the object with a mark of whose write it is. So the version
   changes also where nothing else does: a write that changes nothing would leave it as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.platform.kubeport import Cluster
from chalicelib.runtime.rules import Manifest, Target

MARK = "cygni.dev/written-by"
"""On a route and a Deployment: which deployment wrote it, and at which version of the deployment's record."""

NO_VERSION = "1"
"""A version that no object has: what names it is written only where nothing of that name is there."""


@dataclass(frozen=True, slots=True)
class Fence:
    """An object's uid and resourceVersion when the worker began, "" when there was none."""

    uid: str
    version: str

    @classmethod
    def around(cls, found: Manifest | None) -> Fence:
        """Around an object as it was read."""
        meta = {} if found is None else found["metadata"]
        return cls(str(meta.get("uid", "")), str(meta.get("resourceVersion", "")))


def fence(cluster: Cluster, target: Target) -> Fence:
    """Around the service's route, to be put up before a worker reads what it is to do."""
    return Fence.around(cluster.get("HTTPRoute", target.namespace, target.service))


def fenced(route: Manifest, put_up: Fence, mark: str) -> Manifest:
    """The route with that mark, to be written only where nobody has written it since."""
    meta = {**route["metadata"], "annotations": {**(route["metadata"].get("annotations") or {}), MARK: mark}}
    return unless_written({**route, "metadata": meta}, put_up) if put_up.version else {**route, "metadata": meta}


def unless_written(manifest: Manifest, put_up: Fence) -> Manifest:
    """The object, to be written only where nobody has written it since: where there was none, only where there is none."""
    met = {"uid": put_up.uid, "resourceVersion": put_up.version} if put_up.version else {"resourceVersion": NO_VERSION}
    return {**manifest, "metadata": {**manifest["metadata"], **met}}

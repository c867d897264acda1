"""Keeps a worker that is late from moving traffic: one that was given up, and acts after another has taken its place.

1. A worker reads the route's version before it reads what it is to do, and names that version when it writes the route:
   when anybody has written the route in between, its write is refused (Kubernetes' optimistic concurrency). It names the
   uid too, without which a route that is gone would be made anew.
2. Every write leaves a mark of whose it was. So the version changes also where the weights stay the same: a server-side
   apply that changes nothing would leave it as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.platform.kubeport import Cluster
from chalicelib.runtime.rules import Manifest, Target

MARK = "cygni.dev/written-by"
"""On a route: which deployment wrote it, and at which version of the deployment's record."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The route's uid and resourceVersion when the worker began, "" when there was none."""

    uid: str
    version: str

    @classmethod
    def around(cls, route: Manifest | None) -> Fence:
        """Around a route as it was read."""
        meta = {} if route is None else route["metadata"]
        return cls(str(meta.get("uid", "")), str(meta.get("resourceVersion", "")))


def fence(cluster: Cluster, target: Target) -> Fence:
    """To be put up before a worker reads what it is to do."""
    return Fence.around(cluster.get("HTTPRoute", target.namespace, target.service))


def fenced(route: Manifest, put_up: Fence, mark: str) -> Manifest:
    """The route with that mark, to be written only where nobody has written it since."""
    meta = {**route["metadata"], "annotations": {**(route["metadata"].get("annotations") or {}), MARK: mark}}
    if put_up.version:
        meta |= {"uid": put_up.uid, "resourceVersion": put_up.version}
    return {**route, "metadata": meta}

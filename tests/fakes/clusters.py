"""The fake control plane's clusters: the shapes are the real ones, and a check finds what the test says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib.platform.errors import Conflict
from chalicelib.runtime.cluster_forms import access_of
from chalicelib.runtime.schemas import ClusterChange, ClusterView, NewCluster, Placement
from tests.fakes.answers import known, paged, shape, unchanged

OPERATIONS = (
    ("POST", r"/v1/clusters", "register_cluster"),
    ("GET", r"/v1/clusters", "list_clusters"),
    ("GET", r"/v1/clusters/([^/]+)", "get_cluster"),
    ("PUT", r"/v1/clusters/([^/]+)", "replace_cluster"),
    ("POST", r"/v1/clusters/([^/]+)/check", "check_cluster"),
    ("DELETE", r"/v1/clusters/([^/]+)", "remove_cluster"),
    ("PUT", r"/v1/projects/([^/]+)/environments/([^/]+)/cluster", "place_environment"),
)


@dataclass
class FakeClusters:
    """`health` and `found` are what the next checks find; `given` the bodies that were taken."""

    environments: dict[tuple[str, str], dict[str, Any]]
    health: str = "healthy"
    found: str = "Kubernetes 1.34 answers."
    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    given: list[Any] = field(default_factory=list)

    def route(self, method: str, path: str) -> tuple[str, tuple[str, ...]] | None:
        """The operation of a request, and what its path names."""
        for verb, pattern, operation in OPERATIONS:
            if verb == method and (match := re.fullmatch(pattern, path)):
                return operation, match.groups()
        return None

    def register_cluster(self, seen: Any) -> tuple[int, Any]:
        wanted = NewCluster.model_validate(seen.body)
        if wanted.name in self.clusters:
            raise Conflict(f"The team has a cluster named {wanted.name} already.")
        now = datetime.now(UTC)
        self.clusters[wanted.name] = {"name": wanted.name, "created_by": "usr_1", "created_at": now, "version": 0}
        return 201, self._take(wanted.name, wanted)

    def list_clusters(self, seen: Any) -> tuple[int, Any]:
        return 200, paged([shape(ClusterView, **each) for each in self.clusters.values()], seen)

    def get_cluster(self, _: Any, name: str) -> tuple[int, Any]:
        return 200, shape(ClusterView, **known(self.clusters, name))

    def replace_cluster(self, seen: Any, name: str) -> tuple[int, Any]:
        unchanged(seen, known(self.clusters, name)["version"])
        return 200, self._take(name, ClusterChange.model_validate(seen.body))

    def check_cluster(self, _: Any, name: str) -> tuple[int, Any]:
        known(self.clusters, name).update(health=self.health, found=self.found, checked_at=datetime.now(UTC))
        return 200, shape(ClusterView, **self.clusters[name])

    def remove_cluster(self, _: Any, name: str) -> tuple[int, Any]:
        known(self.clusters, name)
        del self.clusters[name]
        return 204, None

    def place_environment(self, seen: Any, project: str, environment: str) -> tuple[int, Any]:
        from chalicelib.projects.schemas import EnvironmentView

        cluster = Placement.model_validate(seen.body).cluster
        if cluster is not None:
            known(self.clusters, cluster)
        known(self.environments, (project, environment))  # type: ignore[arg-type]
        self.environments[project, environment]["cluster"] = cluster
        return 200, shape(EnvironmentView, **self.environments[project, environment])

    def _take(self, name: str, wanted: ClusterChange) -> Any:
        access = access_of(wanted.access, team="team_1", operator="team_0")
        self.given.append(access)
        state = {
            "provider": "token",
            "server": access.server,
            "own": True,
            "health": "unchecked",
            "found": "",
            "checked_at": None,
            "silent_since": None,
            "next_try": None,
        }
        more = {"shared": wanted.shared, "metrics": wanted.metrics, "preset": wanted.preset}
        self.clusters[name] |= state | more | {"version": self.clusters[name]["version"] + 1}
        return shape(ClusterView, **self.clusters[name])

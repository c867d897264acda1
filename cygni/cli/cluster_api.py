"""The API's operations on clusters, and on where an environment runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast
from urllib.parse import quote

from cygni.cli.client import Client
from cygni.cli.shapes import Environment, Page


class Cluster(TypedDict):
    """A registered cluster."""

    name: str
    provider: str
    server: str
    shared: bool
    own: bool
    metrics: str
    preset: str
    health: str
    found: str
    checked_at: str | None
    silent_since: str | None
    next_try: str | None
    created_at: str
    version: int


@dataclass(frozen=True, slots=True)
class ClusterApi:
    """The operations. Each raises Problem, NotSignedIn or Unreachable, and returns what the API sent."""

    client: Client

    def clusters(self, *, cursor: str | None = None) -> Page[Cluster]:
        """A page of the clusters that the team may use."""
        return cast("Page[Cluster]", self.client.request("GET", _CLUSTERS, query={"cursor": cursor, "limit": 100}).body)

    def cluster(self, name: str) -> Cluster:
        """One cluster."""
        return cast(Cluster, self.client.request("GET", _path(name)).body)

    def register(self, name: str, wanted: Mapping[str, Any]) -> Cluster:
        """Register a cluster."""
        return cast(Cluster, self.client.request("POST", _CLUSTERS, body={"name": name, **wanted}).body)

    def replace(self, name: str, wanted: Mapping[str, Any]) -> Cluster:
        """Change how a cluster is reached, as it is now."""
        seen = {"If-Match": f'"{self.cluster(name)["version"]}"'}
        return cast(Cluster, self.client.request("PUT", _path(name), body=wanted, headers=seen).body)

    def check(self, name: str) -> Cluster:
        """Ask a cluster whether it answers and grants what is needed."""
        return cast(Cluster, self.client.request("POST", f"{_path(name)}/check").body)

    def remove(self, name: str) -> None:
        """Forget a cluster and its credential."""
        self.client.request("DELETE", _path(name))

    def place(self, project: str, environment: str, cluster: str | None) -> Environment:
        """Place an environment on a cluster; None is the installation's own."""
        path = f"/v1/projects/{quote(project, safe='')}/environments/{quote(environment, safe='')}/cluster"
        return cast(Environment, self.client.request("PUT", path, body={"cluster": cluster}).body)


_CLUSTERS = "/v1/clusters"


def _path(name: str) -> str:
    return f"{_CLUSTERS}/{quote(name, safe='')}"

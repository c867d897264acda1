"""A cluster and its metrics that count what is asked of them."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.platform.kubeport import Json
from chalicelib.platform.traffic import Reading
from tests.fakes.kube import FakeCluster
from tests.support.world import FakeMetrics


class CountedCluster(FakeCluster):
    """The cluster in memory. `asked` counts calls that a real API server would get: reads and writes."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Tally[str] = Tally()

    def born(self, at: datetime) -> None:
        """Objects that are made from now on are made at that time."""
        self._born = at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        """Counts a write."""
        self.asked["cluster write"] += 1
        return super().apply(manifest, force=force)

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """Counts a read."""
        self.asked["cluster read"] += 1
        return super().get(kind, namespace, name)

    def list(self, kind: str, namespace: str, labels: Mapping[str, str]) -> Sequence[Json]:
        """Counts a read."""
        self.asked["cluster read"] += 1
        return super().list(kind, namespace, labels)

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        """Counts a write."""
        self.asked["cluster write"] += 1
        return super().delete(kind, namespace, name)


class CountedMetrics(FakeMetrics):
    """Readings in memory. `asked` counts looks: each is the few queries that a preset has."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Tally[str] = Tally()

    def read(self, namespace: str, backends: Sequence[str]) -> Mapping[str, Reading]:
        """Counts a look."""
        self.asked["look at metrics"] += 1
        return super().read(namespace, backends)

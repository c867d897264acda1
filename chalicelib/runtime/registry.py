"""The façade of the registered clusters: the API and the functions call it, and it loads no client of Kubernetes."""

from __future__ import annotations

from chalicelib.runtime.breaking import ClusterDoor
from chalicelib.runtime.cluster_checks import check_cluster, registered_clusters
from chalicelib.runtime.cluster_rules import Health, Provider
from chalicelib.runtime.clusters import (
    Reach,
    RegisteredCluster,
    Registration,
    get_cluster,
    list_clusters,
    place,
    reach,
    register_cluster,
    remove_cluster,
    replace_cluster,
)

__all__ = [
    "ClusterDoor",
    "Health",
    "Provider",
    "Reach",
    "RegisteredCluster",
    "Registration",
    "check_cluster",
    "get_cluster",
    "list_clusters",
    "place",
    "reach",
    "register_cluster",
    "registered_clusters",
    "remove_cluster",
    "replace_cluster",
]

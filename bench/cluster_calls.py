"""What registered clusters cost of the store: every route of them once, with the environment `hello/staging`."""

from __future__ import annotations

from bench.team_calls import Call
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from chalicelib.runtime.models import ClusterRecord, cluster_sk, team_pk

MORE = {
    "replace_cluster": 2,
    "check_cluster": 2,  # before and after
    "place_environment": 4,  # the cluster, the environment, whether it has services, and all at once
    "remove_cluster": 5,  # the environments of each project, since none may be placed there
}
"""Round trips that these routes may take, and why."""
EKS = {
    "provider": "eks",
    "server": "https://127.0.0.1:1",
    "certificate_authority": "",
    "cluster": "shop",
    "region": "eu-west-1",
    "role": "arn:aws:iam::123456789012:role/cygni-cluster-shop",
}


def tour(call: Call, team: str) -> None:
    """Calls every route of clusters once. Nobody answers at the cluster's address, so that its record is made to say so."""
    environments = "/v1/projects/hello/environments"
    call("register_cluster", "POST", "/v1/clusters", body={"name": "far", "access": EKS})
    call("list_clusters", "GET", "/v1/clusters")
    call("get_cluster", "GET", "/v1/clusters/far")
    call("replace_cluster", "PUT", "/v1/clusters/far", body={"access": EKS}, headers={"if-match": '"1"'})
    call("check_cluster", "POST", "/v1/clusters/far/check")
    heal(team)
    call("create_environment", "POST", environments, body={"name": "remote"})
    call("place_environment", "PUT", f"{environments}/remote/cluster", body={"cluster": "far"})


def end(call: Call) -> None:
    """Removes what the tour made."""
    call("delete_environment", "DELETE", "/v1/projects/hello/environments/remote")
    call("remove_cluster", "DELETE", "/v1/clusters/far")


def heal(team: str, name: str = "far") -> None:
    """Has the record of a cluster say that a check found it well, and nobody found it silent."""
    store = team_store(team)
    record = store.fetch(ClusterRecord, team_pk(team), cluster_sk(name))
    if record is None:
        raise LookupError(name)
    record.health, record.silences, record.next_try = "healthy", 0, None
    store.commit([Put(record)])

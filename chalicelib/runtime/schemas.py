"""What the API takes and gives about clusters. Credentials are taken and never given."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chalicelib.platform.gateways import PRESETS
from chalicelib.platform.names import Name
from chalicelib.platform.schema import Input, Moment, NextCursor, Output
from chalicelib.runtime.cluster_rules import Health, Provider

Server = Annotated[str, StringConstraints(max_length=500), Field(description="Address of the API server: https://host:port.")]
Authority = Annotated[
    str,
    StringConstraints(max_length=65_536),
    Field(description="Certificates that vouch for the server, in PEM or its base64; empty: those of the system."),
]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Preset = Annotated[str, StringConstraints(pattern=f"^({'|'.join(PRESETS)})$"), Field(description="Which gateway is measured.")]


class EksAccess(Input):
    """An EKS cluster, by a role of AWS IAM."""

    provider: Literal["eks"]
    server: Server
    certificate_authority: Authority
    cluster: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="The cluster's name on EKS.")
    region: str = Field(pattern=r"^[a-z]{2,3}(-[a-z]{1,8}){1,3}-\d{1,2}$", description="The cluster's AWS region.")
    role: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]{0,20}:iam::\d{12}:role/cygni-cluster-[A-Za-z0-9+=,.@_-]{1,50}$",
        description="The role to assume, whose name begins with cygni-cluster-; the external id is the team's id.",
    )


class GkeAccess(Input):
    """A GKE cluster, by a service account's key."""

    provider: Literal["gke"]
    server: Server
    certificate_authority: Authority
    service_account: str = Field(max_length=16_384, repr=False, description="The JSON of the key, as Google made it.")


class AksAccess(Input):
    """An AKS cluster with Microsoft Entra ID, by an application's secret."""

    provider: Literal["aks"]
    server: Server
    certificate_authority: Authority
    tenant: str = Field(pattern=r"^[0-9a-fA-F-]{36}$", description="Id of the directory.")
    client: str = Field(pattern=r"^[0-9a-fA-F-]{36}$", description="Id of the application.")
    secret: Words = Field(repr=False, description="A secret of the application.")


class TokenAccess(Input):
    """Any cluster, by a bearer token such as a service account's."""

    provider: Literal["token"]
    server: Server
    certificate_authority: Authority = ""
    token: str = Field(min_length=1, max_length=16_384, repr=False, description="The token.")


class KubeconfigAccess(Input):
    """Any cluster, by a context of a kubeconfig that has a token or a client certificate in it."""

    provider: Literal["kubeconfig"]
    kubeconfig: str = Field(min_length=1, max_length=131_072, repr=False, description="The file's text.")
    context: str | None = Field(None, max_length=200, description="Which context; by default the current one.")


AnyAccess = Annotated[
    EksAccess | GkeAccess | AksAccess | TokenAccess | KubeconfigAccess, Field(discriminator="provider", repr=False)
]


class ClusterChange(Input):
    """How a cluster is reached and measured."""

    access: AnyAccess
    shared: bool = Field(False, description="Whether all teams may use it; the operator's team alone lends clusters.")
    metrics: str = Field(
        "service://monitoring/prometheus-operated:9090",
        pattern=r"^service://[a-z0-9-]{1,63}/(https:)?[a-z0-9.-]{1,63}:[a-z0-9-]{1,15}(/[A-Za-z0-9._/-]{0,100})?$",
        description="The Prometheus in the cluster, as service://namespace/name:port: asked by way of the API server.",
    )
    preset: Preset = "envoy-gateway"


class NewCluster(ClusterChange):
    """A cluster to register."""

    name: Name


class Placement(Input):
    """Where an environment runs."""

    cluster: Name | None = Field(description="A registered cluster, or null for the installation's own.")


class ClusterView(Output):
    """A registered cluster."""

    name: str
    provider: Provider
    server: str
    shared: bool
    own: bool = Field(description="False for one that the operator lends.")
    metrics: str
    preset: str
    health: Health
    found: str = Field(description="What the last check found, in a sentence.")
    checked_at: Moment | None
    silent_since: Moment | None = Field(description="Since when it gives no answer, if it is not asked for that; else null.")
    next_try: Moment | None = Field(description="When it is asked again, while it is not asked; else null.")
    created_by: str
    created_at: Moment
    version: int = Field(description="Rises when its owner changes it; the ETag.")


class ClusterPage(Output):
    """A page of clusters by name; those that the operator lends are on the last."""

    items: tuple[ClusterView, ...]
    next_cursor: NextCursor = None

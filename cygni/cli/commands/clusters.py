"""`cygni clusters`: where services run besides the installation's own cluster."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.text import Text

from cygni.cli.agree import agree
from cygni.cli.api import every
from cygni.cli.cluster_api import Cluster
from cygni.cli.clusterfile import Kind, access_of
from cygni.cli.errors import Usage
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.options import Yes
from cygni.cli.session import Session
from cygni.cli.views.clusters import cluster_lines, clusters_table

clusters = typer.Typer(help="Clusters that services run on.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The cluster.")]
OfKind = Annotated[Kind, typer.Option("--kind", help="Who vouches for Cygni there.")]
Server = Annotated[str | None, typer.Option("--server", metavar="URL", help="Address of its API server.")]
Authority = Annotated[str | None, typer.Option("--ca", metavar="FILE", help="Its CA certificate, in PEM or base64 of it.")]
Credential = Annotated[
    str | None,
    typer.Option("--credential", metavar="FILE", help="The token, the service account's key or the client secret; - is stdin."),
]
Kubeconfig = Annotated[
    str | None,
    typer.Option("--kubeconfig", metavar="FILE", help="What `kubectl config view --raw --flatten` prints; - is stdin."),
]
KubeContext = Annotated[
    str | None, typer.Option("--kube-context", metavar="NAME", help="Its context; default: the current one.")
]
EksCluster = Annotated[str | None, typer.Option("--eks-cluster", metavar="NAME", help="Its name on EKS.")]
Region = Annotated[str | None, typer.Option("--region", metavar="REGION", help="Its AWS region.")]
RoleArn = Annotated[
    str | None,
    typer.Option("--role", metavar="ARN", help="The role to assume: cygni-cluster-…, with your team's id as external id."),
]
Tenant = Annotated[str | None, typer.Option("--tenant", metavar="ID", help="The Entra ID directory of an AKS cluster.")]
ClientId = Annotated[str | None, typer.Option("--client", metavar="ID", help="The Entra ID application.")]
Metrics = Annotated[
    str | None, typer.Option("--metrics", metavar="ADDRESS", help="Its Prometheus: service://namespace/name:port.")
]
Preset = Annotated[str | None, typer.Option("--preset", metavar="NAME", help="Its gateway; default: envoy-gateway.")]
Shared = Annotated[bool, typer.Option("--shared", help="Lend it to all teams, as the operator.")]


@clusters.command("list")
@command(Scope.API)
def list_clusters(session: Session) -> None:
    """List the clusters that environments may be placed on.

    Example: cygni clusters list
    """
    found = list(every(lambda cursor: session.clusters.clusters(cursor=cursor)))
    session.printer.result({"items": found, "next_cursor": None}, clusters_table(found, session.runtime.now()))


@clusters.command("add")
@command(Scope.API)
def add_cluster(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and single hyphens.")],
    *,
    kind: OfKind = Kind.KUBECONFIG,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    server: Server = None,
    ca: Authority = None,
    credential: Credential = None,
    eks_cluster: EksCluster = None,
    region: Region = None,
    role: RoleArn = None,
    tenant: Tenant = None,
    client: ClientId = None,
    metrics: Metrics = None,
    preset: Preset = None,
    shared: Shared = False,
    replace: Annotated[bool, typer.Option("--replace", help="Change the one that is registered by this name.")] = False,
) -> Exit | None:
    """Register a cluster, and check it. Its credential is kept encrypted and shown to nobody.

    Example: cygni clusters add frankfurt --kind token --server https://k8s.example.com --ca ca.crt --credential token.txt
    """
    given = {
        "kubeconfig": kubeconfig,
        "kube_context": kube_context,
        "server": server,
        "ca": ca,
        "credential": credential,
        "eks_cluster": eks_cluster,
        "region": region,
        "role": role,
        "tenant": tenant,
        "client": client,
    }
    piped = sys.stdin.read() if "-" in (kubeconfig, credential) else None
    wanted: dict[str, Any] = {"access": access_of(kind, given, piped), "shared": shared}
    wanted |= {key: value for key, value in (("metrics", metrics), ("preset", preset)) if value}
    (session.clusters.replace if replace else session.clusters.register)(name, wanted)
    return _checked(session, name)


@clusters.command("check")
@command(Scope.API)
def check_cluster(session: Session, name: Name) -> Exit | None:
    """Ask a cluster whether it answers and grants what Cygni does there. Fails when it does not.

    Example: cygni clusters check frankfurt
    """
    return _checked(session, name)


@clusters.command("remove")
@command(Scope.API)
def remove_cluster(session: Session, name: Name, yes: Yes = False) -> None:
    """Forget a cluster and its credential. What runs there goes on running.

    Example: cygni clusters remove frankfurt
    """
    found = session.clusters.cluster(name)
    agree(session, f"Forget the cluster {name} ({found['server']})?", yes=yes)
    session.clusters.remove(name)
    session.printer.result(found, Text(f"{name} is registered no more."))


@clusters.command("place")
@command(Scope.ENVIRONMENT)
def place_environment(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The cluster.")] = None,
    own: Annotated[bool, typer.Option("--own", help="Back to the installation's own cluster.")] = False,
) -> None:
    """Place an environment on a cluster, before its first service.

    Example: cygni clusters place frankfurt --environment staging
    """
    if (name is None) != own:
        raise Usage("It is not said where to place it.", remedy="Name a cluster, or give --own.")
    placed = session.clusters.place(session.project, session.environment, name)
    where = name or "the installation's own cluster"
    session.printer.result(placed, Text(f"{session.environment} of {session.project} runs on {where}."))


def _checked(session: Session, name: str) -> Exit | None:
    found: Cluster = session.clusters.check(name)
    session.printer.result(found, *cluster_lines(found))
    return None if found["health"] in ("healthy", "limited") else Exit.UNHEALTHY

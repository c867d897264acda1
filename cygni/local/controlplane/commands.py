"""How each program of the control plane is started. Pure.

All listen on loopback alone. etcd and the API server know each other by certificates; clients of the API server by tokens,
which stand in a file. Controllers and scheduler listen on nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cygni.local.controlplane.certificates import Certificates

HOST = "127.0.0.1"
SERVICES = "10.96.0.0/16"
"""Addresses that Services get. Nobody listens there: the gateway goes to pods."""
_ISSUER = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports: the API server's, etcd's for clients, and etcd's for its peers, of which there are none."""

    api: int
    etcd: int
    peers: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a control plane keeps things, below one folder, its ports, and the controllers that are not to run."""

    folder: Path
    ports: Ports
    without: tuple[str, ...] = ()

    @property
    def certificates(self) -> Certificates:
        """Its keys."""
        return Certificates(self.folder / "certificates")

    @property
    def tokens(self) -> Path:
        """Who may speak to the API server."""
        return self.folder / "tokens.csv"

    @property
    def kubeconfig(self) -> Path:
        """How controllers and scheduler reach it; also anybody else's way in."""
        return self.folder / "kubeconfig"

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://{HOST}:{self.ports.api}"


def etcd(plan: Plan) -> list[str]:
    """Arguments of etcd. Without fsync a power cut may lose the last writes, which is no loss here."""
    client, peers = f"https://{HOST}:{plan.ports.etcd}", f"https://{HOST}:{plan.ports.peers}"
    keys = plan.certificates
    trust = [
        f"--{kind}{name}={value}"
        for kind in ("", "peer-")
        for name, value in (
            ("cert-file", keys.certificate),
            ("key-file", keys.key),
            ("trusted-ca-file", keys.authority),
            ("client-cert-auth", "true"),
        )
    ]
    return [
        *("--name=local", f"--data-dir={plan.folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn"),
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=local={peers}"),
        *trust,
    ]


def api_server(plan: Plan) -> list[str]:
    """Arguments of the API server.

    The ServiceAccount admission is off: it refuses a pod until a controller has made its namespace's account, which a test
    that makes both at once would have to wait for. Privileged pods are admitted, as on the clusters that people have: it is
    a namespace's own standard that refuses them.
    """
    keys = plan.certificates
    return [
        *(f"--etcd-servers=https://{HOST}:{plan.ports.etcd}", f"--etcd-cafile={keys.authority}"),
        *(f"--etcd-certfile={keys.certificate}", f"--etcd-keyfile={keys.key}"),
        *(f"--bind-address={HOST}", f"--secure-port={plan.ports.api}", "--endpoint-reconciler-type=none"),
        *(f"--tls-cert-file={keys.certificate}", f"--tls-private-key-file={keys.key}"),
        *(f"--token-auth-file={plan.tokens}", "--authorization-mode=RBAC", "--anonymous-auth=false"),
        *(f"--service-account-issuer={_ISSUER}", f"--service-account-key-file={keys.accounts}"),
        f"--service-account-signing-key-file={keys.accounts}",
        *(f"--service-cluster-ip-range={SERVICES}", "--disable-admission-plugins=ServiceAccount", "--allow-privileged=true"),
        *(f"--kubelet-certificate-authority={keys.authority}", "--kubelet-preferred-address-types=InternalIP"),
        *(f"--cert-dir={keys.folder}", "--profiling=false"),
    ]


def controller_manager(plan: Plan) -> list[str]:
    """Arguments of the controllers: all but those that need a cloud or networks of nodes."""
    without = ("node-ipam-controller", "cloud-node-lifecycle-controller", *plan.without)
    return [
        *(f"--kubeconfig={plan.kubeconfig}", f"--controllers={','.join(['*', *(f'-{each}' for each in without)])}"),
        *("--leader-elect=false", "--secure-port=0", "--profiling=false", "--kube-api-qps=200", "--kube-api-burst=400"),
        f"--service-account-private-key-file={plan.certificates.accounts}",
    ]


def scheduler(plan: Plan) -> list[str]:
    """Arguments of the scheduler."""
    return [f"--kubeconfig={plan.kubeconfig}", "--leader-elect=false", "--secure-port=0", "--profiling=false"]

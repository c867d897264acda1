"""The processes of the embedded cloud, as data: which module, with which arguments and environment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from cygni.local.supervisor.child import Child
from cygni.local.supervisor.layout import Layout, Ports

_FOREIGN = ("AWS_", "CYGNI_", "KUBE")


def parts(
    layout: Layout,
    ports: Ports,
    environ: Mapping[str, str],
    *,
    kubeconfig: Path | None = None,
    programs: Path | None = None,
) -> list[Child]:
    """The children in the order they start: each needs those before it.

    A folder of `programs` of a real control plane has that run in place of the embedded API server; a `kubeconfig` takes the
    place of the whole cluster.
    """
    inherited = {name: value for name, value in environ.items() if not name.startswith(_FOREIGN)}
    inherited |= {"PYTHONUNBUFFERED": "1"}
    config = kubeconfig or layout.kubeconfig
    logs = layout.logs
    cluster = [
        *("--port", str(ports.cluster), "--data", str(layout.state / "cluster"), "--images", str(layout.images)),
        *("--token-file", str(layout.cluster_token), "--kubeconfig", str(layout.kubeconfig)),
    ]
    gateway = ["--kubeconfig", str(config), "--port", str(ports.apps), "--admin-port", str(ports.admin)]
    identity_url, callback = f"http://127.0.0.1:{ports.idp}", f"http://127.0.0.1:{ports.api}/v1/auth/callback"
    layout.secret(layout.idp_client_secret)
    identity = [
        *("--port", str(ports.idp), "--state", str(layout.state / "idp"), "--redirect-uri", callback),
        *("--client-id", "cygni", "--client-secret-file", str(layout.idp_client_secret)),
    ]
    cloud = [
        *("--state", str(layout.state / "cloud"), "--images", str(layout.images), "--kubeconfig", str(config)),
        *("--gateway-metrics", f"http://127.0.0.1:{ports.admin}/metrics", "--apps-port", str(ports.apps)),
        *("--api-port", str(ports.api), "--aws-port", str(ports.aws)),
        *("--idp-url", identity_url, "--idp-client-secret-file", str(layout.idp_client_secret)),
    ]
    # Of the admin key the control plane gets the hash only.
    key = layout.secret(layout.admin_key, "cyg_")
    told = inherited | {"CYGNI_ADMIN_KEY_SHA256": hashlib.sha256(key.encode()).hexdigest()}
    module = "cygni.local.cluster"
    if programs is not None:
        module, cluster = "cygni.local.controlplane", ["--programs", str(programs), *cluster]
    children = [
        Child("cluster", module, cluster, inherited, logs / "cluster.log"),
        Child("gateway", "cygni.local.gateway", gateway, inherited, logs / "gateway.log"),
        Child("identity", "cygni.local.idp", identity, inherited, logs / "identity.log", early=True),
        Child("cloud", "cygni.local.cloud", cloud, told, logs / "cloud.log"),
    ]
    return children if kubeconfig is None else children[1:]

"""How clients find the server: a kubeconfig file.

For the embedded server the token stands in it twice. Clients of the official libraries send the user's bearer token. kubectl
sends bearer tokens over TLS only, and there is none on the loopback; the credentials in the server's address it does send (as
a password), and the libraries ignore those.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import yaml

CONTEXT = "cygni"


def write_kubeconfig(path: Path | str, port: int, token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig for the embedded server on a port of this machine; see `write_for` for how."""
    server = {"server": f"http://{CONTEXT}:{quote(token, safe='')}@127.0.0.1:{port}"}
    return write_for(path, server, token, namespace)


def write_tls_kubeconfig(path: Path | str, url: str, authority: bytes, token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig for a server with TLS, whose certificate this authority (PEM) has signed; see `write_for` for how."""
    server = {"server": url, "certificate-authority-data": base64.b64encode(authority).decode()}
    return write_for(path, server, token, namespace)


def write_for(path: Path | str, server: Mapping[str, str], token: str, namespace: str) -> Path:
    """Write a kubeconfig of one cluster and one user, readable by its owner only; in one step, so that nobody reads half of
    it."""
    path = Path(path)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": dict(server)}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}}],
        "current-context": CONTEXT,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(content, file, sort_keys=False)
    draft.replace(path)
    return path

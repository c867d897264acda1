"""Clients of clusters that were registered: made from an `Access`, without a kubeconfig on any disk.

A team names the address that Cygni connects to. So only https is spoken, the server must prove itself by the authority that
was registered with it, and its name must lead to public addresses, unless the installation vouches for the host.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from chalicelib.platform.errors import ClusterUnavailable, Failed
from chalicelib.platform.kube import READ_SECONDS, KubernetesCluster
from chalicelib.platform.kubeauth import Access, ClientCertificate, PostForm, Tokens
from chalicelib.platform.webhooks import judged_address


def connect(
    access: Access,
    *,
    known: bool,
    read_seconds: float = READ_SECONDS,
    post: PostForm | None = None,
    refused: Callable[[], None] | None = None,
) -> KubernetesCluster:
    """A client that asks for a new token whenever the last one ends. `known` hosts may be private. Nothing is sent yet.

    `refused` is called whenever the cluster does not take the credential.
    Raises Failed for an address that may not be reached, ClusterUnavailable for a name that leads nowhere now.
    """
    import urllib3
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration

    judge(access.server, known=known)
    configuration = Configuration(host=access.server, ca_cert_data=access.authority or None)
    configuration.retries = urllib3.Retry(0, read=False, respect_retry_after_header=False)
    configuration.proxy = None
    if not isinstance(access.credential, ClientCertificate):
        tokens = Tokens(access.credential, post)
        configuration.api_key["authorization"] = ""  # the client asks the hook for a key that it has
        configuration.refresh_api_key_hook = lambda each: each.api_key.update(authorization=f"Bearer {tokens.current()}")
    client = ApiClient(configuration=configuration)
    if isinstance(access.credential, ClientCertificate):
        _present(client, access.credential)
    return KubernetesCluster(client, read_seconds=read_seconds, refused=refused)


def judge(server: str, *, known: bool) -> None:
    """Whether this address may be reached now. Raises Failed or ClusterUnavailable."""
    parts = urlsplit(server)
    try:
        judged_address(parts.hostname or "", parts.port or 443, known=known)
    except OSError as error:
        raise ClusterUnavailable(f"The name {parts.hostname} leads nowhere ({type(error).__name__}).") from None
    except ValueError as error:
        remedy = "Have the operator of this installation name the host in CYGNI_CLUSTER_HOSTS."
        raise Failed(f"The cluster cannot be reached: {error}.", remedy=remedy) from None


def _present(client: Any, credential: ClientCertificate) -> None:
    """Has the client show a certificate. TLS reads one from files only: they are gone when this returns.

    Raises Failed when the two are not a certificate and its key.
    """
    context = ssl.create_default_context()
    with tempfile.TemporaryDirectory(prefix="cygni-") as folder:  # for this user alone
        paths = [os.path.join(folder, name) for name in ("certificate", "key")]
        for path, text in zip(paths, (credential.certificate, credential.key), strict=True):
            with open(path, "w") as file:
                file.write(text)
        try:
            context.load_cert_chain(*paths)
        except (ssl.SSLError, OSError):
            remedy = "Register the cluster again with both in PEM."
            raise Failed("The client certificate and its key do not belong together.", remedy=remedy) from None
    client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = context

"""What a team gives to register a cluster → how its API server is spoken to. Pure.

A kubeconfig is read for what it says, and never for what it would have done: programs that it would run, files that it would
read, proxies and unverified servers are refused by name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from chalicelib.platform.errors import FieldError, InvalidInput
from chalicelib.platform.kubeauth import (
    Access,
    BearerToken,
    ClientCertificate,
    Credential,
    EksRole,
    EntraClient,
    GoogleServiceAccount,
)
from chalicelib.platform.strict import parse_object

_PEM = re.compile(r"(?:-----BEGIN [A-Z ]{1,40}-----\r?\n[A-Za-z0-9+/=\r\n]+-----END [A-Z ]{1,40}-----\s*)+")
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_WHERE = "body.access."


def of_eks(server: str, authority: str, *, cluster: str, region: str, role: str | None, team: str, operator: bool) -> Access:
    """An EKS cluster. A team's own names a role, assumed with the team's id as external id; only the operator's need none.

    Otherwise a team could register a cluster that admits this installation itself, and reach it with its rights.
    """
    if role is None and not operator:
        raise _broken("role", "It is missing.", f"Name a role of your account that trusts Cygni with the external id {team}.")
    return _access(server, authority, EksRole(cluster, region, role or "", team if role else ""))


def of_gke(server: str, authority: str, *, service_account: str) -> Access:
    """A GKE cluster, by the JSON of a service account's key. Its token_uri is not followed: Google's own is used."""
    try:
        key = parse_object(service_account)
    except ValueError:
        key = {}
    email, number, pem = (key.get(name) for name in ("client_email", "private_key_id", "private_key"))
    if key.get("type") != "service_account" or not all(isinstance(each, str) for each in (email, number, pem)):
        raise _broken("service_account", "It is not the key of a service account.", "Paste the JSON that Google made, whole.")
    return _access(server, authority, GoogleServiceAccount(str(email), str(number), _pem(str(pem), "service_account")))


def of_aks(server: str, authority: str, *, tenant: str, client: str, secret: str) -> Access:
    """An AKS cluster with Entra ID, by an application's secret."""
    return _access(server, authority, EntraClient(tenant, client, secret))


def of_token(server: str, authority: str, *, token: str) -> Access:
    """Any cluster, by a bearer token."""
    if not _TOKEN.fullmatch(token):
        raise _broken("token", "It has characters that no token has.", "Paste it without spaces and line breaks.")
    return _access(server, authority, BearerToken(token))


def of_kubeconfig(text: str, context: str | None) -> Access:
    """Any cluster, by one context of a kubeconfig. Raises InvalidInput, naming what it cannot be used for."""
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        config = None
    if not isinstance(config, Mapping):
        raise _broken(
            "kubeconfig", "It is not a kubeconfig in YAML.", "Paste what `kubectl config view --raw --flatten` prints."
        )
    name = context or config.get("current-context")
    chosen = _named(config, "contexts", name, "context")
    cluster = _named(config, "clusters", chosen.get("cluster"), "cluster")
    user = _named(config, "users", chosen.get("user"), "user")
    for part, names in ((cluster, _UNSAFE_CLUSTER), (user, _UNSAFE_USER)):
        for each, remedy in names.items():
            if part.get(each):
                raise _broken("kubeconfig", f"It has {each}, which is not used here.", remedy)
    authority = _decoded(cluster, "certificate-authority-data")
    return _access(str(cluster.get("server") or ""), authority, _credential(user), field="kubeconfig")


_FLATTEN = "Print it with `kubectl config view --raw --flatten`, which puts files into it."
_NO_PROGRAM = "Use a token of a service account, or register the cluster as eks, gke or aks."
_UNSAFE_CLUSTER = {
    "insecure-skip-tls-verify": "Give the cluster's certificate-authority-data instead.",
    "certificate-authority": _FLATTEN,
    "proxy-url": "Clusters are reached directly.",
    "tls-server-name": "Use an address that the server's certificate names.",
}
_UNSAFE_USER = {
    "exec": _NO_PROGRAM,
    "auth-provider": _NO_PROGRAM,
    "username": _NO_PROGRAM,
    "tokenFile": _FLATTEN,
    "client-certificate": _FLATTEN,
    "client-key": _FLATTEN,
    "as": "Cygni acts as its own account.",
}


def _credential(user: Mapping[str, Any]) -> Credential:
    token = user.get("token")
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return BearerToken(token)
    certificate, key = _decoded(user, "client-certificate-data"), _decoded(user, "client-key-data")
    if not certificate or not key:
        raise _broken("kubeconfig", "Its user has neither a token nor a client certificate.", _NO_PROGRAM)
    return ClientCertificate(certificate, key)


def _named(config: Mapping[str, Any], plural: str, name: object, kind: str) -> Mapping[str, Any]:
    entries = config.get(plural)
    for each in entries if isinstance(entries, list) else ():
        if isinstance(each, Mapping) and each.get("name") == name and isinstance(each.get(kind), Mapping):
            found: Mapping[str, Any] = each[kind]
            return found
    raise _broken("kubeconfig", f"It has no {kind} named {str(name)[:100]}.", "Name a context that it has.")


def _decoded(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    if not value:
        return ""
    try:
        return _pem(base64.b64decode(str(value), validate=True).decode("ascii"), "kubeconfig")
    except (binascii.Error, ValueError):
        raise _broken("kubeconfig", f"Its {name} is not PEM in base64.", _FLATTEN) from None


def _access(server: str, authority: str, credential: Credential, field: str = "server") -> Access:
    try:
        parts = urlsplit(server)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme != "https" or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise _broken(field, "The server's address is not an https address.", "Write https://host or https://host:port.")
    return Access(server.rstrip("/"), authority_of(authority), credential)


def authority_of(text: str) -> str:
    """Certificates in PEM, or in base64 of it as clouds print them; empty stays empty. Raises InvalidInput."""
    if not text or "-----BEGIN" in text:
        return _pem(text, "certificate_authority") if text else ""
    try:
        return _pem(base64.b64decode("".join(text.split()), validate=True).decode("ascii"), "certificate_authority")
    except (binascii.Error, ValueError):
        remedy = "Paste the cluster's CA certificate."
        raise _broken("certificate_authority", "It is neither PEM nor base64 of it.", remedy) from None


def _pem(text: str, field: str) -> str:
    if not _PEM.fullmatch(text):
        raise _broken(field, "It is not PEM.", "Paste all of it, from -----BEGIN to the last -----END.")
    return text


def _broken(field: str, message: str, remedy: str) -> InvalidInput:
    return InvalidInput("The body breaks 1 rule.", fields=[FieldError(_WHERE + field, message, remedy)])

"""What the options of `cygni clusters add` say: how a cluster is reached, with its secret from a file or stdin."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from cygni.cli.errors import Usage


class Kind(StrEnum):
    """Who vouches for Cygni at the cluster."""

    EKS = "eks"
    GKE = "gke"
    AKS = "aks"
    TOKEN = "token"  # noqa: S105  # the name of a kind
    KUBECONFIG = "kubeconfig"


NEEDED: Mapping[Kind, tuple[str, ...]] = {
    Kind.EKS: ("server", "ca", "eks_cluster", "region"),
    Kind.GKE: ("server", "ca", "credential"),
    Kind.AKS: ("server", "ca", "tenant", "client", "credential"),
    Kind.TOKEN: ("server", "credential"),
    Kind.KUBECONFIG: ("kubeconfig",),
}
"""The options that each kind must have, by the names that they have in the command."""
_MORE: Mapping[Kind, tuple[str, ...]] = {Kind.EKS: ("role",), Kind.TOKEN: ("ca",), Kind.KUBECONFIG: ("kube_context",)}
_FIELDS = {
    "ca": "certificate_authority",
    "eks_cluster": "cluster",
    "kube_context": "context",
}


def access_of(kind: Kind, given: Mapping[str, str | None], stdin: str | None) -> dict[str, Any]:
    """The body's `access`. `stdin` is what an option whose value is `-` stands for. Raises Usage."""
    known = (*NEEDED[kind], *_MORE.get(kind, ()))
    missing = [name for name in NEEDED[kind] if not given.get(name)]
    if missing:
        raise Usage(f"A cluster of the kind {kind.value} needs {_options(missing)}.", remedy="Add what is missing.")
    foreign = [name for name, value in given.items() if value and name not in known]
    if foreign:
        raise Usage(f"A cluster of the kind {kind.value} has no {_options(foreign)}.", remedy=f"It has {_options(known)}.")
    values = {name: _value(name, str(value), stdin) for name, value in given.items() if value}
    return {"provider": kind.value, **{_field(kind, name): value for name, value in values.items()}}


def _field(kind: Kind, name: str) -> str:
    if name == "credential":
        return {Kind.GKE: "service_account", Kind.AKS: "secret"}.get(kind, "token")
    return _FIELDS.get(name, name)


def _value(name: str, value: str, stdin: str | None) -> str:
    if name not in ("ca", "credential", "kubeconfig"):
        return value
    text = stdin if value == "-" and stdin is not None else _file(name, Path(value).expanduser())
    return text.strip() if name == "credential" else text


def _file(name: str, path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Usage(f"{_options([name])} names {path}, which cannot be read: {reason}.", remedy="Name a text file.") from None


def _options(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join("--" + name.replace("_", "-") for name in names)

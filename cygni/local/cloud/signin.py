"""What sign-in needs on this machine: the control plane knows the local identity provider, and has a key to sign with."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from functions.catalog import Function

LOG = logging.getLogger("cloud")

CLIENT_ID = "cygni"
"""What the control plane is called at the local identity provider."""

ROTATION = "cygni-rotate-signing-keys"
"""The function that makes signing keys where there are none, and replaces those that are due."""


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Where the local identity provider is, and the secret that the control plane has there."""

    url: str
    client_secret: str = field(repr=False)


def providers_document(provider: IdentityProvider) -> str:
    """The providers that people may sign in with, as the secret named by `sign_in_secret` holds them.

    The same provider gives the same text, so that writing it again changes nothing.
    """
    client = {"client_id": CLIENT_ID, "client_secret": provider.client_secret}
    github = f"{provider.url}/github"
    providers = {
        "local": {"kind": "oidc", "title": "Local identity provider", "issuer": provider.url, **client},
        "local-github": {
            "kind": "github",
            "title": "GitHub (local stand-in)",
            **client,
            "authorize_url": f"{github}/login/oauth/authorize",
            "token_url": f"{github}/login/oauth/access_token",
            "api_url": f"{github}/api",
        },
    }
    return json.dumps({"providers": providers})


def ensure_signing_key(functions: Iterable[Function], run: Callable[[Function], Mapping[str, Any]]) -> None:
    """Runs the rotation of signing keys once, if the catalog has it, so that there is a key before anybody signs in.

    A rotation that fails is logged and no more: keys of last time still sign, and the schedule comes again.
    """
    rotation = next((each for each in functions if each.name == ROTATION), None)
    if rotation is None:
        return
    answer = run(rotation)
    if answer.get("error"):
        LOG.error("the signing keys could not be rotated: %s", answer["body"]["errorType"])

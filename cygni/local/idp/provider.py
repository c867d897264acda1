"""What all routes share: where the provider is, its client, its keys, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from cygni.local.idp.clients import Client
from cygni.local.idp.codes import Grant, Ledger
from cygni.local.idp.keys import SigningKey

Clock = Callable[[], float]
FORM = "application/x-www-form-urlencoded"
FIELD_LIMIT = 100


@dataclass(slots=True)
class Provider:
    """One running provider. `issuer` is its address, `now` gives Unix time, `request_token` is what a workflow's job holds."""

    issuer: str
    client: Client
    key: SigningKey
    workflow_key: SigningKey
    request_token: str = field(repr=False)
    now: Clock
    codes: Ledger = field(default_factory=Ledger)
    github_codes: Ledger = field(default_factory=lambda: Ledger("gho_"))


def answer(body: Mapping[str, Any] | list[dict[str, Any]], status: int = 200, **headers: str) -> web.Response:
    """A JSON answer. Underscores in header names stand for dashes."""
    return web.json_response(body, status=status, headers={name.replace("_", "-"): each for name, each in headers.items()})


async def form_of(request: web.Request) -> list[tuple[str, str]] | None:
    """The fields of a form in the order they came, repeated ones too; None when the body is no form."""
    if request.content_type != FORM:
        return None
    try:
        return parse_qsl((await request.read()).decode(), keep_blank_values=True, max_num_fields=FIELD_LIMIT)
    except ValueError:
        return None


def bearer_of(request: web.Request, *schemes: str) -> str | None:
    """The token in the Authorization header, by one of `schemes` in lower case; None when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() in (schemes or ("bearer",)) else None


def grant_of(request: web.Request, ledger: Ledger, now: float, *schemes: str) -> Grant | None:
    """What the request's access token is good for."""
    token = bearer_of(request, *schemes)
    return ledger.grant_of(token, now) if token is not None else None

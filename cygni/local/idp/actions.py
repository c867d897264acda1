"""A stand-in for the issuer of GitHub Actions' tokens, below `/actions`.

Whoever reaches it gets a token for any repository: it shows how federation behaves, and proves nothing. Local only.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cygni.local.idp.clients import RepeatedParameter, single
from cygni.local.idp.provider import Provider, answer, bearer_of
from cygni.local.idp.workflows import NotAJob, discovery, job_claims, read_job

_RUNNERS_OWN = ("api-version",)
"""Parameters that a runner's request URL has and that mean nothing here."""


class Actions:
    """The routes of the stand-in."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._issuer = f"{provider.issuer}/actions"
        self.routes = [
            web.get("/actions/.well-known/openid-configuration", self.metadata),
            web.get("/actions/.well-known/jwks", self.jwks),
            web.post("/actions/token", self.token),
            web.get("/actions/request", self.requested),
        ]

    async def metadata(self, _: web.Request) -> web.Response:
        """The metadata of the issuer."""
        return answer(discovery(self._issuer))

    async def jwks(self, _: web.Request) -> web.Response:
        """The key that workflows' tokens are checked with."""
        return answer({"keys": [self._provider.workflow_key.jwk()]})

    async def token(self, request: web.Request) -> web.Response:
        """A token for the job that a JSON object describes."""
        if request.content_type != "application/json":
            return _refused("The body must be application/json.", 415)
        try:
            given = json.loads(await request.read())
        except (ValueError, RecursionError):
            return _refused("The body is not JSON.")
        if not isinstance(given, dict):
            return _refused("The body must be a JSON object with the fields of a job.")
        return self._issue(given)

    async def requested(self, request: web.Request) -> web.Response:
        """A token as a job gets one: from ACTIONS_ID_TOKEN_REQUEST_URL, with ACTIONS_ID_TOKEN_REQUEST_TOKEN as bearer."""
        token = bearer_of(request) or ""
        if not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._provider.request_token.encode()):
            return _refused("The bearer token is not this provider's request token.", 401)
        try:
            given = single(request.query.items())
        except RepeatedParameter:
            return _refused("A parameter came more than once.")
        return self._issue({name: value for name, value in given.items() if name not in _RUNNERS_OWN})

    def _issue(self, given: Mapping[str, Any]) -> web.Response:
        try:
            job = read_job(given)
        except NotAJob as error:
            return _refused(str(error))
        claims = job_claims(job, self._issuer, int(self._provider.now()), secrets.token_hex(16))
        return answer({"value": self._provider.workflow_key.sign(claims)})


def _refused(message: str, status: int = 400) -> web.Response:
    return answer({"message": message}, status)

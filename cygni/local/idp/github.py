"""A stand-in for GitHub's sign-in, which is OAuth without OpenID: the same addresses below `/github`, the same answers.

As at GitHub, a code that is not taken is answered with status 200 and an error in the body, and as a form unless JSON is
asked for; a list of addresses needs the scope `user:email`, and is otherwise not found.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from cygni.local.idp.authorization import read_github
from cygni.local.idp.clients import NotAuthenticated, RepeatedParameter, authenticate, single
from cygni.local.idp.codes import Attempt, Grant, Refusal
from cygni.local.idp.door import Door
from cygni.local.idp.people import Person
from cygni.local.idp.provider import FORM, Provider, answer, bearer_of, form_of, grant_of

TITLE = "Sign in: GitHub (local stand-in)"
_ADDRESS_SCOPES = {"user", "user:email"}
_SCHEMES = ("bearer", "token")


class GitHub:
    """The routes of the stand-in."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        path = "/github/login/oauth/authorize"
        door = Door(path, TITLE, read_github, provider.client, provider.github_codes, provider.now, None)
        self.routes = [
            *door.routes,
            web.post("/github/login/oauth/access_token", self.token),
            web.get("/github/api/user", self.user),
            web.get("/github/api/user/emails", self.emails),
        ]

    async def token(self, request: web.Request) -> web.Response:
        """A code for an access token."""
        try:
            form = single(await form_of(request) or [])
            authenticate(request.headers.get("Authorization"), form, self._provider.client)
        except RepeatedParameter as error:
            return _said(request, {"error": "bad_request", "error_description": f"{error} came more than once."})
        except NotAuthenticated:
            told = "The client_id and/or client_secret passed are incorrect."
            return _said(request, {"error": "incorrect_client_credentials", "error_description": told})
        attempt = Attempt(self._provider.client.client_id, form.get("redirect_uri"), form.get("code_verifier"))
        redeemed = self._provider.github_codes.redeem(form.get("code", ""), attempt, self._provider.now())
        if isinstance(redeemed, Refusal):
            return _said(request, _refusal(redeemed))
        grant, token = redeemed
        return _said(request, {"access_token": token, "scope": ",".join(grant.scopes), "token_type": "bearer"})

    async def user(self, request: web.Request) -> web.Response:
        """Who the access token is about; `email` is null where the profile shows none."""
        grant = self._grant(request)
        return answer(_account(grant.person)) if grant is not None else _not_signed_in(request)

    async def emails(self, request: web.Request) -> web.Response:
        """All addresses of the person, with which is primary and which are verified."""
        grant = self._grant(request)
        if grant is None:
            return _not_signed_in(request)
        if not _ADDRESS_SCOPES & set(grant.scopes):
            return answer({"message": "Not Found", "status": "404"}, 404)
        return answer(
            [
                {
                    "email": each.email,
                    "primary": each.primary,
                    "verified": each.verified,
                    "visibility": ("public" if grant.person.public_email else "private") if each.primary else None,
                }
                for each in grant.person.addresses
            ]
        )

    def _grant(self, request: web.Request) -> Grant | None:
        return grant_of(request, self._provider.github_codes, self._provider.now(), *_SCHEMES)


def _account(person: Person) -> dict[str, Any]:
    return {
        "login": person.github_login,
        "id": person.github_id,
        "type": "User",
        "name": person.name,
        "email": person.public_email,
    }


def _refusal(refusal: Refusal) -> dict[str, str]:
    if refusal is Refusal.REDIRECT_URI:
        told = "The redirect_uri MUST match the registered callback URL for this application."
        return {"error": "redirect_uri_mismatch", "error_description": told}
    return {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}


def _not_signed_in(request: web.Request) -> web.Response:
    message = "Requires authentication" if bearer_of(request, *_SCHEMES) is None else "Bad credentials"
    return answer({"message": message, "status": "401"}, 401)


def _said(request: web.Request, body: dict[str, str]) -> web.Response:
    if "json" in request.headers.get("Accept", ""):
        return answer(body)
    return web.Response(text=urlencode(body), content_type=FORM, charset="utf-8")

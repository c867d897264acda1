"""The page where a person signs in, and the way back to the application: the same for OpenID Connect and for GitHub's OAuth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from cygni.local.idp.authorization import (
    Asked,
    Pairs,
    Reading,
    Refused,
    Untrusted,
    answer_url,
    origin_of,
)
from cygni.local.idp.clients import Client
from cygni.local.idp.codes import Grant, Ledger
from cygni.local.idp.pages import CANCEL, TYPED, choose_page, error_page, policy
from cygni.local.idp.people import NotAPerson, Person, known, typed
from cygni.local.idp.provider import Clock, form_of

Reader = Callable[[Pairs, Client], Reading]


class Door:
    """One authorization endpoint. `issuer` is told in its answers (RFC 9207), or None where the protocol has no such thing."""

    def __init__(
        self, path: str, title: str, read: Reader, client: Client, ledger: Ledger, now: Clock, issuer: str | None
    ) -> None:
        self._title: Final = title
        self._read: Final = read
        self._client: Final = client
        self._ledger: Final = ledger
        self._now: Final = now
        self._issuer: Final = issuer
        self.routes = [web.get(path, self.show, allow_head=False), web.post(path, self.decide)]

    async def show(self, request: web.Request) -> web.Response:
        """GET: the form."""
        asked = self._read(request.query.items(), self._client)
        return self._form(request, asked) if isinstance(asked, Asked) else self._refuse(asked)

    async def decide(self, request: web.Request) -> web.Response:
        """POST: signs the chosen person in. The query is the request once more, and judged once more."""
        asked = self._read(request.query.items(), self._client)
        if not isinstance(asked, Asked):
            return self._refuse(asked)
        fields = dict(await form_of(request) or [])
        if fields.get("choice") == CANCEL:
            description = "The person chose not to sign in."
            return self._refuse(Refused(asked.redirect_uri, asked.state, "access_denied", description))
        try:
            person = _person(fields)
        except NotAPerson as error:
            return self._form(request, asked, fields, str(error))
        return self._sign_in(asked, person)

    def _sign_in(self, asked: Asked, person: Person) -> web.Response:
        now = self._now()
        grant = Grant(
            person, asked.client_id, asked.redirect_uri, asked.scopes, int(now), challenge=asked.challenge, nonce=asked.nonce
        )
        parameters = {"code": self._ledger.issue_code(grant, now), "state": asked.state, "iss": self._issuer}
        return _redirect(answer_url(asked.redirect_uri, parameters))

    def _refuse(self, why: Untrusted | Refused) -> web.Response:
        if isinstance(why, Untrusted):
            return _page(error_page(self._title, why.reason), policy(), 400)
        parameters = {
            "error": why.error,
            "error_description": why.description,
            "state": why.state,
            "iss": self._issuer,
        }
        return _redirect(answer_url(why.redirect_uri, parameters))

    def _form(self, request: web.Request, asked: Asked, fields: dict[str, str] | None = None, wrong: str = "") -> web.Response:
        given = fields or {"email": asked.hint}
        text = choose_page(
            self._title, str(request.rel_url), email=given.get("email", ""), name=given.get("name", ""), wrong=wrong
        )
        # A browser holds the redirect that follows a form to form-action too, so the application's origin must be in it.
        return _page(text, policy(("'self'", origin_of(asked.redirect_uri))), 400 if wrong else 200)


def _person(fields: dict[str, str]) -> Person:
    choice = fields.get("choice", TYPED)
    if choice == TYPED:
        return typed(fields.get("email", ""), fields.get("name", ""), verified="unverified" not in fields)
    found = known(choice)
    if found is None:
        raise NotAPerson("Choose one of the people on this page, or type an address.")
    return found


def _page(text: str, content_policy: str, status: int) -> web.Response:
    headers = {"Content-Security-Policy": content_policy}
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)


def _redirect(url: str) -> web.Response:
    """303, so that no browser sends the form on to the application."""
    return web.Response(status=303, headers={"Location": url})

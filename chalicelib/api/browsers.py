"""Browsers that are signed in to our own pages: their cookies, and what proves that a form is one of ours.

Cookies are named by the scheme of the installation's address. Over https they are Secure and `__Host-`, which ties them to
this very host; over http, as on one machine, browsers would drop such cookies.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from chalicelib.api.routes import AnyCall
from chalicelib.identity.session_rules import BROWSER_LIFE
from chalicelib.identity.signin_rules import LIFE
from chalicelib.platform.errors import Forbidden, Unauthenticated
from chalicelib.platform.late import late
from chalicelib.platform.strict import encode_base64url

if TYPE_CHECKING:
    from chalicelib.identity import service as identity
else:
    identity = late("chalicelib.identity.service")

SIGN_IN, SESSION = "cygni-signin", "cygni-session"
_LIVES = {SIGN_IN: LIFE, SESSION: BROWSER_LIFE}


def read_cookie(call: AnyCall, name: str) -> str:
    """The value of a cookie of ours; empty when there is none, or when two disagree, one of which is then not ours."""
    full = _full(call, name)
    pairs = (each.strip().partition("=") for each in call.sender.cookies.split(";"))
    values = {value for found, _, value in pairs if found == full}
    return values.pop() if len(values) == 1 else ""


def new_cookie(call: AnyCall, name: str, value: str) -> str:
    """The Set-Cookie header that gives a browser a cookie of ours."""
    return _header(call, name, value, int(_LIVES[name].total_seconds()))


def no_cookie(call: AnyCall, name: str) -> str:
    """The Set-Cookie header that takes a cookie of ours away."""
    return _header(call, name, "", 0)


def visitor_of(call: AnyCall) -> identity.Visitor | None:
    """Who is signed in in the browser that asks; None for a stranger."""
    return identity.visitor(read_cookie(call, SESSION), call.now)


def signed_in(call: AnyCall) -> identity.Visitor:
    """Who is signed in in the browser that sends a form. Raises Unauthenticated."""
    who = visitor_of(call)
    if who is None:
        raise Unauthenticated("You are not signed in here (any more).", remedy="Open the page again and sign in.")
    return who


def csrf_of(who: identity.Visitor) -> str:
    """What the forms of a browser's session carry, so that no other site can send one in its name."""
    return encode_base64url(hmac.digest(who.secret.encode(), b"form", "sha256"))


def refuse_strange_form(call: AnyCall, who: identity.Visitor, csrf: str) -> None:
    """Raises Forbidden for a form that is not from a page of ours, made for this browser's session."""
    near = call.sender.site in ("", "same-origin", "none")
    if not near or not hmac.compare_digest(csrf.encode(), csrf_of(who).encode()):
        raise Forbidden("The form was not made for your sign-in.", remedy="Open the page again and send the form from there.")


def _full(call: AnyCall, name: str) -> str:
    return f"__Host-{name}" if _secure(call) else name


def _secure(call: AnyCall) -> bool:
    return call.world.settings.issuer.startswith("https:")


def _header(call: AnyCall, name: str, value: str, seconds: int) -> str:
    secure = "; Secure" if _secure(call) else ""
    return f"{_full(call, name)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"

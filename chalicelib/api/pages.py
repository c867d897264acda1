"""The pages that people see: signing in, approving a device, invitations. Plain HTML, with no script and nothing loaded.

Whatever comes from elsewhere is escaped where it is put in. The policy lets a page hold its own style, send its forms to us,
and nothing else; no page may be framed, kept, or tell another site where somebody came from.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from chalicelib.api.problems import Problem
from chalicelib.identity.signin_rules import DEVICE_PAGE, INVITATION_PAGE

if TYPE_CHECKING:
    from chalicelib.identity.service import Device, MyTeam, Offer, Provider, Visitor

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:4rem auto;padding:0 1rem;color:#1c2430;background:#fff}"
    "h1{font-size:1.4rem}code,.code{font-family:ui-monospace,monospace}.code{font-size:1.6rem;letter-spacing:.12em}"
    ".note{color:#566070;font-size:.9rem}.warn{border-left:.25rem solid #b45309;padding-left:.8rem}"
    "ul{list-style:none;padding:0}li{margin:.5rem 0}dt{color:#566070;font-size:.9rem}dd{margin:0 0 .6rem}"
    "input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem;margin:.3rem 0 1rem}"
    "a.choice,button{display:inline-block;font:inherit;padding:.5rem 1rem;margin:0 .5rem .5rem 0;cursor:pointer;"
    "border:1px solid #8a94a4;border-radius:.4rem;background:#f3f5f8;color:#1c2430;text-decoration:none}"
    "button.yes{background:#1d4ed8;border-color:#1d4ed8;color:#fff}"
    "@media (prefers-color-scheme:dark){body{color:#e6eaf0;background:#12161d}.note,dt{color:#a3adbb}"
    "a{color:#8ab4f8}a.choice,button{background:#232a35;color:#e6eaf0;border-color:#4a5566}}"
)


@cache
def page_headers() -> dict[str, str]:
    """The headers that every page has."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def choose_provider_page(title: str, sentence: str, providers: Iterable[Provider], then: str, *, after: str = "") -> str:
    """Asks whom to sign in with; afterwards the browser is back on the page `then`. `after` is HTML for the page's end."""
    links = "".join(
        f'<li><a class="choice" href="{escape(_login(each, then))}">Continue with {escape(each.title)}</a></li>'
        for each in providers
    )
    none = _note("Nobody can sign in here yet: the operator of this installation has not set up a sign-in provider.")
    return _page(title, f"<p>{escape(sentence)}</p>" + (f"<ul>{links}</ul>" if links else none) + after)


def enter_code_page(visitor: Visitor) -> str:
    """Asks for the code that a device shows."""
    return _page(
        "Sign in a device",
        f"{_signed_in(visitor)}<p>Type the code that <code>cygni login</code> shows.</p>"
        f'<form method="get" action="{DEVICE_PAGE}"><label>Code<input class="code" name="user_code" required maxlength="20" '
        'autocomplete="off" autocapitalize="characters" spellcheck="false" autofocus></label><button>Continue</button></form>',
    )


def approve_page(visitor: Visitor, device: Device, csrf: str, now: datetime) -> str:
    """Asks whether a device is to act in the visitor's name."""
    seconds = max(0, int((now - device.begun_at).total_seconds()))
    asked = f"{seconds // 60} min {seconds % 60} s ago" + (f", from the address {device.source}" if device.source else "")
    facts = (("Code", device.user_code), ("Device", device.device_name or "did not say its name"), ("Asked", asked))
    return _page(
        "Approve this device?",
        f"{_signed_in(visitor)}<dl>{_listed(facts)}</dl>"
        '<p class="warn">Approve it only if you have just run <code>cygni login</code> yourself, and it shows this very code. '
        "Whoever asked will be able to do in Cygni what you may do. If somebody sent you here, deny it.</p>"
        f'<form method="post" action="{DEVICE_PAGE}/decision">{_hidden(user_code=device.user_code, csrf=csrf)}'
        '<button class="yes" name="decision" value="approve">Approve</button>'
        '<button name="decision" value="deny">Deny</button>'
        '<button name="decision" value="leave">Use another account</button></form>',
    )


def decided_page(device: Device, *, approved: bool) -> str:
    """Says what became of the device."""
    name = escape(device.device_name or device.user_code)
    if approved:
        return _page("Approved", f"<p>{name} is signed in. You can close this page and go back to it.</p>")
    return _page("Denied", f"<p>{name} gets nothing. You can close this page.</p>")


def paste_invitation_page(visitor: Visitor, csrf: str) -> str:
    """Asks for an invitation's link: the part of it that counts is behind a #, which browsers keep to themselves."""
    return _page(
        "Join a team",
        f"{_signed_in(visitor)}<p>Paste the whole link that you were given.</p>{_invitation_form(csrf)}"
        '<label>Link<input name="token" required maxlength="600" autocomplete="off" spellcheck="false" autofocus></label>'
        f'<button name="answer" value="look">Continue</button></form>{_JOIN}',
    )


def stranger_invitation_page(providers: Iterable[Provider]) -> str:
    """Says what to do with an invitation's link to somebody who is not signed in."""
    return choose_provider_page(
        "You were invited to a team",
        "Sign in to accept; you are asked for the link once more, since browsers keep the part behind its # to themselves.",
        providers,
        INVITATION_PAGE,
        after=_JOIN,
    )


def offer_page(visitor: Visitor, offer: Offer, token: str, csrf: str) -> str:
    """Shows what an invitation offers, and asks whether to accept it."""
    places = ", ".join(f"{each.project}/{each.environment} as {each.role.value}" for each in offer.grant.scopes)
    facts = (("Team", offer.team_name), ("Your role", offer.grant.role.value), ("Where", places or "the whole team"))
    return _page(
        f"Join {offer.team_name}?",
        f"{_signed_in(visitor)}<dl>{_listed(facts)}</dl>{_invitation_form(csrf)}{_hidden(token=token)}"
        '<button class="yes" name="answer" value="join">Join</button></form>'
        f"{_note('If you do not want to, close this page.')}",
    )


def joined_page(team: MyTeam) -> str:
    """Says that somebody is a member now, and how to begin."""
    return _page(
        f"You are in {team.name}",
        f"<p>Your role there is {escape(team.role.value)}. In a terminal, <code>cygni login</code> signs you in, and "
        f"<code>cygni team switch {escape(team.id)}</code> chooses this team.</p>",
    )


def error_page(problem: Problem) -> str:
    """Says what went wrong and what to do, in the words of the problem."""
    fields = "".join(f"<li>{escape(each.field)}: {escape(each.message)}</li>" for each in problem.errors)
    return _page(
        problem.title,
        f"<p>{escape(problem.detail)}</p>{f'<ul>{fields}</ul>' if fields else ''}<p>{escape(problem.remedy)}</p>"
        f"{_note(f'Request {problem.instance}')}",
    )


def _login(provider: Provider, then: str) -> str:
    return "/v1/auth/login?" + urlencode({"provider": provider.name, "next": then})


def _signed_in(visitor: Visitor) -> str:
    shown = f"{visitor.name} ({visitor.email})" if visitor.email else visitor.name
    return _note(f"Signed in as {shown}.")


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _listed(facts: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)


def _invitation_form(csrf: str) -> str:
    return f'<form method="post" action="{INVITATION_PAGE}/answer">{_hidden(csrf=csrf)}'


_JOIN = (
    '<p class="note">Or in a terminal, after <code>cygni login</code>: <code>cygni team join LINK</code>, with the whole link. '
    "A link works once, and expires.</p>"
)


def _hidden(**values: str) -> str:
    return "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values.items())


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)} · Cygni</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )

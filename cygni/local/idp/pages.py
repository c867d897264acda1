"""The pages that people see: who is it, and what is wrong. No script, nothing loaded, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from cygni.local.idp.people import ADDRESS_LIMIT, KNOWN, NAME_LIMIT, Person

TYPED, CANCEL = "typed", "cancel"
"""Values of the field `choice`; any other is the address of a known person."""

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;color:#1c2430;background:#fff}"
    "h1{font-size:1.4rem}p.note{color:#5b6675;font-size:.9rem}p.wrong{color:#a11212}"
    "ul{list-style:none;padding:0}li{margin:.4rem 0}label{display:block;margin:.6rem 0}"
    "input[type=text],input[type=email]{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.4rem}"
    "button{font:inherit;padding:.4rem .9rem;cursor:pointer}span{color:#5b6675;margin-left:.6rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def policy(form_targets: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy of a page whose forms may lead to these origins, redirects included."""
    targets = " ".join(form_targets) or "'none'"
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )


def choose_page(title: str, action: str, *, email: str = "", name: str = "", wrong: str = "") -> str:
    """Asks who signs in. `action` is where the forms go; the rest is what was typed before, and what is wrong with it."""
    people = "".join(_person(each) for each in KNOWN)
    complaint = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    form = f'<form method="post" action="{escape(action)}">'
    return _page(
        title,
        f'<p class="note">This is a stand-in for tests on this machine. It asks for no password: choose who you are.</p>'
        f"{complaint}{form}<ul>{people}</ul></form>"
        f"<h2>Somebody else</h2>{form}"
        f'<label>Address <input type="email" name="email" value="{escape(email)}" maxlength="{ADDRESS_LIMIT}" required></label>'
        f'<label>Name <input type="text" name="name" value="{escape(name)}" maxlength="{NAME_LIMIT}"></label>'
        f'<label><input type="checkbox" name="unverified" value="yes"> Nobody has verified this address</label>'
        f'<button name="choice" value="{TYPED}">Sign in</button></form>'
        f'{form}<p><button name="choice" value="{CANCEL}">Cancel</button></p></form>',
    )


def error_page(title: str, reason: str) -> str:
    """Tells a person why nothing can be done, and that nothing was sent to anyone."""
    told = "Nothing was sent to the application. Go back to it and begin again; if this comes again, its settings are wrong."
    return _page(title, f'<p class="wrong" role="alert">{escape(reason)}</p><p class="note">{told}</p>')


def _person(person: Person) -> str:
    button = f'<button name="choice" value="{escape(person.email)}">{escape(person.name)}</button>'
    return f"<li>{button}<span>{escape(person.email)}</span></li>"


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )

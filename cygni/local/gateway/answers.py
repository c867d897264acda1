"""What the gateway says itself: a status and a sentence that tells what is the matter, as HTML for browsers, else JSON."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from http import HTTPStatus

from cygni.local.gateway.objects import Redirect
from cygni.local.gateway.table import SeriesKey

NOBODY = SeriesKey("", "", "")

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{status} {title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:34rem;padding:0 1rem}}small{{opacity:.6}}</style>
<h1>{status} {title}</h1><p>{detail}</p><small>Cygni gateway &middot; request {request_id}</small></html>
"""


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """The gateway answers itself: `status` with a sentence for the caller, counted for `key`."""

    status: int
    detail: str
    key: SeriesKey = NOBODY
    revision: str = ""


def reason(status: int) -> str:
    """The reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def refusal_body(refusal: Refusal, request_id: str, accept: str) -> tuple[bytes, bytes]:
    """The content type and body of a refusal for a caller that accepts `accept`."""
    title = reason(refusal.status)
    if "text/html" in accept:
        detail, shown = html.escape(refusal.detail), html.escape(request_id)
        page = _PAGE.format(status=refusal.status, title=title, detail=detail, request_id=shown)
        return b"text/html; charset=utf-8", page.encode()
    said = {"status": refusal.status, "title": title, "detail": refusal.detail, "request_id": request_id}
    return b"application/problem+json", json.dumps(said).encode() + b"\n"


def location(redirect: Redirect, host: str, target: str) -> str:
    """Where a redirect points for a request to this Host (with its port, if it came with one) and target."""
    scheme = redirect.scheme or "http"
    name, _, port = host.partition(":")
    shown = f":{redirect.port}" if redirect.port else (f":{port}" if port and not redirect.scheme and not redirect.host else "")
    if shown == {"http": ":80", "https": ":443"}.get(scheme):
        shown = ""
    _, mark, query = target.partition("?")
    path = redirect.path + mark + query if redirect.path else target
    return f"{scheme}://{redirect.host or name}{shown}{path}"

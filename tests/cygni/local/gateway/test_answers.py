from __future__ import annotations

import json

import pytest

from cygni.local.gateway.answers import Refusal, location, reason, refusal_body
from cygni.local.gateway.objects import Redirect


def test_programs_get_json_that_says_what_is_the_matter() -> None:
    kind, body = refusal_body(Refusal(503, "No pods."), "id-1", "*/*")
    assert kind == b"application/problem+json"
    assert json.loads(body) == {"status": 503, "title": "Service Unavailable", "detail": "No pods.", "request_id": "id-1"}


def test_browsers_get_a_page_without_the_requests_markup() -> None:
    kind, body = refusal_body(Refusal(404, "Nothing at <script>."), '"><script>', "text/html,*/*")
    assert kind.startswith(b"text/html")
    assert b"404 Not Found" in body
    assert b"<script" not in body


def test_an_unheard_of_status_has_a_reason_too() -> None:
    assert reason(299) == "Unknown"


@pytest.mark.parametrize(
    ("redirect", "where"),
    [
        (Redirect(301, scheme="https"), "https://shop.localhost/a?b=1"),
        (Redirect(302, host="x.y"), "http://x.y/a?b=1"),
        (Redirect(302, path="/new"), "http://shop.localhost:8080/new?b=1"),
        (Redirect(302, scheme="https", port=8443), "https://shop.localhost:8443/a?b=1"),
        (Redirect(302, scheme="https", port=443), "https://shop.localhost/a?b=1"),
    ],
)
def test_a_redirect_keeps_what_it_does_not_name(redirect: Redirect, where: str) -> None:
    assert location(redirect, "shop.localhost:8080", "/a?b=1") == where

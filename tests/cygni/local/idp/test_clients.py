from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest

from cygni.local.idp.clients import Client, NotAuthenticated, RepeatedParameter, authenticate, redirect_uri_fault, single

SECRET = "s3cret+of/the client:ü"
CLIENT = Client("cy gni", SECRET, ("http://127.0.0.1:1/callback",))


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{quote_plus(name)}:{quote_plus(secret)}".encode()).decode()


def test_a_client_proves_itself_in_the_header_or_in_the_body() -> None:
    authenticate(basic("cy gni", SECRET), {}, CLIENT)
    authenticate(basic("cy gni", SECRET), {"client_id": "cy gni"}, CLIENT)
    authenticate(None, {"client_id": "cy gni", "client_secret": SECRET}, CLIENT)


@pytest.mark.parametrize(
    ("header", "form"),
    [
        (None, {}),
        (None, {"client_id": "cy gni"}),
        (None, {"client_id": "cy gni", "client_secret": SECRET[:-1]}),
        (None, {"client_id": "other", "client_secret": SECRET}),
        (basic("cy gni", SECRET), {"client_id": "cy gni", "client_secret": SECRET}),
        (basic("cy gni", SECRET), {"client_id": "other"}),
        (basic("cy gni", "wrong"), {}),
        (basic("other", SECRET), {}),
        ("Bearer " + SECRET, {}),
        ("Basic", {}),
        ("Basic %%%", {}),
        ("Basic ü", {}),
        ("Basic " + base64.b64encode(b"no colon").decode(), {}),
        ("Basic " + base64.b64encode(b"\xff\xfe:x").decode(), {}),
    ],
)
def test_nothing_else_does_and_the_refusal_repeats_no_secret(header: str | None, form: dict[str, str]) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        authenticate(header, form, CLIENT)

    assert SECRET[:-1] not in str(refused.value)


def test_the_secret_is_in_no_printed_client() -> None:
    assert "s3cret" not in repr(CLIENT)


def test_a_parameter_may_come_once_and_an_empty_one_did_not_come() -> None:
    assert single([("a", "1"), ("b", "")]) == {"a": "1"}
    with pytest.raises(RepeatedParameter, match="a"):
        single([("a", "1"), ("a", "1")])


@pytest.mark.parametrize("uri", ["", "/callback", "callback", "javascript:alert(1)", "http://", "http://[", "http://a/#x"])
def test_a_redirect_uri_must_be_absolute_and_whole(uri: str) -> None:
    assert redirect_uri_fault(uri) is not None


def test_a_right_redirect_uri_has_no_fault() -> None:
    assert redirect_uri_fault("http://127.0.0.1:8787/v1/auth/callback?a=b") is None

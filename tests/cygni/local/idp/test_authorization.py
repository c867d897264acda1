from __future__ import annotations

import pytest

from cygni.local.idp.authorization import Asked, Refused, Untrusted, answer_url, read_github, read_oidc
from cygni.local.idp.clients import Client

URI = "http://127.0.0.1:8787/v1/auth/callback"
CLIENT = Client("cygni", "secret", (URI, "http://127.0.0.1:8787/other?keep=1"))
RIGHT = {
    "response_type": "code",
    "client_id": "cygni",
    "redirect_uri": URI,
    "scope": "openid email calendar",
    "state": "st4te",
    "nonce": "n0nce",
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}
Pairs = list[tuple[str, str]]


def asking(**changes: str | None) -> Pairs:
    """A right request but for `changes`; None leaves a parameter out."""
    return [(name, value) for name, value in {**RIGHT, **changes}.items() if value is not None]


def test_a_right_request_is_read_and_unknown_scopes_are_passed_over() -> None:
    asked = read_oidc(asking(), CLIENT)

    assert asked == Asked("cygni", URI, ("openid", "email"), "st4te", "n0nce", "c" * 43)


def test_state_and_nonce_may_be_left_out_and_an_address_suggested() -> None:
    asked = read_oidc(asking(state=None, nonce="", login_hint="ada@example.test"), CLIENT)

    assert asked == Asked("cygni", URI, ("openid", "email"), None, None, "c" * 43, "ada@example.test")


@pytest.mark.parametrize("read", [read_oidc, read_github])
@pytest.mark.parametrize(
    "pairs",
    [
        asking(client_id=None),
        asking(client_id="other"),
        asking(redirect_uri=URI + "/"),
        asking(redirect_uri=URI + "?a=b"),
        asking(redirect_uri=URI.upper()),
        asking(redirect_uri=URI.replace("127.0.0.1", "localhost")),
        asking(redirect_uri="http://127.0.0.1:8787@evil.example/v1/auth/callback"),
        asking(redirect_uri="http://127.0.0.1:8787/v1/auth/callback/../x"),
        asking(redirect_uri="javascript:alert(1)"),
        [*asking(), ("redirect_uri", URI)],
        [*asking(), ("client_id", "cygni")],
        [],
    ],
)
def test_nothing_is_sent_to_a_recipient_who_is_not_known(read: object, pairs: Pairs) -> None:
    assert callable(read)
    assert isinstance(read(pairs, CLIENT), Untrusted)


def test_only_github_lets_the_redirect_uri_be_left_out() -> None:
    github = read_github(asking(redirect_uri=None), CLIENT)

    assert isinstance(read_oidc(asking(redirect_uri=None), CLIENT), Untrusted)
    assert isinstance(github, Asked)
    assert github.redirect_uri == URI


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        (asking(response_type=None), "invalid_request"),
        (asking(response_type="token"), "unsupported_response_type"),
        (asking(response_type="code id_token"), "unsupported_response_type"),
        (asking(response_mode="fragment"), "invalid_request"),
        (asking(scope=None), "invalid_scope"),
        (asking(scope="email profile"), "invalid_scope"),
        (asking(code_challenge=None), "invalid_request"),
        (asking(code_challenge="short"), "invalid_request"),
        (asking(code_challenge_method=None), "invalid_request"),
        (asking(code_challenge_method="plain"), "invalid_request"),
        (asking(code_challenge=None, code_challenge_method=None), "invalid_request"),
        (asking(prompt="none"), "login_required"),
        (asking(prompt="none login"), "invalid_request"),
        (asking(request="eyJ"), "request_not_supported"),
        (asking(request_uri="http://x"), "request_uri_not_supported"),
        (asking(registration="{}"), "registration_not_supported"),
        ([*asking(), ("nonce", "n0nce")], "invalid_request"),
        ([*asking(), ('"ü"\n', ""), ('"ü"\n', "")], "invalid_request"),
    ],
)
def test_a_fault_of_a_known_client_is_told_to_it_with_its_state(pairs: Pairs, error: str) -> None:
    refused = read_oidc(pairs, CLIENT)

    assert isinstance(refused, Refused)
    assert (refused.redirect_uri, refused.state, refused.error) == (URI, "st4te", error)
    assert all(each in " !" or "#" <= each <= "~" for each in refused.description), "RFC 6749, 4.1.2.1"


def test_of_two_states_neither_is_passed_back() -> None:
    refused = read_oidc([*asking(), ("state", "other")], CLIENT)

    assert isinstance(refused, Refused)
    assert refused.state is None


def test_github_verifies_a_challenge_where_one_comes() -> None:
    without = read_github(asking(code_challenge=None, code_challenge_method=None, scope="read:user,user:email"), CLIENT)
    plain = read_github(asking(code_challenge_method="plain"), CLIENT)

    assert isinstance(without, Asked)
    assert (without.challenge, without.scopes) == (None, ("read:user", "user:email"))
    assert isinstance(plain, Refused)


def test_an_answer_keeps_the_query_that_a_redirect_uri_has() -> None:
    assert answer_url("http://a/b?keep=1", {"code": "x y&z", "state": None}) == "http://a/b?keep=1&code=x+y%26z"
    assert answer_url("http://a/b", {"code": "x"}) == "http://a/b?code=x"

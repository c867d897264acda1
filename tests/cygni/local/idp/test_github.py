from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.cygni.local.idp.conftest import SECRET, App, Clock, callback

AUTHORIZE = "/github/login/oauth/authorize"
NO_PKCE: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


def code_of(app: App, button: str = "Ada", **changes: str | None) -> str:
    asked: dict[str, str | None] = {"scope": "read:user user:email", "response_type": None, "nonce": None}
    return app.sign_in(button, AUTHORIZE, **(asked | changes))["code"]


def trade(app: App, code: str | None, *, accept: str = "application/json", **changes: str | None) -> httpx.Response:
    right: dict[str, str | None] = {
        "client_id": "cygni",
        "client_secret": SECRET,
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": app.verifier,
    }
    form = {name: value for name, value in (right | changes).items() if value is not None}
    return app.post("/github/login/oauth/access_token", form, Accept=accept)


def ask(app: App, path: str, token: str, scheme: str = "Bearer") -> httpx.Response:
    return app.get(f"/github/api{path}", Authorization=f"{scheme} {token}")


def signed_in(app: App, button: str, **changes: str | None) -> str:
    return str(trade(app, code_of(app, button, **changes)).json()["access_token"])


def test_a_person_signs_in_and_is_known_by_number_login_and_addresses(app: App) -> None:
    answered = trade(app, code_of(app)).json()
    token = answered["access_token"]

    assert (answered["token_type"], answered["scope"]) == ("bearer", "read:user,user:email")
    user = ask(app, "/user", token).json()
    assert (user["login"], user["name"], user["email"]) == ("ada", "Ada", "ada@example.test")
    assert isinstance(user["id"], int)
    assert ask(app, "/user", token, "token").json() == user
    assert ask(app, "/user/emails", token).json() == [
        {"email": "ada@example.test", "primary": True, "verified": True, "visibility": "public"}
    ]


def test_the_answer_says_nothing_of_an_issuer_as_github_does_not(app: App) -> None:
    assert set(app.sign_in("Ada", AUTHORIZE)) == {"code", "state"}


def test_a_profile_may_show_no_address(app: App) -> None:
    token = signed_in(app, "Linus")

    assert ask(app, "/user", token).json()["email"] is None
    assert [each["email"] for each in ask(app, "/user/emails", token).json()] == ["linus@example.test"]


def test_addresses_say_which_are_verified(app: App) -> None:
    listed = ask(app, "/user/emails", signed_in(app, "Grace")).json()

    assert [(each["email"], each["primary"], each["verified"]) for each in listed] == [
        ("grace@example.test", True, True),
        ("grace@navy.example.test", False, False),
    ]


def test_a_typed_person_may_have_nothing_verified(app: App) -> None:
    page = app.open(AUTHORIZE, scope="user:email")
    code = callback(page.submit({"email": "eve@example.test", "unverified": True}, button="Sign in"))["code"]
    token = trade(app, code).json()["access_token"]

    assert ask(app, "/user", token).json()["email"] is None
    assert [each["verified"] for each in ask(app, "/user/emails", token).json()] == [False]


def test_addresses_want_their_scope(app: App) -> None:
    token = signed_in(app, "Ada", scope="read:user")

    assert ask(app, "/user", token).status_code == 200
    assert ask(app, "/user/emails", token).status_code == 404


def test_cancelling_is_told_to_the_application(app: App) -> None:
    assert callback(app.open(AUTHORIZE).submit(button="Cancel"))["error"] == "access_denied"


def test_pkce_and_the_redirect_uri_may_be_left_out(app: App) -> None:
    code = code_of(app, redirect_uri=None, **NO_PKCE)

    assert "access_token" in trade(app, code, redirect_uri=None, code_verifier=None).json()


def test_without_json_asked_for_it_answers_with_a_form(app: App) -> None:
    answer = trade(app, code_of(app), accept="*/*")

    assert answer.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert dict(parse_qsl(answer.text))["token_type"] == "bearer"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 43}, "bad_verification_code"),
        ({"code_verifier": None}, "bad_verification_code"),
        ({"code": "unknown"}, "bad_verification_code"),
        ({"code": None}, "bad_verification_code"),
        ({"redirect_uri": "http://127.0.0.1:1/elsewhere"}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"client_id": "other"}, "incorrect_client_credentials"),
    ],
)
def test_a_wrong_trade_is_refused_with_status_200_as_github_does(app: App, change: dict[str, Any], error: str) -> None:
    answer = trade(app, **{"code": code_of(app), **change})

    assert (answer.status_code, answer.json()["error"]) == (200, error)
    assert "access_token" not in answer.json()


def test_a_verifier_where_no_challenge_came_is_refused(app: App) -> None:
    assert trade(app, code_of(app, **NO_PKCE)).json()["error"] == "bad_verification_code"


def test_a_code_is_good_once_and_for_a_minute(app: App, clock: Clock) -> None:
    used, late = code_of(app), code_of(app)
    token = trade(app, used).json()["access_token"]

    assert trade(app, used).json()["error"] == "bad_verification_code"
    assert ask(app, "/user", token).status_code == 401
    clock.time += 60
    assert trade(app, late).json()["error"] == "bad_verification_code"


def test_an_access_token_of_the_openid_provider_is_none_here(app: App) -> None:
    assert ask(app, "/user", app.tokens()["access_token"]).status_code == 401


@pytest.mark.parametrize("path", ["/user", "/user/emails"])
@pytest.mark.parametrize(
    ("header", "message"), [({}, "Requires authentication"), ({"Authorization": "token x"}, "Bad credentials")]
)
def test_nothing_is_told_without_an_access_token(app: App, path: str, header: dict[str, str], message: str) -> None:
    answer = app.get(f"/github/api{path}", **header)

    assert (answer.status_code, answer.json()["message"]) == (401, message)


def test_an_unknown_recipient_gets_nothing(app: App) -> None:
    assert app.open(AUTHORIZE, redirect_uri="http://127.0.0.1:1/elsewhere").status == 400

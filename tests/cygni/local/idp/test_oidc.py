from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
import pytest

from cygni.local.idp.forms import read_page
from tests.cygni.local.idp.conftest import SECRET, App, Clock, callback

HOSTILE = '"><script>alert(1)</script>'


def checked(app: App, token: str, now: float, **options: Any) -> dict[str, Any]:
    """The claims of an ID token as another library reads them, all that a client must check checked; the clock is ours."""
    jwks = app.get("/jwks").json()
    key = jwt.PyJWKSet.from_dict(jwks)[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience="cygni",
        issuer=app.issuer,
        options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"], "verify_exp": False, "verify_iat": False, **options},
    )
    assert claims["iat"] <= now < claims["exp"]
    return claims


def test_the_metadata_leads_to_everything_else(app: App) -> None:
    told = app.get("/.well-known/openid-configuration").json()

    assert told["issuer"] == app.issuer
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert app.http.get(told["jwks_uri"]).json()["keys"][0]["alg"] == "RS256"
    assert app.browser.open(f"{told['authorization_endpoint']}?{urlencode(app.request())}").status == 200
    assert app.http.post(told["token_endpoint"]).status_code == 400
    assert app.http.get(told["userinfo_endpoint"]).status_code == 401


def test_a_person_signs_in_and_is_who_the_id_token_says(app: App, clock: Clock) -> None:
    answered = app.sign_in("Ada")
    told = app.trade(answered["code"])

    assert (answered["state"], answered["iss"]) == ("st4te", app.issuer)
    assert told.headers["Cache-Control"] == "no-store"
    assert {name: told.json()[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "openid profile email",
    }
    claims = checked(app, told.json()["id_token"], clock())
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("ada@example.test", True, "Ada")
    assert (claims["nonce"], claims["auth_time"]) == ("n0nce", int(clock()))
    userinfo = app.get("/userinfo", Authorization=f"Bearer {told.json()['access_token']}").json()
    assert userinfo == {name: claims[name] for name in ("sub", "email", "email_verified", "name")}


def test_the_subject_of_a_person_is_always_the_same(app: App, clock: Clock) -> None:
    subjects = [checked(app, app.tokens(name)["id_token"], clock())["sub"] for name in ("Ada", "Ada", "Grace", "Linus")]

    assert subjects[0] == subjects[1]
    assert len(set(subjects)) == 3


def test_anybody_can_be_typed_and_need_not_be_vouched_for(app: App, clock: Clock) -> None:
    page = app.open().submit({"email": "eve@example.test", "name": "Eve", "unverified": True}, button="Sign in")

    claims = checked(app, app.trade(callback(page)["code"]).json()["id_token"], clock())
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("eve@example.test", False, "Eve")


def test_only_what_was_asked_for_is_told(app: App, clock: Clock) -> None:
    told = app.tokens("Ada", scope="openid", nonce=None)

    claims = checked(app, told["id_token"], clock(), require=["iss", "sub"])
    assert not {"email", "name", "nonce"} & set(claims)
    assert set(app.get("/userinfo", Authorization=f"Bearer {told['access_token']}").json()) == {"sub"}


def test_a_client_may_send_its_secret_by_http_basic(app: App) -> None:
    credentials = base64.b64encode(f"cygni:{quote_plus(SECRET)}".encode()).decode()
    form = {
        "grant_type": "authorization_code",
        "code": app.sign_in()["code"],
        "redirect_uri": app.redirect_uri,
        "code_verifier": app.verifier,
    }

    assert app.post("/token", form, Authorization=f"Basic {credentials}").status_code == 200


def test_cancelling_is_told_to_the_application(app: App) -> None:
    answered = callback(app.open().submit(button="Cancel"))

    assert (answered["error"], answered["state"], answered["iss"]) == ("access_denied", "st4te", app.issuer)
    assert "code" not in answered


def test_a_fault_of_the_application_is_told_to_it(app: App) -> None:
    answered = callback(app.open(code_challenge_method="plain"))

    assert (answered["error"], answered["state"], answered["iss"]) == ("invalid_request", "st4te", app.issuer)


def test_no_answer_has_a_state_that_did_not_come(app: App) -> None:
    assert "state" not in app.sign_in(state=None)


@pytest.mark.parametrize("change", [{"redirect_uri": "http://127.0.0.1:1/elsewhere"}, {"client_id": "other"}])
def test_an_unknown_recipient_gets_nothing_and_the_person_a_page(app: App, change: dict[str, str]) -> None:
    shown = app.open(**change)
    posted = app.http.post(f"{app.issuer}/authorize?{urlencode(app.request(**change))}", data={"choice": "ada@example.test"})

    assert (shown.status, shown.forms) == (400, [])
    assert "Nothing was sent" in shown.text
    assert posted.status_code == 400
    assert "Location" not in posted.headers


def test_the_request_is_judged_again_when_the_form_comes(app: App) -> None:
    """What was shown and what is sent need not be the same."""
    url = f"{app.issuer}/authorize?{urlencode(app.request(scope='email'))}"

    answered = app.http.post(url, data={"choice": "ada@example.test"})

    assert "error=invalid_scope" in answered.headers["Location"]


@pytest.mark.parametrize(
    ("change", "error", "status"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant", 400),
        ({"code_verifier": None}, "invalid_grant", 400),
        ({"redirect_uri": "http://127.0.0.1:1/elsewhere"}, "invalid_grant", 400),
        ({"redirect_uri": None}, "invalid_grant", 400),
        ({"code": "unknown"}, "invalid_grant", 400),
        ({"code": None}, "invalid_request", 400),
        ({"grant_type": None}, "invalid_request", 400),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type", 400),
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"client_secret": "wrong"}, "invalid_client", 401),
        ({"client_secret": None}, "invalid_client", 401),
        ({"client_id": "other"}, "invalid_client", 401),
    ],
)
def test_every_wrong_trade_is_refused_by_name(app: App, change: dict[str, str | None], error: str, status: int) -> None:
    answer = app.trade(**{"code": app.sign_in()["code"], **change})

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert answer.headers["Cache-Control"] == "no-store"
    assert SECRET not in answer.text


def test_another_registered_redirect_uri_is_not_the_one_of_the_code(app: App, callback_origin: str) -> None:
    code = app.sign_in(redirect_uri=f"{callback_origin}/other?keep=1")["code"]

    assert app.trade(code).json()["error"] == "invalid_grant"


def test_a_code_is_good_once_and_its_second_use_ends_the_first_token(app: App) -> None:
    code = app.sign_in()["code"]
    token = app.trade(code).json()["access_token"]
    assert app.get("/userinfo", Authorization=f"Bearer {token}").status_code == 200

    again = app.trade(code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert app.get("/userinfo", Authorization=f"Bearer {token}").status_code == 401


def test_a_code_is_over_after_a_minute(app: App, clock: Clock) -> None:
    code = app.sign_in()["code"]

    clock.time += 60

    assert app.trade(code).json()["error"] == "invalid_grant"


def test_a_code_of_githubs_is_none_here(app: App) -> None:
    code = app.sign_in(path="/github/login/oauth/authorize")["code"]

    assert app.trade(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"grant_type=authorization_code&grant_type=authorization_code", "application/x-www-form-urlencoded"),
        (b'{"grant_type": "authorization_code"}', "application/json"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"a=1&" * 200, "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_is_an_invalid_request(app: App, body: bytes, kind: str) -> None:
    answer = app.http.post(f"{app.issuer}/token", content=body, headers={"Content-Type": kind})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ({}, "Bearer"),
        ({"Authorization": "Bearer nonsense"}, 'Bearer error="invalid_token"'),
        ({"Authorization": "x"}, "Bearer"),
    ],
)
def test_userinfo_is_for_access_tokens(app: App, header: dict[str, str], challenge: str) -> None:
    answer = app.get("/userinfo", **header)

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, challenge)


def test_an_access_token_is_over_after_an_hour(app: App, clock: Clock) -> None:
    token = app.tokens()["access_token"]

    clock.time += 3600

    assert app.get("/userinfo", Authorization=f"Bearer {token}").status_code == 401


def test_whatever_is_typed_is_shown_as_text(app: App) -> None:
    page = app.open(login_hint=HOSTILE, state=HOSTILE)
    again = page.submit({"email": "nobody", "name": HOSTILE}, button="Sign in")

    assert [each.value for form in page.forms for each in form.fields if each.name == "email"] == [HOSTILE]
    assert again.status == 400
    assert "not one of mail" in again.text
    assert [each.value for form in again.forms for each in form.fields if each.name == "name"] == [HOSTILE]
    for each in (page, again):
        assert "<script" not in each.body
        assert [len(form.buttons) for form in read_page(each.body).forms] == [3, 1, 1]
    assert callback(again.submit({"email": "eve@example.test"}, button="Sign in"))["state"] == HOSTILE


def test_a_hostile_name_goes_whole_into_the_token_and_nowhere_else(app: App, clock: Clock) -> None:
    page = app.open().submit({"email": "eve@example.test", "name": HOSTILE}, button="Sign in")

    assert checked(app, app.trade(callback(page)["code"]).json()["id_token"], clock())["name"] == HOSTILE


def test_a_page_may_run_nothing_load_nothing_and_be_framed_by_nobody(app: App, callback_origin: str) -> None:
    page = app.open()

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert f"form-action 'self' {callback_origin};" in policy
    assert "script-src" not in policy
    assert "unsafe-inline" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"


def test_the_style_is_the_one_that_the_policy_names(app: App) -> None:
    import hashlib

    page = app.open()
    style = page.body.partition("<style>")[2].partition("</style>")[0]

    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["Content-Security-Policy"]


def test_a_person_who_is_not_on_the_page_is_not_taken(app: App) -> None:
    url = f"{app.issuer}/authorize?{urlencode(app.request())}"

    answer = app.http.post(url, data={"choice": "mallory@example.test"})

    assert answer.status_code == 400
    assert "Choose one of the people" in answer.text

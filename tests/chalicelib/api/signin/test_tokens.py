"""The token endpoint, and the ends of a session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.identity.session_rules import begun
from cygni.local.idp.browser import Browser
from tests.support.signin import FORM, Site, Terminal, seat, unseat
from tests.support.world import KEY

TEAM, OTHER = "team_01J11111111111111111111111", "team_01J22222222222222222222222"


@pytest.fixture
def ada(terminal: Terminal, browser: Browser) -> Terminal:
    """Ada's device, signed in, with her as Owner of TEAM."""
    terminal.sign_in(browser)
    seat(terminal.user, TEAM, "owner")
    assert terminal.refresh(team=TEAM).status_code == 200
    return terminal


def test_each_use_of_a_refresh_token_gives_another(ada: Terminal) -> None:
    seen = {ada.tokens["refresh_token"]}
    for _ in range(3):
        ada.site.fakes.clock.sleep(900)
        assert ada.refresh().status_code == 200
        seen.add(ada.tokens["refresh_token"])

    assert len(seen) == 4


def test_the_same_refresh_within_ten_seconds_gives_the_same_answer_again(ada: Terminal) -> None:
    old = ada.tokens["refresh_token"]
    first = ada.refresh().json()
    ada.site.fakes.clock.sleep(10)

    again = ada.token(grant_type="refresh_token", refresh_token=old)

    assert again.json()["refresh_token"] == first["refresh_token"]
    assert ada.call("GET", "/v1/whoami", token=again.json()["access_token"]).status_code == 200


def test_a_refresh_token_that_comes_again_later_ends_its_whole_family(ada: Terminal) -> None:
    old = ada.tokens["refresh_token"]
    ada.refresh()
    ada.site.fakes.clock.sleep(10.1)

    stolen = ada.token(grant_type="refresh_token", refresh_token=old)

    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert ada.refresh().json()["error"] == "invalid_grant"
    assert ada.call("POST", "/v1/projects", {"name": "hello"}).status_code == 401


def test_one_of_long_ago_ends_it_too(ada: Terminal) -> None:
    oldest = ada.tokens["refresh_token"]
    for _ in range(5):
        ada.refresh()

    assert ada.token(grant_type="refresh_token", refresh_token=oldest).json()["error"] == "invalid_grant"
    assert ada.refresh().json()["error"] == "invalid_grant"


def test_the_end_of_a_family_is_in_the_team_s_audit_trail(ada: Terminal, other_browser: Browser) -> None:
    other = Terminal(ada.site)
    other.sign_in(other_browser)
    old = ada.tokens["refresh_token"]
    ada.refresh()
    ada.site.fakes.clock.sleep(11)
    ada.token(grant_type="refresh_token", refresh_token=old)

    newest = other.call("GET", "/v1/audit").json()["items"][0]

    assert (newest["operation"], newest["actor"]) == ("revoke_session", other.user)
    assert newest["resource"].startswith("me/sessions/ses_")


def test_whoever_only_knows_the_ids_of_a_session_cannot_end_it(ada: Terminal) -> None:
    prefix = ada.tokens["refresh_token"][:-43]
    for guess in ("A" * 43, "x" * 42 + "8", ada.device["device_code"]):
        assert ada.token(grant_type="refresh_token", refresh_token=prefix + guess).json()["error"] == "invalid_grant"

    assert ada.refresh().status_code == 200


@pytest.mark.parametrize("token", ["x", "cyr_", "cyg_test-key", "cyr_" + "0" * 26 + "_" + "0" * 26 + "_" + "A" * 43, "é"])
def test_what_is_no_refresh_token_is_refused_like_any_other(site: Site, token: str) -> None:
    answer = Terminal(site).token(grant_type="refresh_token", refresh_token=token)

    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_grant", "invalid_request")


def test_a_browser_s_cookie_is_no_refresh_token(site: Site, browser: Browser) -> None:
    browser.open(f"{site.url}/v1/auth/login?provider=local").submit(button="Ada")
    cookie = next(each.value for each in browser.cookies(site.url) if each.name == "cygni-session")

    for token in (cookie, cookie.replace("cyb_", "cyr_")):
        assert Terminal(site).token(grant_type="refresh_token", refresh_token=token).json()["error"] == "invalid_grant"


def test_a_browser_s_session_cannot_be_ended_by_a_token_that_is_made_up(site: Site, browser: Browser) -> None:
    """A browser's session has no pepper, and so nothing that a refresh token could be made with."""
    browser.open(f"{site.url}/v1/auth/login?provider=local").submit(button="Ada")
    cookie = next(each.value for each in browser.cookies(site.url) if each.name == "cygni-session")
    _, forged = begun(b"", b"s" * 16, site.fakes.clock())

    answer = Terminal(site).token(grant_type="refresh_token", refresh_token=cookie[:-43].replace("cyb_", "cyr_") + forged)

    assert answer.json()["error"] == "invalid_grant"
    assert "Signed in as Ada" in browser.open(f"{site.url}/v1/auth/device").text


def test_a_refresh_token_is_no_browser_s_cookie(ada: Terminal, other_browser: Browser) -> None:
    token = ada.tokens["refresh_token"]
    for value in (token, token.replace("cyr_", "cyb_")):
        answer = ada.site.http.get(f"{ada.site.url}/v1/auth/device", headers={"Cookie": f"cygni-session={value}"})
        assert "Continue with Local" in answer.text


def test_a_session_lives_thirty_days_from_its_last_use(ada: Terminal) -> None:
    ada.site.fakes.clock.sleep(30 * 86400 - 1)
    assert ada.refresh().status_code == 200
    ada.site.fakes.clock.sleep(30 * 86400)

    assert ada.refresh().json()["error"] == "invalid_grant"


def test_a_session_lives_ninety_days_at_most(ada: Terminal) -> None:
    for _ in range(3):
        ada.site.fakes.clock.sleep(29 * 86400)
        assert ada.refresh().status_code == 200
    ada.site.fakes.clock.sleep(3 * 86400)

    assert ada.refresh().json()["error"] == "invalid_grant"


def test_a_refresh_switches_to_a_team_of_the_person_s(ada: Terminal) -> None:
    seat(ada.user, OTHER, "viewer", name="Other")

    assert ada.refresh(team=OTHER).json()["team"] == OTHER
    assert ada.call("GET", "/v1/whoami").json()["role"] == "viewer"
    assert ada.refresh().json()["team"] == OTHER


@pytest.mark.parametrize("team", [OTHER, "team_01J99999999999999999999999", "x"])
def test_a_team_that_is_not_the_person_s_is_refused_as_one_that_is_not_there(ada: Terminal, team: str) -> None:
    seat("usr_01J00000000000000000000001", OTHER, "owner")
    before = ada.tokens["refresh_token"]

    refused = ada.refresh(team=team)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert refused.json()["detail"] == "You are not a member of that team, or there is none."
    assert ada.tokens["refresh_token"] == before
    assert ada.refresh().json()["team"] == TEAM


def test_a_team_of_another_region_is_served_elsewhere(ada: Terminal) -> None:
    seat(ada.user, OTHER, "owner", region="us-test-9")
    ada.site.fakes.settings = replace(ada.site.fakes.settings, regions="us-test-9=https://us.cygni.test")

    refused = ada.refresh(team=OTHER)

    assert (refused.status_code, refused.json()["code"]) == (421, "wrong-region")
    assert refused.json()["remedy"] == "Use https://us.cygni.test."
    assert ada.refresh().json()["team"] == TEAM


def test_a_token_made_in_another_region_is_sent_there(ada: Terminal) -> None:
    ada.site.fakes.settings = replace(ada.site.fakes.settings, region="us-test-9")

    assert ada.call("GET", "/v1/whoami").status_code == 421


def test_whoever_was_removed_from_the_team_stands_nowhere_after_the_next_refresh(ada: Terminal) -> None:
    unseat(ada.user, TEAM)

    assert ada.refresh().json()["team"] == ""
    assert ada.call("GET", "/v1/projects").status_code == 403
    assert ada.call("GET", "/v1/whoami").json()["team"] == ""


def test_logging_out_ends_the_refresh_token_and_all_changes_at_once(ada: Terminal) -> None:
    assert ada.call("POST", "/v1/auth/logout").status_code == 204

    assert ada.refresh().json()["error"] == "invalid_grant"
    refused = ada.call("POST", "/v1/projects", {"name": "hello"})
    assert (refused.status_code, refused.json()["detail"]) == (401, "You have signed out here.")
    assert ada.call("POST", "/v1/auth/logout").status_code == 204


def test_logging_out_on_one_device_leaves_the_others(ada: Terminal, other_browser: Browser) -> None:
    other = Terminal(ada.site)
    other.sign_in(other_browser)

    ada.call("POST", "/v1/auth/logout")

    assert other.call("POST", "/v1/projects", {"name": "hello"}).status_code == 201
    assert other.refresh().status_code == 200


def test_logging_out_without_a_team_works_too(terminal: Terminal, browser: Browser) -> None:
    terminal.sign_in(browser)

    assert terminal.call("POST", "/v1/auth/logout", **{"Idempotency-Key": "k"}).status_code == 204
    assert terminal.refresh().json()["error"] == "invalid_grant"


def test_sessions_are_listed_newest_first_and_can_be_ended_one_by_one(ada: Terminal, other_browser: Browser) -> None:
    ada.site.fakes.clock.sleep(60)
    other = Terminal(ada.site)
    other.announce("phone")
    page = other_browser.open(other.device["verification_uri_complete"]).follow("Continue with Hub").submit(button="Grace")
    page.submit(button="Use another account").follow("Continue with Local").submit(button="Ada").submit(button="Approve")
    other.poll()

    listed = other.call("GET", "/v1/me/sessions").json()["items"]

    shown = [(each["client"], each["device_name"], each["current"]) for each in listed]
    assert shown == [
        ("cygni-cli", "phone", True),
        ("browser", "", False),
        ("cygni-cli", "ada-laptop", False),
        ("browser", "", False),
    ]
    assert other.call("DELETE", f"/v1/me/sessions/{listed[2]['id']}").status_code == 204
    assert ada.refresh().json()["error"] == "invalid_grant"
    assert other.call("DELETE", f"/v1/me/sessions/{listed[2]['id']}").status_code == 404


def test_another_person_s_session_is_as_absent_as_one_that_never_was(ada: Terminal, other_browser: Browser) -> None:
    session = ada.call("GET", "/v1/me/sessions").json()["items"][0]["id"]
    grace = Terminal(ada.site)
    grace.sign_in(other_browser, button="Grace")

    theirs, absent = (grace.call("DELETE", f"/v1/me/sessions/{each}") for each in (session, "ses_01J99999999999999999999999"))

    assert theirs.status_code == absent.status_code == 404
    assert theirs.json()["detail"] == absent.json()["detail"]
    assert ada.refresh().status_code == 200


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_revoking_a_token_ends_its_session(ada: Terminal, which: str) -> None:
    answer = ada.site.http.post(f"{ada.site.url}/v1/auth/revoke", data={"token": ada.tokens[which]})

    assert answer.status_code == 200
    assert ada.refresh().json()["error"] == "invalid_grant"


@pytest.mark.parametrize("token", ["x", "a.b.c", "cyr_" + "0" * 26 + "_" + "0" * 26 + "_" + "A" * 43])
def test_revoking_what_is_no_token_is_answered_alike(ada: Terminal, token: str) -> None:
    answer = ada.site.http.post(f"{ada.site.url}/v1/auth/revoke", data={"token": token, "token_type_hint": "refresh_token"})

    assert (answer.status_code, answer.json()) == (200, {})
    assert ada.refresh().status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "other"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "role": "owner"}, "invalid_request"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "invalid_request"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"}, "invalid_grant"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "team": TEAM}, "invalid_request"),
    ],
)
def test_what_the_token_endpoint_cannot_take_is_told_in_oauth_s_words_and_in_ours(
    site: Site, form: dict[str, str], error: str
) -> None:
    refused = site.http.post(f"{site.url}/v1/auth/token", data=form)

    told = refused.json()
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/problem+json")
    assert (told["error"], told["error_description"]) == (error, told["detail"])
    assert told["remedy"]


@pytest.mark.parametrize("body", ["grant_type=refresh_token&grant_type=refresh_token", "grant_type", "%ff=%ff", "a=1&" * 60])
def test_a_form_that_is_none_is_refused(site: Site, body: str) -> None:
    refused = site.http.post(f"{site.url}/v1/auth/token", content=body, headers={"Content-Type": FORM})

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_the_token_endpoint_takes_json_as_well(ada: Terminal) -> None:
    body = {"grant_type": "refresh_token", "refresh_token": ada.tokens["refresh_token"]}

    answer = ada.site.http.post(f"{ada.site.url}/v1/auth/token", json=body)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert {name: answer.json()[name] for name in ("token_type", "expires_in", "team")} == {
        "token_type": "Bearer",
        "expires_in": 900,
        "team": TEAM,
    }


def test_without_a_key_to_sign_with_nothing_is_used_up(ada: Terminal) -> None:
    fakes, before = ada.site.fakes, ada.tokens["refresh_token"]
    del fakes.keys
    fakes.secrets.away = True
    assert ada.refresh().status_code == 503

    fakes.secrets.away = False
    fakes.clock.sleep(11)

    assert ada.token(grant_type="refresh_token", refresh_token=before).status_code == 200


def test_an_operator_has_no_session_to_end_and_none_to_list(site: Site) -> None:
    terminal = Terminal(site, tokens={"access_token": KEY})

    assert terminal.call("POST", "/v1/auth/logout").status_code == 409
    assert terminal.call("GET", "/v1/me/sessions").json() == {"items": [], "next_cursor": None}

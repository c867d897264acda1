"""Signing in, over HTTP, against the local identity provider."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cygni.local.idp.browser import Browser
from tests.support.signin import Site, Terminal, query_of, seat

TEAM = "team_01J11111111111111111111111"


def test_a_device_is_signed_in_by_a_person_in_a_browser(terminal: Terminal, browser: Browser) -> None:
    device = terminal.announce("ada-laptop")

    assert terminal.poll().json()["error"] == "authorization_pending"
    page = browser.open(device["verification_uri_complete"])
    page = page.follow("Continue with Local").submit(button="Ada")
    assert page.url == device["verification_uri_complete"]
    assert "ada-laptop" in page.text
    assert device["user_code"] in page.text
    assert page.submit(button="Approve").title == "Approved · Cygni"
    assert terminal.poll().status_code == 200

    who = terminal.call("GET", "/v1/whoami").json()
    assert (who["kind"], who["name"], who["team"], who["role"]) == ("user", "Ada", "", "")


@pytest.mark.parametrize("provider", ["Local", "Hub"])
def test_whoever_signs_in_again_is_the_same_user(site: Site, browser: Browser, other_browser: Browser, provider: str) -> None:
    first, second = Terminal(site), Terminal(site)
    first.sign_in(browser, provider=provider)
    second.sign_in(other_browser, provider=provider)

    assert first.user == second.user


def test_the_same_address_at_two_providers_is_two_users(site: Site, browser: Browser, other_browser: Browser) -> None:
    first, second = Terminal(site), Terminal(site)
    first.sign_in(browser, provider="Local")
    second.sign_in(other_browser, provider="Hub")

    assert first.user != second.user


@pytest.mark.parametrize(
    ("provider", "verified", "shown"),
    [
        ("Local", True, "Signed in as Eve (eve@example.test)."),
        ("Local", False, "Signed in as Eve."),
        ("Hub", True, "Signed in as Eve (eve@example.test)."),
        ("Hub", False, "Signed in as Eve."),
    ],
)
def test_an_address_is_taken_only_where_the_provider_has_verified_it(
    terminal: Terminal, browser: Browser, provider: str, verified: bool, shown: str
) -> None:
    page = browser.open(terminal.announce()["verification_uri_complete"]).follow(f"Continue with {provider}")
    page = page.submit({"email": "eve@example.test", "name": "Eve", "unverified": not verified}, button="Sign in")

    assert shown in page.text


def test_github_s_primary_address_is_taken_though_the_profile_hides_it(terminal: Terminal, browser: Browser) -> None:
    page = browser.open(terminal.announce()["verification_uri"]).follow("Continue with Hub").submit(button="Linus")

    assert "Signed in as Linus (linus@example.test)." in page.text


def test_a_code_that_is_typed_leads_to_the_same_page(terminal: Terminal, browser: Browser) -> None:
    device = terminal.announce()
    page = browser.open(device["verification_uri"]).follow("Continue with Local").submit(button="Ada")

    shown = page.submit({"user_code": device["user_code"].replace("-", " ").lower()})

    assert shown.submit(button="Approve").title == "Approved · Cygni"
    assert terminal.poll().status_code == 200


def test_a_device_that_is_denied_gets_nothing(terminal: Terminal, browser: Browser) -> None:
    page = browser.open(terminal.announce()["verification_uri_complete"]).follow("Continue with Local").submit(button="Ada")

    assert page.submit(button="Deny").title == "Denied · Cygni"
    assert terminal.poll().json()["error"] == "access_denied"


def test_somebody_else_can_sign_in_on_the_way_and_the_code_is_kept(terminal: Terminal, browser: Browser) -> None:
    page = browser.open(terminal.announce()["verification_uri_complete"]).follow("Continue with Local").submit(button="Ada")

    page = page.submit(button="Use another account").follow("Continue with Local").submit(button="Grace")
    page.submit(button="Approve")

    terminal.poll()
    assert terminal.call("GET", "/v1/whoami").json()["name"] == "Grace"


def test_a_person_who_cancels_at_the_provider_is_told_so(terminal: Terminal, browser: Browser) -> None:
    page = browser.open(terminal.announce()["verification_uri_complete"]).follow("Continue with Local").submit(button="Cancel")

    assert page.status == 422
    assert "You did not allow the sign-in." in page.text


def test_a_browser_stays_signed_in_for_twelve_hours(site: Site, browser: Browser) -> None:
    browser.open(f"{site.url}/v1/auth/login?provider=local").submit(button="Ada")

    site.fakes.clock.sleep(12 * 3600 - 1)
    before = browser.open(f"{site.url}/v1/auth/device").text
    site.fakes.clock.sleep(1)

    assert "Signed in as Ada" in before
    assert "Continue with Local" in browser.open(f"{site.url}/v1/auth/device").text


def test_a_device_begins_in_the_person_s_team_with_the_rights_there(site: Site, terminal: Terminal, browser: Browser) -> None:
    terminal.sign_in(browser)
    seat(terminal.user, TEAM, "developer")

    again = Terminal(site)
    tokens = again.sign_in(browser)

    assert tokens["team"] == TEAM
    assert again.call("GET", "/v1/whoami").json()["role"] == "developer"
    assert again.call("POST", "/v1/projects", {"name": "hello"}).status_code == 201
    assert again.call("DELETE", "/v1/projects/hello").status_code == 403


def test_providers_are_listed_without_what_is_secret_in_them(site: Site) -> None:
    listed = site.http.get(f"{site.url}/v1/auth/providers")

    assert listed.json() == {"items": [{"name": "local", "title": "Local"}, {"name": "hub", "title": "Hub"}]}


def test_a_provider_that_is_not_set_up_is_a_page_that_says_so(site: Site, browser: Browser) -> None:
    page = browser.open(f"{site.url}/v1/auth/login?provider=nope")

    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no sign-in provider of that name." in page.text


def test_without_providers_the_page_says_who_has_to_act(site: Site, browser: Browser) -> None:
    del site.fakes.secrets.values[site.fakes.settings.sign_in_secret]
    site.fakes.clock.sleep(61)

    assert "the operator of this installation" in browser.open(f"{site.url}/v1/auth/device").text


def test_providers_change_within_a_minute_and_stay_while_the_secret_is_away(site: Site) -> None:
    def titles() -> list[str]:
        return [each["title"] for each in site.http.get(f"{site.url}/v1/auth/providers").json()["items"]]

    assert titles() == ["Local", "Hub"]
    secrets, name = site.fakes.secrets, site.fakes.settings.sign_in_secret
    secrets.values[name] = secrets.values[name].replace('"Hub"', '"Forge"')
    site.fakes.clock.sleep(61)
    assert titles() == ["Local", "Forge"]
    secrets.away = True
    site.fakes.clock.sleep(61)

    assert titles() == ["Local", "Forge"]


def test_the_published_keys_verify_an_access_token(site: Site, terminal: Terminal, browser: Browser) -> None:
    import jwt

    token = terminal.sign_in(browser)["access_token"]
    answer = site.http.get(f"{site.url}/.well-known/jwks.json")

    key = jwt.PyJWKSet.from_dict(answer.json())[jwt.get_unverified_header(token)["kid"]]
    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="cygni", issuer=site.url, options=options)
    assert claims["sub"] == terminal.user
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_an_authorization_request_has_all_that_holds_it_together(site: Site) -> None:
    answer = site.http.get(f"{site.url}/v1/auth/login?provider=local", follow_redirects=False)

    asked = query_of(answer.headers["Location"])
    assert answer.headers["Location"].startswith(f"{site.idp}/authorize?")
    assert asked["redirect_uri"] == f"{site.url}/v1/auth/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert {len(asked[name]) for name in ("state", "nonce", "code_challenge")} == {43}


def test_signing_in_in_two_tabs_at_once_works_in_both(site: Site, browser: Browser) -> None:
    first = browser.open(f"{site.url}/v1/auth/login?provider=local")
    second = browser.open(f"{site.url}/v1/auth/login?provider=local")

    assert "Signed in as Ada" in second.submit(button="Ada").text
    assert "Signed in as Grace" in first.submit(button="Grace").text


def test_a_name_changes_with_what_the_provider_says(site: Site, browser: Browser, other_browser: Browser) -> None:
    for name, opened in (("Eve", browser), ("Eve Moneypenny", other_browser)):
        page = opened.open(f"{site.url}/v1/auth/login?provider=local")
        page = page.submit({"email": "eve@example.test", "name": name}, button="Sign in")
        assert f"Signed in as {name} (" in page.text


def test_a_team_of_another_region_is_no_place_to_begin_in(site: Site, terminal: Terminal, browser: Browser) -> None:
    terminal.sign_in(browser)
    seat(terminal.user, TEAM, "owner", region="us-test-9")

    assert Terminal(site).sign_in(browser)["team"] == ""


def test_an_access_token_ends_after_fifteen_minutes(site: Site, terminal: Terminal, browser: Browser) -> None:
    terminal.sign_in(browser)

    site.fakes.clock.now += timedelta(minutes=15)

    refused = terminal.call("GET", "/v1/whoami")
    assert (refused.status_code, refused.json()["detail"]) == (401, "The access token has expired.")

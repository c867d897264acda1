"""Two of the same at the very same moment."""

from __future__ import annotations

from typing import Any

import httpx

from chalicelib.identity.users import Person, admit
from cygni.local.idp.browser import Browser
from tests.fakes.github import SET_UP, FakeGitHub
from tests.support.races import just_before
from tests.support.signin import DEVICE_GRANT, Site, Terminal, query_of, stopped_at_callback
from tests.support.store import memory_store
from tests.support.world import Client, Fakes

ADA = Person("local", "https://idp.test", "ada", "Ada", "ada@example.test")


def test_two_refreshes_at_once_get_the_same_token(site: Site, browser: Browser) -> None:
    terminal = Terminal(site)
    terminal.sign_in(browser)
    token = terminal.tokens["refresh_token"]

    def refresh() -> httpx.Response:
        return terminal.token(grant_type="refresh_token", refresh_token=token)

    with just_before("PutItem", refresh) as others:
        mine = refresh()

    (other,) = others
    assert isinstance(other, httpx.Response)
    assert mine.status_code == other.status_code == 200
    assert mine.json()["refresh_token"] == other.json()["refresh_token"] != token
    terminal.tokens = mine.json()
    assert terminal.refresh().status_code == 200


def test_of_two_approvals_at_once_one_counts(site: Site, browser: Browser, other_browser: Browser) -> None:
    terminal = Terminal(site)
    terminal.announce()
    pages = [
        opened.open(terminal.device["verification_uri_complete"]).follow("Continue with Local").submit(button=name)
        for opened, name in ((browser, "Ada"), (other_browser, "Grace"))
    ]

    with just_before("TransactWriteItems", lambda: pages[1].submit(button="Approve").status) as others:
        mine = pages[0].submit(button="Approve")

    assert (others, mine.status) == ([200], 409)
    assert "Open the page again" in mine.text
    terminal.poll()
    assert terminal.call("GET", "/v1/whoami").json()["name"] == "Grace"


def test_a_denial_that_comes_while_somebody_approves_is_not_undone(site: Site, browser: Browser) -> None:
    terminal = Terminal(site)
    page = browser.open(terminal.announce()["verification_uri_complete"]).follow("Continue with Local").submit(button="Ada")

    with just_before("TransactWriteItems", lambda: page.submit(button="Deny").status) as others:
        mine = page.submit(button="Approve")

    assert (others, mine.status) == ([200], 409)
    assert terminal.poll().json()["error"] == "access_denied"


def test_an_approval_while_the_device_asks_is_found_by_that_very_request(site: Site, browser: Browser) -> None:
    terminal = Terminal(site)
    page = browser.open(terminal.announce()["verification_uri_complete"]).follow("Continue with Local").submit(button="Ada")

    with just_before("PutItem", lambda: page.submit(button="Approve").status):
        assert terminal.poll().status_code == 200


def test_of_two_who_ask_for_the_same_tokens_at_once_nobody_keeps_them(site: Site, browser: Browser) -> None:
    terminal = Terminal(site)
    page = browser.open(terminal.announce()["verification_uri_complete"]).follow("Continue with Local").submit(button="Ada")
    page.submit(button="Approve")

    def steal() -> dict[str, Any]:
        answer: dict[str, Any] = terminal.token(grant_type=DEVICE_GRANT, device_code=terminal.device["device_code"]).json()
        return answer

    with just_before("TransactWriteItems", steal) as stolen:
        mine = terminal.poll()

    assert mine.json()["error"] == "invalid_grant"
    (tokens,) = stolen
    thief = Terminal(site, tokens=tokens)  # type: ignore[arg-type]
    assert thief.refresh().json()["error"] == "invalid_grant"


def test_a_callback_that_is_opened_twice_at_once_signs_in_once(site: Site, browser: Browser) -> None:
    callback = stopped_at_callback(site, browser)
    cookies = "; ".join(f"{each.name}={each.value}" for each in browser.cookies(site.url))

    def open_it() -> int:
        return site.http.get(callback, headers={"Cookie": cookies}, follow_redirects=False).status_code

    with just_before("DeleteItem", open_it) as others:
        mine = open_it()

    assert (others, mine) == ([302], 400)


def test_a_sign_in_is_taken_once_even_where_the_provider_takes_its_code_twice() -> None:
    with memory_store():
        fakes = Fakes()
        fakes.secrets.values[fakes.settings.sign_in_secret] = SET_UP
        fakes.providers.web = FakeGitHub().web()
        client = Client(fakes, key=None)
        begun = client.get("/v1/auth/login", query={"provider": "github"})
        back = {"state": query_of(begun.headers["location"])["state"], "code": "c"}
        cookie = {"cookie": begun.headers["set-cookie"].partition(";")[0]}

        def finish() -> int:
            return client.get("/v1/auth/callback", query=back, headers=cookie).status

        with just_before("DeleteItem", finish) as others:
            mine = finish()

    assert (others, mine) == ([302], 400)


def test_a_first_sign_in_twice_at_once_makes_one_user(site: Site) -> None:
    fakes = site.fakes

    def sign_in() -> str:
        return admit(ADA, fakes.clock(), fakes.ids).id

    with just_before("TransactWriteItems", sign_in) as others:
        mine = sign_in()

    assert others == [mine]

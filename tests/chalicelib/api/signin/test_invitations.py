"""Accepting an invitation in a browser."""

from __future__ import annotations

from typing import Any

import pytest

from cygni.local.idp.browser import Browser, Page
from tests.support.signin import Site, Terminal


@pytest.fixture
def owner(site: Site, browser: Browser) -> Terminal:
    """Ada's device, signed in to a team that she founded."""
    terminal = Terminal(site)
    terminal.sign_in(browser)
    made = terminal.call("POST", "/v1/teams", {"name": "Acme <Rockets>"})
    assert made.status_code == 201, made.text
    site.fakes.clock.sleep(1)
    assert terminal.refresh(team=made.json()["id"]).status_code == 200
    return terminal


def invite(owner: Terminal, **more: Any) -> str:
    made = owner.call("POST", "/v1/team/invitations", {"role": "developer", **more})
    assert made.status_code == 201, made.text
    return str(made.json()["link"])


def opened(browser: Browser, link: str, button: str = "Grace") -> Page:
    """The page that the link opens, once somebody has signed in."""
    return browser.open(link).follow("Continue with Local").submit(button=button)


def test_a_link_is_opened_signed_in_for_and_accepted(owner: Terminal, other_browser: Browser) -> None:
    link = invite(owner)

    page = opened(other_browser, link).submit({"token": link})
    assert page.title == "Join Acme <Rockets>? · Cygni"
    assert "developer" in page.text
    assert page.submit(button="Join").title == "You are in Acme <Rockets> · Cygni"

    grace = Terminal(owner.site)
    assert grace.sign_in(other_browser)["team"] == owner.tokens["team"]
    assert grace.call("GET", "/v1/whoami").json()["role"] == "developer"
    line = owner.call("GET", "/v1/audit").json()["items"][0]
    assert (line["operation"], line["actor"], line["outcome"]) == ("accept_invitation", grace.user, "done")
    assert line["resource"] == f"invitations/accept/{grace.user}"


def test_what_is_behind_the_link_s_hash_never_reaches_the_page(owner: Terminal, other_browser: Browser) -> None:
    link = invite(owner)

    page = other_browser.open(link)

    assert link.rpartition("#")[2] not in page.body
    assert "cygni team join" in page.text


def test_where_a_role_is_narrowed_to_is_shown(owner: Terminal, other_browser: Browser) -> None:
    link = invite(owner, scopes=[{"project": "hello", "environment": "staging"}])

    assert "hello/staging as developer" in opened(other_browser, link).submit({"token": link}).text


def test_a_link_works_once(owner: Terminal, other_browser: Browser) -> None:
    link = invite(owner)
    opened(other_browser, link).submit({"token": link}).submit(button="Join")

    with Browser() as third:
        page = opened(third, link, "Linus").submit({"token": link})
    assert (page.status, "not valid" in page.text) == (404, True)


def test_joining_twice_is_joining_once(owner: Terminal, other_browser: Browser) -> None:
    link = invite(owner)
    offer = opened(other_browser, link).submit({"token": link})

    assert [offer.submit(button="Join").status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("token", ["x", "https://evil.test/#x", "<script>alert(1)</script>", "0" * 52 + "_" + "A" * 43])
def test_what_is_no_invitation_is_a_page_that_says_so(owner: Terminal, other_browser: Browser, token: str) -> None:
    page = opened(other_browser, invite(owner)).submit({"token": token})

    assert page.status == 404
    assert "<script" not in page.body


@pytest.mark.parametrize("answer", ["look", "join"])
@pytest.mark.parametrize("near", ["same-origin", "cross-site"])
def test_another_site_cannot_make_anybody_join(owner: Terminal, other_browser: Browser, answer: str, near: str) -> None:
    link = invite(owner)
    page = opened(other_browser, link)
    csrf = "A" * 43 if near == "same-origin" else dict(page.forms[0].filled({}, page.forms[0].buttons[0]))["csrf"]
    cookies = "; ".join(f"{each.name}={each.value}" for each in other_browser.cookies(owner.site.url))

    refused = owner.site.http.post(
        f"{owner.site.url}/v1/invitations/answer",
        data={"token": link, "answer": answer, "csrf": csrf},
        headers={"Cookie": cookies, "Sec-Fetch-Site": near},
    )

    assert refused.status_code == 403
    assert len(owner.call("GET", "/v1/team/members").json()["items"]) == 1


def test_a_form_without_a_sign_in_is_refused(owner: Terminal) -> None:
    form = {"token": invite(owner), "answer": "join", "csrf": "x"}

    assert owner.site.http.post(f"{owner.site.url}/v1/invitations/answer", data=form).status_code == 401

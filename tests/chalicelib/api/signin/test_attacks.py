"""What attackers try on a sign-in, and what they get."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from chalicelib.identity.limits import SharedLimits
from chalicelib.identity.providers import Web
from cygni.local.idp.browser import Browser, Page
from tests.support.signin import FORM, Site, Terminal, changed, query_of, seat, set_up, stopped_at_callback
from tests.support.world import Client, Fakes

TEAM = "team_01J11111111111111111111111"
CANNOT = "This sign-in cannot be finished here."


def refused(page: Page) -> bool:
    """Whether a sign-in was refused, without a word about why, and nobody is signed in."""
    return page.status == 400 and CANNOT in page.text


def signed_in(site: Site, browser: Browser) -> bool:
    return "Signed in as" in browser.open(f"{site.url}/v1/auth/device").text


# --- state, code, issuer


def test_a_callback_works_once(site: Site, browser: Browser) -> None:
    callback = stopped_at_callback(site, browser)
    assert "Signed in as Ada" in browser.open(callback).text

    assert refused(browser.open(callback))


def test_a_callback_works_in_the_browser_that_began_alone(site: Site, browser: Browser, other_browser: Browser) -> None:
    callback = stopped_at_callback(site, browser)
    other_browser.open(f"{site.url}/v1/auth/login?provider=local")  # so that it has a cookie of its own

    assert refused(other_browser.open(callback))
    assert not signed_in(site, other_browser)
    assert "Signed in as Ada" in browser.open(callback).text


@pytest.mark.parametrize(("seconds", "good"), [(599, True), (600, False)])
def test_a_sign_in_may_take_ten_minutes(site: Site, browser: Browser, seconds: int, good: bool) -> None:
    """The provider's own code is fresh in both cases."""
    page = browser.open(f"{site.url}/v1/auth/login?provider=local")
    site.fakes.clock.sleep(seconds)

    back = page.submit(button="Ada")

    assert refused(back) is not good


@pytest.mark.parametrize("state", [None, "", "x", "A" * 43, "é" * 43])
def test_a_state_that_was_never_given_out_is_refused(site: Site, browser: Browser, state: str | None) -> None:
    callback = stopped_at_callback(site, browser)

    assert refused(browser.open(changed(callback, state=state)))


def test_another_person_s_code_does_not_fit_this_browser_s_sign_in(
    site: Site, browser: Browser, other_browser: Browser
) -> None:
    stolen = query_of(stopped_at_callback(site, other_browser, button="Grace"))["code"]
    callback = stopped_at_callback(site, browser)

    assert refused(browser.open(changed(callback, code=stolen)))
    assert not signed_in(site, browser)


@pytest.mark.parametrize("iss", [None, "https://evil.test", "http://127.0.0.1:1"])
def test_an_answer_that_does_not_name_the_provider_that_was_asked_is_refused(
    site: Site, browser: Browser, iss: str | None
) -> None:
    callback = stopped_at_callback(site, browser)

    assert refused(browser.open(changed(callback, iss=iss)))
    assert not signed_in(site, browser)


def test_an_answer_of_one_provider_is_not_taken_for_another_s(site: Site, browser: Browser) -> None:
    """The mix-up attack: the browser asked GitHub, and an OpenID provider's answer comes back under that state."""
    asked = stopped_at_callback(site, browser, provider="hub")
    answer = query_of(stopped_at_callback(site, browser, provider="local"))

    assert refused(browser.open(changed(asked, code=answer["code"], iss=answer["iss"])))
    assert refused(browser.open(changed(asked, code=answer["code"])))
    assert not signed_in(site, browser)


def test_a_code_goes_to_the_token_endpoint_of_the_provider_that_was_asked_and_nowhere_else(
    site: Site, browser: Browser
) -> None:
    spy = Spy()
    start_anew(site, spy.web())
    asked = stopped_at_callback(site, browser, provider="hub")
    answer = query_of(stopped_at_callback(site, browser, provider="local"))

    browser.open(changed(asked, code=answer["code"]))

    assert [url for url, form in spy.posted] == [f"{site.idp}/github/login/oauth/access_token"]


def test_our_address_in_a_request_to_a_provider_does_not_follow_the_host_header(site: Site) -> None:
    answer = site.http.get(
        f"{site.url}/v1/auth/login?provider=local&redirect_uri=https://evil.test",
        headers={"X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"},
        follow_redirects=False,
    )
    assert answer.status_code == 422  # what a route does not take is refused

    answer = site.http.get(
        f"{site.url}/v1/auth/login?provider=local", headers={"X-Forwarded-Host": "evil.test"}, follow_redirects=False
    )
    assert query_of(answer.headers["Location"])["redirect_uri"] == f"{site.url}/v1/auth/callback"


def test_a_redirect_address_that_was_tampered_with_is_refused_by_the_provider(site: Site, browser: Browser) -> None:
    page = browser.open(f"{site.url}/v1/auth/login?provider=local")

    tampered = browser.open(changed(page.url, redirect_uri=f"{site.url}/v1/auth/callback/../device"))

    assert (tampered.status, tampered.redirects) == (400, ())


def test_a_parameter_that_comes_twice_is_refused(site: Site, browser: Browser) -> None:
    callback = stopped_at_callback(site, browser)

    page = browser.open(f"{callback}&state={query_of(callback)['state']}")

    assert (page.status, "comes twice" in page.text) == (400, True)


# --- what a provider might send


@dataclass
class Spy:
    """The web, with what is posted written down and what comes back changed."""

    posted: list[tuple[str, dict[str, str]]]
    change: Any = None

    def __init__(self, change: Any = None) -> None:
        self.posted, self.change = [], change

    def web(self) -> Web:
        real = Web()

        def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
            self.posted.append((url, dict(fields)))
            answer = real.post_form(url, fields, headers)
            return self.change(answer) if self.change else answer

        return replace(real, post_form=post_form)


def start_anew(site: Site, web: Web) -> None:
    """The API with another web before it."""
    set_up(replace(site.fakes, web=web), site)


def test_the_id_token_of_another_sign_in_is_refused(site: Site, browser: Browser) -> None:
    seen: list[dict[str, Any]] = []

    def first_one(answer: dict[str, Any]) -> dict[str, Any]:
        seen.append(answer)
        return seen[0]

    start_anew(site, Spy(first_one).web())
    assert "Signed in as Ada" in browser.open(stopped_at_callback(site, browser)).text

    with Browser() as victim:
        assert refused(victim.open(stopped_at_callback(site, victim, button="Grace")))


@pytest.mark.parametrize("change", [{"id_token": None}, {"id_token": 7}, {"id_token": "a.b.c"}, {"id_token": ""}])
def test_a_provider_without_a_good_id_token_signs_nobody_in(site: Site, browser: Browser, change: dict[str, Any]) -> None:
    start_anew(site, Spy(lambda answer: {**answer, **change}).web())

    assert refused(browser.open(stopped_at_callback(site, browser)))


def test_userinfo_of_somebody_else_is_not_taken(site: Site, browser: Browser) -> None:
    def anonymous(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        told = Web().get_json(url, headers)
        return {**told, "sub": "somebody-else", "name": "Mallory"} if url.endswith("/userinfo") else told

    start_anew(site, replace(Web(), get_json=anonymous))

    assert "Mallory" not in browser.open(stopped_at_callback(site, browser)).text


# --- redirects and forms


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "\\\\evil.test",
        "/v1/auth/device@evil.test",
        "/v1/auth/device/../../evil",
        "/v1/auth/login?provider=local",
        "javascript:alert(1)",
        "/v1/auth/device?user_code=<script>",
        "/v1/auth/device?user_code=AAAA-AAAA",
        "http://[",
        "\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_nobody_is_sent_anywhere_but_to_our_own_pages(site: Site, browser: Browser, wanted: str) -> None:
    page = browser.open(str(httpx.URL(f"{site.url}/v1/auth/login", params={"provider": "local", "next": wanted})))

    assert page.submit(button="Ada").url == f"{site.url}/v1/auth/device"


def approval(site: Site, browser: Browser) -> tuple[Terminal, Page]:
    """A device, and the page on which Ada may approve it."""
    terminal = Terminal(site)
    page = browser.open(terminal.announce()["verification_uri_complete"])
    return terminal, page.follow("Continue with Local").submit(button="Ada")


def decide(
    site: Site, browser: Browser, page: Page, headers: Mapping[str, str] | None = None, **changes: str
) -> httpx.Response:
    """Sends the page's form as somebody might who is not the page."""
    form = page.forms[0].filled({}, next(each for each in page.forms[0].buttons if each.label == "Approve"))
    cookies = "; ".join(f"{each.name}={each.value}" for each in browser.cookies(site.url))
    return site.http.post(
        f"{site.url}/v1/auth/device/decision", data={**dict(form), **changes}, headers={"Cookie": cookies, **(headers or {})}
    )


def test_the_page_s_own_form_is_taken(site: Site, browser: Browser) -> None:
    terminal, page = approval(site, browser)

    assert decide(site, browser, page, {"Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert terminal.poll().status_code == 200


@pytest.mark.parametrize("near", ["cross-site", "same-site"])
def test_a_form_that_another_site_sends_is_refused(site: Site, browser: Browser, near: str) -> None:
    terminal, page = approval(site, browser)

    assert decide(site, browser, page, {"Sec-Fetch-Site": near}).status_code == 403
    assert terminal.poll().json()["error"] == "authorization_pending"


@pytest.mark.parametrize("csrf", ["x", "A" * 43, "é"])
def test_a_form_without_the_session_s_own_token_is_refused(site: Site, browser: Browser, csrf: str) -> None:
    terminal, page = approval(site, browser)

    assert decide(site, browser, page, csrf=csrf).status_code == 403
    assert terminal.poll().json()["error"] == "authorization_pending"


def test_a_token_of_another_session_s_form_is_refused(site: Site, browser: Browser, other_browser: Browser) -> None:
    """Mallory has a page of her own, and makes Ada's browser send its form."""
    terminal, mallorys = approval(site, other_browser)
    browser.open(f"{site.url}/v1/auth/login?provider=local").submit(button="Ada")

    assert decide(site, browser, mallorys).status_code == 403
    assert terminal.poll().json()["error"] == "authorization_pending"


def test_a_form_without_a_sign_in_is_refused(site: Site, browser: Browser, other_browser: Browser) -> None:
    terminal, page = approval(site, browser)

    assert decide(site, other_browser, page).status_code == 401
    assert terminal.poll().json()["error"] == "authorization_pending"


def test_a_decision_comes_as_a_form_alone(site: Site, browser: Browser) -> None:
    """A page of another site can send JSON only after asking, and plain text without: neither is taken for a form."""
    _, page = approval(site, browser)
    form = dict(page.forms[0].filled({}, page.forms[0].buttons[0]))
    cookies = "; ".join(f"{each.name}={each.value}" for each in browser.cookies(site.url))

    for kind in ("application/json", "text/plain"):
        answer = site.http.post(
            f"{site.url}/v1/auth/device/decision",
            content=json.dumps(form),
            headers={"Cookie": cookies, "Content-Type": kind},
        )
        assert answer.status_code == 400


# --- devices


def test_a_device_code_that_is_used_twice_ends_the_session_it_gave(site: Site, browser: Browser) -> None:
    terminal = Terminal(site)
    terminal.sign_in(browser)

    thief = Terminal(site, device=terminal.device)

    assert thief.poll().json()["error"] == "invalid_grant"
    assert terminal.refresh().json()["error"] == "invalid_grant"


def test_a_user_code_is_no_device_code(site: Site, browser: Browser) -> None:
    terminal, page = approval(site, browser)
    page.submit(button="Approve")

    for code in (terminal.device["user_code"], terminal.device["user_code"].replace("-", "")):
        thief = Terminal(site, device={**terminal.device, "device_code": code})
        assert thief.poll().json()["error"] == "invalid_grant"


def test_of_two_decisions_the_second_finds_nothing_to_decide(site: Site, browser: Browser, other_browser: Browser) -> None:
    terminal, ada = approval(site, browser)
    grace = other_browser.open(terminal.device["verification_uri_complete"])
    grace = grace.follow("Continue with Local").submit(button="Grace")

    assert ada.submit(button="Approve").status == 200
    assert grace.submit(button="Approve").status == 404

    terminal.poll()
    assert terminal.call("GET", "/v1/whoami").json()["name"] == "Ada"


def test_a_device_that_asks_too_often_is_slowed_down(site: Site) -> None:
    terminal = Terminal(site)
    terminal.announce()
    clock = site.fakes.clock

    def ask(after: float) -> str:
        clock.sleep(after)
        return str(terminal.token(grant_type=GRANT, device_code=terminal.device["device_code"]).json()["error"])

    assert [ask(1), ask(0.1), ask(1), ask(11)] == ["authorization_pending", "slow_down", "slow_down", "authorization_pending"]


GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def test_a_code_is_good_for_ten_minutes(site: Site, browser: Browser) -> None:
    terminal, page = approval(site, browser)
    site.fakes.clock.sleep(600)

    assert page.submit(button="Approve").status == 404
    assert terminal.poll().json()["error"] == "expired_token"


def test_an_approval_that_nobody_fetches_expires(site: Site, browser: Browser) -> None:
    terminal, page = approval(site, browser)
    page.submit(button="Approve")
    site.fakes.clock.sleep(600)

    assert terminal.poll().json()["error"] == "expired_token"


def limited(site: Site) -> None:
    """Real limits in place of the fake ones, with a counter in memory."""
    taken: dict[tuple[str, int], int] = {}

    def take(caller: str, minute: int, asked: int) -> int:
        taken[caller, minute] = taken.get((caller, minute), 0) + asked
        return taken[caller, minute]

    set_up(replace(site.fakes, limits=SharedLimits(take, 600)), site)  # type: ignore[arg-type]


def test_codes_cannot_be_guessed_at_any_rate(site: Site, browser: Browser) -> None:
    limited(site)
    terminal, _ = approval(site, browser)

    guesses = [f"BBBBBB{one}{two}" for one in "BCD" for two in "BCDFGHJKLM"]
    statuses = [browser.open(f"{site.url}/v1/auth/device?user_code={each}").status for each in guesses]

    assert set(statuses) == {404, 429}
    assert statuses.count(404) < 20  # ten that this process lets pass, and ten that all of them share
    assert browser.open(terminal.device["verification_uri_complete"]).status == 429


def test_a_stranger_learns_nothing_of_a_code(site: Site, other_browser: Browser) -> None:
    known = Terminal(site).announce()["verification_uri_complete"]

    pages = [other_browser.open(each).body for each in (known, changed(known, user_code="BBBB-BBBB"))]

    alike = [re.sub(r"[B-Z]{4}-[B-Z]{4}", "CODE", page) for page in pages]
    assert alike[0] == alike[1]
    assert "ada-laptop" not in pages[0]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/auth/providers"),
        ("GET", "/v1/auth/login?provider=local"),
        ("GET", "/v1/auth/callback"),
        ("POST", "/v1/auth/device"),
        ("GET", "/v1/auth/device"),
        ("POST", "/v1/auth/device/decision"),
        ("POST", "/v1/auth/token"),
        ("POST", "/v1/auth/revoke"),
    ],
)
def test_whoever_asks_without_a_credential_is_limited_by_address(site: Site, method: str, path: str) -> None:
    bodies = {
        "/v1/auth/device": {"device_name": "x"},
        "/v1/auth/device/decision": {"user_code": "x", "decision": "deny", "csrf": "x"},
        "/v1/auth/token": {"grant_type": "refresh_token", "refresh_token": "x"},
        "/v1/auth/revoke": {"token": "x"},
    }
    limits = site.fakes.limits
    before = dict(limits.counts)
    site.http.request(method, site.url + path, data=bodies.get(path), follow_redirects=False)
    counted = next(name for name, count in limits.counts.items() if count != before.get(name))
    limits.over.add(counted)

    held = site.http.request(method, site.url + path, data=bodies.get(path), follow_redirects=False)

    assert counted.endswith(":ip:127.0.0.1")
    assert (held.status_code, held.headers["Retry-After"]) == (429, "30")


# --- pages and cookies


def test_a_page_shows_what_a_device_calls_itself_and_does_not_obey_it(site: Site, browser: Browser) -> None:
    terminal = Terminal(site)
    browser.open(f"{site.url}/v1/auth/login?provider=local").submit(button="Ada")

    page = browser.open(terminal.announce('<script>alert("1")</script><b>')["verification_uri_complete"])

    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;b&gt;" in page.body
    assert "<script" not in page.body


@pytest.mark.parametrize("path", ["/v1/auth/device", "/v1/auth/callback", "/v1/auth/login", "/v1/auth/login?provider=nope"])
def test_a_page_loads_nothing_cannot_be_framed_and_is_not_kept(site: Site, browser: Browser, path: str) -> None:
    page = browser.open(site.url + path)

    policy = dict(each.strip().partition(" ")[::2] for each in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert set(policy) == {"default-src", "style-src", "form-action", "frame-ancestors", "base-uri"}
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "color-scheme" in page.body


def test_over_https_cookies_are_bound_to_the_host_and_secure() -> None:
    fakes = Fakes()
    fakes.settings = replace(fakes.settings, issuer="https://api.cygni.test")
    github = {"kind": "github", "client_id": "c", "client_secret": "s"}
    fakes.secrets.values[fakes.settings.sign_in_secret] = json.dumps({"providers": {"github": github}})
    from tests.support.store import memory_store

    with memory_store():
        answer = Client(fakes, key=None).get("/v1/auth/login", query={"provider": "github"})

    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-cygni-signin"
    assert rest.partition("; ")[2].split("; ") == ["Path=/", "Max-Age=600", "HttpOnly", "SameSite=Lax", "Secure"]
    assert answer.headers["location"].startswith("https://github.com/login/oauth/authorize?")


def test_over_http_browsers_would_drop_such_cookies_so_they_are_plain_ones(site: Site) -> None:
    answer = site.http.get(f"{site.url}/v1/auth/login?provider=local", follow_redirects=False)

    assert answer.headers["Set-Cookie"].startswith("cygni-signin=")
    assert "Secure" not in answer.headers["Set-Cookie"]
    assert "HttpOnly; SameSite=Lax" in answer.headers["Set-Cookie"]


def test_two_cookies_of_one_name_that_disagree_are_worth_nothing(site: Site, browser: Browser) -> None:
    browser.open(f"{site.url}/v1/auth/login?provider=local").submit(button="Ada")
    real = next(each.value for each in browser.cookies(site.url) if each.name == "cygni-session")

    def shown(header: str) -> str:
        return site.http.get(f"{site.url}/v1/auth/device", headers={"Cookie": header}).text

    assert "Signed in as Ada" in shown(f"a=b; cygni-session={real}; c=d")
    for number in range(8):
        assert "Signed in as Ada" not in shown(f"cygni-session={real}; cygni-session=x{number}")
        assert "Signed in as Ada" not in shown(f"cygni-session=x{number}; cygni-session={real}")


def test_a_form_of_another_type_is_no_json(site: Site) -> None:
    answer = site.http.post(
        f"{site.url}/v1/auth/token", content=b'{"grant_type": "refresh_token"}', headers={"Content-Type": FORM}
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_session_s_team_says_nothing_about_another_team(site: Site, browser: Browser) -> None:
    terminal = Terminal(site)
    terminal.sign_in(browser)
    seat(terminal.user, TEAM, "viewer")
    terminal.refresh(team=TEAM)

    assert terminal.call("POST", "/v1/projects", {"name": "hello"}).status_code == 403

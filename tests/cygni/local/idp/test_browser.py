from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from cygni.local.idp.browser import Browser, BrowserError
from cygni.local.idp.forms import NoSuchThing

FORM = '<form method="post" action="/sent"><input name="a" value="1"><button>Send</button></form>'


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Site:
    """A server that answers by path, and remembers what it was asked."""

    url: str = ""
    asked: list[Request] = field(default_factory=list)
    answers: dict[str, tuple[int, list[tuple[str, str]], str]] = field(default_factory=dict)

    def page(self, path: str, body: str = "", *headers: tuple[str, str], status: int = 200) -> None:
        self.answers[path] = (status, [("Content-Type", "text/html"), *headers], body)

    def redirect(self, path: str, to: str, status: int = 302, *headers: tuple[str, str]) -> None:
        self.answers[path] = (status, [("Location", to), *headers], "")


def serve(site: Site) -> Callable[[], None]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            site.asked.append(Request(self.command, self.path, dict(self.headers), body))
            status, headers, text = site.answers.get(self.path.partition("?")[0], (404, [], "nothing here"))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    stop = serve(site)
    yield site
    stop()


@pytest.fixture
def other() -> Iterator[Site]:
    site = Site()
    stop = serve(site)
    yield site
    stop()


def test_it_shows_where_it_is_and_what_it_sees(site: Site, browser: Browser) -> None:
    site.page("/", "<title>Hello</title><p>World</p>", status=418)

    page = browser.open(f"{site.url}/#part")

    assert (page.url, page.status, page.title, page.text) == (f"{site.url}/", 418, "Hello", "World")


def test_what_is_no_page_is_shown_as_it_came(site: Site, browser: Browser) -> None:
    assert browser.open(f"{site.url}/none").text == "nothing here"


def test_it_follows_redirects_and_remembers_the_way(site: Site, other: Site, browser: Browser) -> None:
    site.redirect("/a", "b?x=1")
    site.redirect("/b", f"{other.url}/c", 307)
    other.page("/c", "<title>End</title>")

    page = browser.open(f"{site.url}/a")

    assert (page.url, page.title) == (f"{other.url}/c", "End")
    assert page.redirects == (f"{site.url}/a", f"{site.url}/b?x=1")


def test_it_gives_up_on_a_ring_of_redirects(site: Site, browser: Browser) -> None:
    site.redirect("/a", "/a")

    with pytest.raises(BrowserError, match="More than 10 redirects"):
        browser.open(f"{site.url}/a")
    assert len(site.asked) == 11


def test_it_goes_nowhere_but_to_the_web(site: Site, browser: Browser) -> None:
    site.redirect("/a", "file:///etc/passwd")

    with pytest.raises(BrowserError, match="not an address of the web"):
        browser.open(f"{site.url}/a")


def test_nobody_there_is_an_error_of_the_connection(browser: Browser) -> None:
    with pytest.raises(httpx.ConnectError):
        browser.open("http://127.0.0.1:1/")


def test_a_form_is_sent_and_a_redirect_after_it_is_opened_without_it(site: Site, browser: Browser) -> None:
    site.page("/", FORM)
    site.redirect("/sent", "/done", 303)
    site.page("/done", "<title>Done</title>")

    page = browser.open(site.url).submit({"a": "x y&z"}, button="Send")

    assert page.title == "Done"
    assert [(each.method, each.body) for each in site.asked[1:]] == [("POST", "a=x+y%26z"), ("GET", "")]
    assert site.asked[1].headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_only_307_and_308_send_a_form_on(site: Site, browser: Browser, status: int, method: str) -> None:
    site.page("/", FORM)
    site.redirect("/sent", "/done", status)

    browser.open(site.url).submit()

    assert site.asked[-1].method == method


def test_a_form_by_get_goes_into_the_address(site: Site, browser: Browser) -> None:
    site.page("/", '<form action="/find?old=1"><input name="q"><button name="go" value="1">Find</button></form>')

    page = browser.open(site.url).submit({"q": "a b"})

    assert page.url == f"{site.url}/find?q=a+b&go=1"


def test_cookies_go_back_to_where_they_came_from_only(site: Site, other: Site, browser: Browser) -> None:
    site.redirect("/login", f"{other.url}/authorize", 302, ("Set-Cookie", "__Host-s=1; Path=/; Secure"), ("Set-Cookie", "b=2"))
    other.redirect("/authorize", f"{site.url}/callback", 302, ("Set-Cookie", "theirs=3"))

    browser.open(f"{site.url}/login")

    assert "Cookie" not in other.asked[0].headers
    assert site.asked[1].headers["Cookie"] == "__Host-s=1; b=2"
    assert [each.name for each in browser.cookies(f"{other.url}/")] == ["theirs"]


def test_two_browsers_share_nothing(site: Site, browser: Browser) -> None:
    site.page("/", "", ("Set-Cookie", "a=1"))
    browser.open(site.url)

    with Browser() as stranger:
        stranger.open(site.url)

    assert "Cookie" not in site.asked[-1].headers


def test_it_says_where_a_request_comes_from_as_a_browser_does(site: Site, other: Site, browser: Browser) -> None:
    site.page("/", FORM + f'<form method="post" action="{other.url}/sent"><button>Elsewhere</button></form>')
    page = browser.open(site.url)
    page.submit(button="Send")
    page.submit(button="Elsewhere")

    typed, own = site.asked
    assert (typed.headers["Sec-Fetch-Site"], typed.headers.get("Origin")) == ("none", None)
    assert (own.headers["Sec-Fetch-Site"], own.headers["Origin"]) == ("same-origin", site.url)
    assert (other.asked[0].headers["Sec-Fetch-Site"], other.asked[0].headers["Origin"]) == ("same-site", site.url)


@pytest.mark.parametrize(
    ("policy", "near", "far"),
    [("no-referrer", "null", "null"), ("same-origin", "OWN", "null"), ("strict-origin", "OWN", "OWN")],
)
def test_a_referrer_policy_hides_the_origin_of_a_form(
    site: Site, other: Site, browser: Browser, policy: str, near: str, far: str
) -> None:
    elsewhere = f'<form method="post" action="{other.url}/sent"><button>Elsewhere</button></form>'
    site.page("/", FORM + elsewhere, ("Referrer-Policy", policy))
    page = browser.open(site.url)
    page.submit(button="Send")
    page.submit(button="Elsewhere")

    told = [site.asked[1].headers["Origin"], other.asked[0].headers["Origin"]]
    assert told == [each.replace("OWN", site.url) for each in (near, far)]


def test_a_link_is_followed_by_its_label(site: Site, browser: Browser) -> None:
    site.page("/", '<a href="next">Sign in</a>')
    site.page("/next", "<title>Next</title>")

    assert browser.open(site.url).follow("Sign in").title == "Next"
    with pytest.raises(NoSuchThing, match="it has \\['Sign in'\\]"):
        browser.open(site.url).follow("Sign out")


def test_a_button_or_field_that_is_not_there_is_named_with_what_is(site: Site, browser: Browser) -> None:
    site.page("/", FORM)
    page = browser.open(site.url)

    with pytest.raises(NoSuchThing, match=r"no button 'Approve'.*'Send'"):
        page.submit(button="Approve")
    with pytest.raises(NoSuchThing, match=r"no form with \['code'\].*'a'"):
        page.submit({"code": "x"})

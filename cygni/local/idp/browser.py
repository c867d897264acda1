"""A scripted browser for the demo and tests: it opens pages, fills in forms, presses buttons, and keeps cookies.

It runs no script and loads nothing beside the page. What servers judge browsers by is as a browser sends it: cookies,
`Origin`, `Sec-Fetch-*`, and the rules of `Referrer-Policy` for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit, urlunsplit

import httpx

from cygni.local.idp.forms import Button, Form, NoSuchThing, Seen, read_page
from cygni.local.idp.jar import Cookie, Jar, origin

MOST_REDIRECTS = 10
FORM = "application/x-www-form-urlencoded"


class BrowserError(Exception):
    """A page could not be reached: too many redirects, or an address that is none; the message says which."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is open. `redirects` are the addresses that led here, from the first asked for."""

    url: str
    status: int
    headers: httpx.Headers
    body: str
    redirects: tuple[str, ...]
    _browser: Browser = field(repr=False)
    _seen: Seen = field(repr=False)

    @property
    def title(self) -> str:
        """What its title says."""
        return self._seen.title

    @property
    def text(self) -> str:
        """What a person reads, a line for each block."""
        return self._seen.text if self._is_html else self.body

    @property
    def forms(self) -> list[Form]:
        """Its forms, in order."""
        return self._seen.forms

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons, in order."""
        return [each.label for form in self.forms for each in form.buttons]

    def submit(self, values: Mapping[str, str | bool] | None = None, *, button: str | None = None) -> Page:
        """Fills in `values`, presses a button and opens what comes. A button is known by label, value or name.

        Without `button` it is the first of the form that has all fields in `values`. Raises NoSuchThing, BrowserError.
        """
        given = values or {}
        form, pressed = self._choose(given, button)
        fields = form.filled(given, pressed)
        target = urljoin(self.url, form.action)
        if form.method == "post":
            return self._browser.go("POST", target, urlencode(fields), came_from=self)
        return self._browser.go("GET", urlunsplit(urlsplit(target)._replace(query=urlencode(fields))), came_from=self)

    def follow(self, label: str) -> Page:
        """Opens the link with this label. Raises NoSuchThing, BrowserError."""
        for text, target in self._seen.links:
            if text == label:
                return self._browser.go("GET", urljoin(self.url, target), came_from=self)
        raise NoSuchThing(f"{self.url} has no link {label!r}; it has {[text for text, _ in self._seen.links]}.")

    def _choose(self, values: Mapping[str, Any], button: str | None) -> tuple[Form, Button | None]:
        fitting = [form for form in self.forms if set(values) <= set(form.names())]
        if not fitting:
            raise NoSuchThing(
                f"{self.url} has no form with {sorted(values)}; its forms have {[f.names() for f in self.forms]}."
            )
        if button is None:
            return fitting[0], next(iter(fitting[0].buttons), None)
        for form in fitting:
            for each in form.buttons:
                if each.called(button):
                    return form, each
        raise NoSuchThing(f"{self.url} has no button {button!r} there; it has {self.buttons}.")

    @property
    def _is_html(self) -> bool:
        return "html" in self.headers.get("Content-Type", "")


class Browser:
    """One browser with its cookies; close it, or use it in a `with`. `now` gives Unix time."""

    def __init__(self, *, timeout: float = 20.0, now: Callable[[], float] = time.time) -> None:
        self._http = httpx.Client(timeout=timeout, follow_redirects=False, trust_env=False)
        self._jar = Jar()
        self._now = now

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def open(self, url: str) -> Page:
        """Opens an address, as if somebody had typed it. Raises BrowserError; httpx.HTTPError when nobody answers."""
        return self.go("GET", url)

    def cookies(self, url: str) -> list[Cookie]:
        """The cookies that would go with a request to `url`."""
        return self._jar.of(url, self._now())

    def go(self, method: str, url: str, content: str = "", *, came_from: Page | None = None) -> Page:
        """Asks, and follows redirects: a form is sent on after 307 and 308 only."""
        chain: list[str] = []
        for _ in range(MOST_REDIRECTS + 1):
            url = urldefrag(url).url
            if urlsplit(url).scheme not in ("http", "https"):
                raise BrowserError(f"{url} is not an address of the web (after {chain}).")
            answer = self._ask(method, url, content, _headers(method, url, came_from, chain))
            if answer.status_code not in (301, 302, 303, 307, 308) or "Location" not in answer.headers:
                html = answer.text if "html" in answer.headers.get("Content-Type", "") else ""
                return Page(url, answer.status_code, answer.headers, answer.text, tuple(chain), self, read_page(html))
            if method == "POST" and answer.status_code not in (307, 308):
                method, content = "GET", ""
            chain.append(url)
            url = urljoin(url, answer.headers["Location"])
        raise BrowserError(f"More than {MOST_REDIRECTS} redirects: {' → '.join(chain)}")

    def _ask(self, method: str, url: str, content: str, headers: dict[str, str]) -> httpx.Response:
        cookies = "; ".join(f"{each.name}={each.value}" for each in self.cookies(url))
        sent = headers | ({"Cookie": cookies} if cookies else {})
        answer = self._http.request(method, url, content=content.encode() or None, headers=sent)
        self._http.cookies.clear()  # ours is the jar that counts
        self._jar.take(url, answer.headers.get_list("Set-Cookie"), self._now())
        return answer


def _headers(method: str, url: str, came_from: Page | None, chain: list[str]) -> dict[str, str]:
    """What a browser says of a navigation from a page, or from nowhere, over the redirects in `chain`."""
    sources = [] if came_from is None else [came_from.url, *chain]
    headers = {
        "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
        "User-Agent": "cygni-browser",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Site": _site(url, sources),
    }
    if method == "POST":
        headers |= {"Content-Type": FORM, "Origin": _origin(url, came_from, sources)}
    return headers


def _origin(url: str, came_from: Page | None, sources: list[str]) -> str:
    """The origin of the page, or `null` where a redirect went elsewhere or the page's Referrer-Policy hides it."""
    if came_from is None or len({origin(each) for each in sources}) > 1:
        return "null"
    policy = came_from.headers.get("Referrer-Policy", "")
    if policy == "no-referrer" or (policy == "same-origin" and origin(url) != origin(came_from.url)):
        return "null"
    parts = urlsplit(came_from.url)
    return f"{parts.scheme}://{parts.netloc}"


def _site(url: str, sources: list[str]) -> str:
    """How far the farthest origin on the way is. Sites are hosts here: a loopback address has no registrable domain."""
    if not sources:
        return "none"
    if all(origin(each) == origin(url) for each in sources):
        return "same-origin"
    here = urlsplit(url)
    near = all((urlsplit(each).scheme, urlsplit(each).hostname) == (here.scheme, here.hostname) for each in sources)
    return "same-site" if near else "cross-site"

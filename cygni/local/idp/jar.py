"""The cookies of a scripted browser, by origin.

A browser sends `Secure` cookies to a loopback address over plain HTTP too, since nothing there can be listened to; Python's
own jars do not. Here a cookie goes back to the origin that set it, which is stricter than a browser: that would not tell
ports apart. `Domain` and `SameSite` therefore make no difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie as kept. `expires_at` is Unix time, or None for as long as the browser runs."""

    name: str
    value: str
    path: str
    secure: bool
    http_only: bool
    same_site: str
    expires_at: float | None


class Jar:
    """The cookies of all origins."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], Cookie] = {}

    def take(self, url: str, headers: Iterable[str], now: float) -> None:
        """Keeps what the Set-Cookie headers of an answer from `url` set, and drops what they end. `now` is Unix time."""
        parts = urlsplit(url)
        for each in headers:
            cookie = read_cookie(each, parts, now)
            if cookie is None:
                continue
            key = (origin(url), cookie.path, cookie.name)
            if cookie.expires_at is not None and cookie.expires_at <= now:
                self._kept.pop(key, None)
            else:
                self._kept[key] = cookie

    def of(self, url: str, now: float) -> list[Cookie]:
        """The cookies that go with a request to `url`, those with the longest path first (RFC 6265, 5.4)."""
        parts = urlsplit(url)
        path = parts.path or "/"
        found = [
            cookie
            for (where, _, _), cookie in self._kept.items()
            if where == origin(url)
            and _covers(cookie.path, path)
            and (not cookie.secure or _is_safe(parts))
            and (cookie.expires_at is None or now < cookie.expires_at)
        ]
        return sorted(found, key=lambda cookie: -len(cookie.path))


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def read_cookie(header: str, sender: SplitResult, now: float) -> Cookie | None:
    """The cookie of a Set-Cookie header; None when a browser would not keep it."""
    pair, *rest = header.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name:
        return None
    attributes = {key.strip().lower(): each.strip() for key, _, each in (one.partition("=") for one in rest)}
    path = attributes.get("path", "")
    cookie = Cookie(
        name,
        value,
        path if path.startswith("/") else _default_path(sender.path),
        "secure" in attributes,
        "httponly" in attributes,
        attributes.get("samesite", "").lower(),
        _expiry(attributes, now),
    )
    return cookie if _is_kept(cookie, "domain" in attributes, sender) else None


def _is_kept(cookie: Cookie, has_domain: bool, sender: SplitResult) -> bool:
    """The rules on secure cookies and on the prefixes of names (RFC 6265bis, 5.7)."""
    if cookie.secure and not _is_safe(sender):
        return False
    if cookie.same_site == "none" and not cookie.secure:
        return False
    if cookie.name.startswith("__Host-"):
        return cookie.secure and cookie.path == "/" and not has_domain
    return cookie.secure or not cookie.name.startswith("__Secure-")


def _expiry(attributes: dict[str, str], now: float) -> float | None:
    """Max-Age before Expires; what cannot be read counts as absent."""
    try:
        return now + int(attributes["max-age"])
    except (KeyError, ValueError):
        pass
    try:
        return parsedate_to_datetime(attributes["expires"]).timestamp()
    except (KeyError, ValueError):
        return None


def _is_safe(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return parts.scheme == "https" or host in _LOOPBACK or host.endswith(".localhost")


def _default_path(path: str) -> str:
    folder = path.rpartition("/")[0]
    return folder if folder.startswith("/") else "/"


def _covers(cookie_path: str, path: str) -> bool:
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith("/") else cookie_path + "/")

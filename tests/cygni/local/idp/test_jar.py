from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from cygni.local.idp.jar import Jar, read_cookie

URL = "http://127.0.0.1:8787/v1/auth/login"
NOW = 1_800_000_000.0


def names(jar: Jar, url: str, now: float = NOW) -> list[str]:
    return [each.name for each in jar.of(url, now)]


def jar_with(*headers: str, url: str = URL) -> Jar:
    jar = Jar()
    jar.take(url, headers, NOW)
    return jar


def test_a_secure_cookie_goes_back_to_a_loopback_address() -> None:
    jar = jar_with("__Host-session=abc=; Path=/; Secure; HttpOnly; SameSite=Lax")

    (cookie,) = jar.of("http://127.0.0.1:8787/v1/whoami", NOW)
    assert (cookie.name, cookie.value) == ("__Host-session", "abc=")
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "lax")


def test_a_secure_cookie_is_not_kept_from_plain_http_elsewhere() -> None:
    assert read_cookie("a=1; Secure", urlsplit("http://example.test/"), NOW) is None
    assert read_cookie("a=1; Secure", urlsplit("https://example.test/"), NOW) is not None


def test_no_other_origin_gets_a_cookie() -> None:
    jar = jar_with("a=1; Path=/")

    for url in ("http://127.0.0.1:8788/", "http://localhost:8787/", "https://127.0.0.1:8787/"):
        assert names(jar, url) == []


@pytest.mark.parametrize(
    "header",
    [
        "__Host-a=1; Secure",
        "__Host-a=1; Secure; Path=/v1",
        "__Host-a=1; Path=/",
        "__Host-a=1; Secure; Path=/; Domain=127.0.0.1",
        "__Secure-a=1; Path=/",
        "a=1; SameSite=None",
        "=1",
        "a",
        "",
    ],
)
def test_what_a_browser_would_not_keep_is_not_kept(header: str) -> None:
    assert names(jar_with(header), URL) == []


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1/auth", {"/v1/auth": True, "/v1/auth/x": True, "/v1/authors": False, "/v1": False}),
        ("/v1/auth/", {"/v1/auth/x": True, "/v1/auth": False}),
        ("/", {"/": True, "/anything": True}),
        ("nonsense", {"/v1/auth/x": True, "/v1": False}),
    ],
)
def test_a_cookie_goes_with_its_path_and_what_is_below(path: str, sent: dict[str, bool]) -> None:
    jar = jar_with(f"a=1; Path={path}")

    assert {each: bool(names(jar, f"http://127.0.0.1:8787{each}")) for each in sent} == sent


def test_the_longest_path_is_sent_first() -> None:
    jar = jar_with("a=1; Path=/", "a=2; Path=/v1/auth")

    assert [each.value for each in jar.of(URL, NOW)] == ["2", "1"]


def test_a_cookie_is_replaced_by_its_name_and_path() -> None:
    assert [each.value for each in jar_with("a=1; Path=/", "a=2; Path=/").of(URL, NOW)] == ["2"]


@pytest.mark.parametrize(
    "ending",
    ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0; Expires=Wed, 01 Jan 2098 00:00:00 GMT"],
)
def test_a_server_ends_a_cookie(ending: str) -> None:
    jar = jar_with("a=1; Path=/")

    jar.take(URL, [f"a=; Path=/; {ending}"], NOW)

    assert names(jar, URL) == []


def test_a_cookie_ends_by_itself_when_its_time_is_over() -> None:
    jar = jar_with("a=1; Max-Age=60", "b=1; Max-Age=nonsense")

    assert names(jar, URL, NOW + 59) == ["a", "b"]
    assert names(jar, URL, NOW + 60) == ["b"]

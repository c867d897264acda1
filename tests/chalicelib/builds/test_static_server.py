from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from chalicelib.builds.static_server import Handler, find

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with a page of each kind, and a secret outside of it."""
    root = tmp_path / "site"
    pages = {"index.html": "home", "about.html": "about", "docs/index.html": "docs", "404.html": "lost"}
    assets = {"app.3f2a9c1b.js": "1", "app.js": "1", "a b.txt": "x", "up..down.txt": "y", ".well-known/security.txt": "mail"}
    files = {**pages, **assets, ".env": "secret", ".git/config": "secret"}
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (tmp_path / "secret.txt").write_text("secret")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    return root.resolve()


@pytest.fixture
def server(site: Path) -> Iterator[int]:
    """The port of a running server of the site."""
    handler = type("Site", (Handler,), {"root": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running.server_port
        running.shutdown()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/", b"home", "text/html; charset=utf-8"),
        ("/about", b"about", "text/html; charset=utf-8"),
        ("/docs/", b"docs", "text/html; charset=utf-8"),
        ("/app.js?v=2", b"1", "text/javascript; charset=utf-8"),
        ("/a%20b.txt", b"x", "text/plain; charset=utf-8"),
        ("/up..down.txt", b"y", "text/plain; charset=utf-8"),
        ("/.well-known/security.txt", b"mail", "text/plain; charset=utf-8"),
    ],
)
def test_a_file_is_sent_with_its_type(server: int, path: str, body: bytes, kind: str) -> None:
    status, headers, sent = ask(server, path)

    assert (status, sent, headers["Content-Type"]) == (200, body, kind)


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret.txt", "/%2e%2e/secret.txt", "/docs/../../secret.txt", "/..%2fsecret.txt", "//../secret.txt"),
        *("/out.txt", "/.env", "/.git/config", "/%2eenv", "/docs%00", "/..\\secret.txt", "/%ff", "/gone"),
    ],
)
def test_what_is_outside_hidden_or_absent_is_not_found(server: int, site: Path, path: str) -> None:
    status, _, body = ask(server, path)

    assert (status, body) == (404, b"lost")
    assert find(site, path) is None


def test_a_folder_without_its_slash_is_redirected_so_that_its_links_work(server: int) -> None:
    status, headers, _ = ask(server, "/docs")

    assert (status, headers["Location"]) == (301, "/docs/")


def test_a_browser_that_has_the_file_is_told_to_keep_it(server: int) -> None:
    _, headers, _ = ask(server, "/app.js")

    status, _, body = ask(server, "/app.js", **{"If-None-Match": headers["ETag"]})

    assert (status, body) == (304, b"")


def test_only_a_name_with_a_hash_may_be_kept_for_long(server: int) -> None:
    assert "immutable" in ask(server, "/app.3f2a9c1b.js")[1]["Cache-Control"]
    assert ask(server, "/app.js")[1]["Cache-Control"] == "no-cache"


def test_head_has_the_headers_and_no_body(server: int) -> None:
    status, headers, body = ask(server, "/", "HEAD")

    assert (status, headers["Content-Length"], body) == (200, "4", b"")


def test_another_method_is_not_taken(server: int) -> None:
    assert ask(server, "/", "POST")[0] == 501


def test_a_connection_serves_many_requests(server: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server, timeout=60)) as connection:
        for _ in range(3):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"home"

"""What is before all routes, and the provider as a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psutil
import pytest

from tests.cygni.local.idp.conftest import App


def test_a_page_of_another_site_cannot_sign_anybody_in(app: App) -> None:
    url = f"{app.issuer}/authorize?{urlencode(app.request())}"
    for origin in ("https://evil.example", "null", app.issuer.replace("127.0.0.1", "localhost")):
        answer = app.http.post(url, data={"choice": "ada@example.test"}, headers={"Origin": origin})

        assert answer.status_code == 403
        assert "Location" not in answer.headers


@pytest.mark.parametrize("path", ["/actions/token", "/token", "/github/login/oauth/access_token", "/jwks"])
def test_a_page_of_another_site_gets_no_answer_at_all(app: App, path: str) -> None:
    assert app.http.post(app.issuer + path, headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "127.0.0.1", ""])
def test_a_name_that_was_made_to_point_here_is_not_served(app: App, host: str) -> None:
    assert app.http.get(f"{app.issuer}/jwks", headers={"Host": host}).status_code in (400, 403)


def test_a_person_may_come_by_the_name_localhost(app: App) -> None:
    by_name = app.issuer.replace("127.0.0.1", "localhost")

    page = app.browser.open(f"{by_name}/authorize?{urlencode(app.request())}").submit(button="Ada")

    assert page.title == "Callback"


@pytest.mark.parametrize("path", ["/", "/authorize/", "/github/api/nothing", "/.well-known/other"])
def test_what_is_not_there_is_not_found_and_not_kept(app: App, path: str) -> None:
    answer = app.get(path)

    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_body_that_is_too_large_is_refused(app: App) -> None:
    assert app.http.post(f"{app.issuer}/actions/token", json={"x": "y" * 100_000}).status_code == 413


def command(folder: Path, *more: str) -> list[str]:
    (folder / "secret").write_text("s3cret\n")
    options = ["--state", str(folder / "state"), "--client-id", "cygni", "--client-secret-file", str(folder / "secret")]
    return [sys.executable, "-m", "cygni.local.idp", *options, *more]


@contextmanager
def running(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """The provider as a process, with what it said when it was ready; ended by SIGTERM."""
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(command(folder, *more), stdout=subprocess.PIPE, stderr=log) as run,
    ):
        assert run.stdout is not None
        yield run, json.loads(run.stdout.readline())
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0


@pytest.mark.slow
def test_the_process_says_when_it_is_ready_and_keeps_its_key(tmp_path: Path) -> None:
    uris = ("--redirect-uri", "http://127.0.0.1:1/a", "--redirect-uri", "http://127.0.0.1:1/b")
    with running(tmp_path, *uris) as (process, told):
        first = httpx.get(f"{told['issuer']}/jwks", timeout=60).json()
        listening = [each for each in psutil.Process(process.pid).net_connections() if each.status == psutil.CONN_LISTEN]
    with running(tmp_path, *uris) as (_, told_again):
        second = httpx.get(f"{told_again['issuer']}/jwks", timeout=60).json()

    assert [(each.laddr.ip, each.laddr.port) for each in listening] == [("127.0.0.1", told["port"])]
    assert first == second
    kept = sorted((tmp_path / "state").iterdir())
    assert [each.name for each in kept] == ["actions-key.pem", "actions-request-token", "key.pem"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept} == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert told["request_token_file"] == str(kept[1])


@pytest.mark.slow
def test_nothing_that_was_sent_is_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path, "--redirect-uri", "http://127.0.0.1:1/a") as (_, told):
        with socket.create_connection(("127.0.0.1", told["port"])) as wire:
            wire.sendall(b"GET /authorize?state=c4nary\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"400" in wire.recv(4096)
        form = {"code": "c4nary", "client_secret": "c4nary"}
        httpx.post(f"{told['issuer']}/token", data=form, headers={"Authorization": "Basic c4nary"}, timeout=60)
        httpx.get(f"{told['issuer']}/userinfo?access_token=c4nary", headers={"Authorization": "Bearer c4nary"}, timeout=60)

    log = (tmp_path / "log").read_text()
    assert "c4nary" not in log
    assert "s3cret" not in log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "secret", "code", "why"),
    [
        (["--redirect-uri", "/callback"], "s", 2, "must be absolute"),
        (["--redirect-uri", "http://a/b"], "", 2, "is empty"),
        ([], "s", 2, "--redirect-uri"),
        (["--redirect-uri", "http://a/b", "--port", "TAKEN"], "s", 1, "could not start"),
        (["--redirect-uri", "http://a/b"], "BROKEN KEY", 1, "Delete it"),
    ],
    ids=["relative", "no secret", "no redirect URI", "port taken", "broken key"],
)
def test_what_it_cannot_start_with_it_names(tmp_path: Path, arguments: list[str], secret: str, code: int, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = [str(taken.getsockname()[1]) if each == "TAKEN" else each for each in arguments]
        line = command(tmp_path, *wanted)
        (tmp_path / "secret").write_text(secret)
        if secret == "BROKEN KEY":
            (tmp_path / "state").mkdir()
            (tmp_path / "state" / "key.pem").write_text("half of a k")
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False)

    assert done.returncode == code
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

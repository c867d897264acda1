"""Nothing that opens a door is in any log, in any audit trail, or lies in the store as it was handed out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from chalicelib.platform.aws import client
from cygni.local.idp.browser import Browser
from functions.catalog import TABLES
from tests.support.signin import CLIENT_SECRET, Site, Terminal, query_of, seat, stopped_at_callback

TEAM = "team_01J11111111111111111111111"


class Everything(logging.Handler):
    """Keeps all that is logged anywhere, with what goes along."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(repr(record.__dict__) + record.getMessage())


@pytest.fixture
def heard() -> Iterator[Everything]:
    handler = Everything()
    loggers = [logging.getLogger(name) for name in ("", "cygni", "cloud.http", "idp")]
    for each in loggers:
        each.addHandler(handler)
    level = logging.getLogger("cloud.http").level
    logging.getLogger("cloud.http").setLevel(logging.DEBUG)
    yield handler
    logging.getLogger("cloud.http").setLevel(level)
    for each in loggers:
        each.removeHandler(handler)


def stored() -> str:
    return "\n".join(
        json.dumps(item, default=str) for table in TABLES for item in client("dynamodb").scan(TableName=table.name)["Items"]
    )


def test_no_secret_of_a_sign_in_is_written_down(
    site: Site, browser: Browser, heard: Everything, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, str]] = []
    web = site.fakes.providers.web

    def listening(url: str, fields: object, headers: object) -> dict[str, object]:
        answer = web.post_form(url, fields, headers)  # type: ignore[arg-type]
        asked.append({**fields, **{name: str(value) for name, value in answer.items()}})  # type: ignore[dict-item]
        return answer

    site.fakes.providers.web = type(web)(web.get_json, web.get_list, listening)  # type: ignore[arg-type]
    callback = stopped_at_callback(site, browser)
    browser.open(callback)
    browser.open(callback)  # a refusal is told, and so must not tell
    terminal = Terminal(site)
    terminal.sign_in(browser)
    seat(terminal.user, TEAM, "owner")
    old = terminal.tokens
    terminal.refresh(team=TEAM)
    site.fakes.clock.sleep(11)
    terminal.token(grant_type="refresh_token", refresh_token=old["refresh_token"])
    terminal.token(grant_type="refresh_token", refresh_token=old["refresh_token"][:-1] + "A")

    secrets = {
        "state": query_of(callback)["state"],
        "code": query_of(callback)["code"],
        "verifier": asked[0]["code_verifier"],
        "id token": asked[0]["id_token"],
        "provider's token": asked[0]["access_token"],
        "client secret": CLIENT_SECRET,
        "device code": terminal.device["device_code"],
        "access token": terminal.tokens["access_token"],
        "old refresh token": old["refresh_token"],
        "refresh token": terminal.tokens["refresh_token"],
        **{each.name: each.value for each in browser.cookies(site.url)},
    }
    out = capfd.readouterr()
    logged = "\n".join(heard.lines) + out.out + out.err
    assert "a refresh token was used a second time" in logged  # there was something to hear
    assert "GET /v1/auth/callback" in logged
    assert [name for name, secret in secrets.items() if secret in logged] == []
    assert [name for name, secret in secrets.items() if secret[-43:] in logged] == []
    kept = stored()
    assert terminal.user in kept
    assert [name for name, secret in secrets.items() if secret in kept or secret[-43:] in kept] == []


def test_a_problem_repeats_no_token(site: Site) -> None:
    canary = "canary-s3cret-0123456789"

    for form in ({"grant_type": canary}, {"grant_type": "refresh_token", "refresh_token": canary, "client_id": canary}):
        assert canary not in site.http.post(f"{site.url}/v1/auth/token", data=form).text
    for path in (
        f"callback?state={canary}&code={canary}&error={canary}",
        f"login?provider={canary}",
        f"device?user_code={canary}",
    ):
        answer = site.http.get(f"{site.url}/v1/auth/{path}")
        assert canary not in answer.text + repr(answer.headers)

"""Logs of the application and of its builds."""

from __future__ import annotations

import json

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, ended


def line(text: str, release: int = 1) -> dict[str, object]:
    return {"at": "2026-01-02T03:04:05Z", "release": release, "instance": "web-a", "text": text}


@pytest.fixture(autouse=True)
def service(api: FakeApi) -> None:
    api.add_service()
    api.log_lines += [line("one"), line("two", release=2)]


def test_lines_have_time_release_and_instance(cli: Cli) -> None:
    assert cli("logs").stdout.splitlines() == ["03:04:05 r1 web-a │ one", "03:04:05 r2 web-a │ two"]


def test_a_release_can_be_named(cli: Cli) -> None:
    assert [each["text"] for each in cli.document("logs", "--release", "r2")["items"]] == ["two"]


def test_following_prints_what_comes_until_it_is_interrupted(cli: Cli, api: FakeApi) -> None:
    looks = iter(["three", None, "four", "stop"])

    def more(_: float) -> None:
        text = next(looks)
        if text == "stop":
            raise KeyboardInterrupt
        if text:
            api.log_lines.append(line(text))

    cli.sleep = more
    result = cli("logs", "--follow", "--json")

    assert result.exit_code == Exit.INTERRUPTED
    assert [json.loads(each)["text"] for each in result.stdout.splitlines()] == ["one", "two", "three", "four"]


def test_control_sequences_of_an_app_do_not_reach_the_terminal(cli: Cli, api: FakeApi) -> None:
    api.log_lines[:] = [line("\x1b]0;title\x07\x1b[2Jsafe [bold]text[/bold]")]

    shown = cli("logs").stdout

    assert "\x1b" not in shown
    assert "safe [bold]text[/bold]" in shown


def test_a_build_log_is_printed_whole(cli: Cli, api: FakeApi) -> None:
    api.script = lambda: ended("failed", "It broke.", *(f"line {number}" for number in range(5)))
    cli("deploy")

    assert cli("build-log").stdout.splitlines() == [f"line {number}" for number in range(5)]
    assert cli.document("build-log", "r1")["lines"][-1] == "line 4"
    assert cli.document("build-log", "r1")["complete"] is True

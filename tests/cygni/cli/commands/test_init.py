"""`cygni init`."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.projects.appfile import parse
from cygni.cli.appfile import suggest_name
from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi


@pytest.fixture(autouse=True)
def fresh(cli: Cli) -> Path:
    path = cli.folder / "cygni.yaml"
    path.unlink()
    return path


def test_it_writes_a_valid_file_named_after_the_folder_with_what_was_detected(cli: Cli, fresh: Path) -> None:
    (cli.folder / "requirements.txt").write_text("flask\n")

    result = cli("init")

    assert result.exit_code == Exit.OK
    assert parse(fresh.read_text()).name == "shop"
    assert "python app.py" in fresh.read_text()
    assert "Detected: Python" in result.stdout
    assert "cygni deploy" in result.stdout


def test_name_service_and_port_can_be_said(cli: Cli, fresh: Path) -> None:
    cli("init", "--name", "hats", "--service", "api", "--port", "3000")

    app = parse(fresh.read_text())
    assert app.name == "hats"
    assert app.services["api"].port == 3000


def test_a_file_that_is_there_is_never_written_over(cli: Cli, fresh: Path) -> None:
    fresh.write_text("mine")

    result = cli("init")

    assert result.exit_code == Exit.USAGE
    assert "--force" in result.stderr
    assert fresh.read_text() == "mine"


def test_by_force_it_is_and_the_old_file_has_no_say(cli: Cli, fresh: Path) -> None:
    fresh.write_text("version: 9\n")

    assert cli("init", "--force").exit_code == Exit.OK
    assert parse(fresh.read_text()).version == 1


@pytest.mark.parametrize("lost", [{"CYGNI_ENDPOINT": "http://127.0.0.1:9"}, {"CYGNI_TOKEN": "wrong"}, {"CYGNI_ENDPOINT": ""}])
def test_without_a_control_plane_it_writes_a_plain_file_and_says_so(cli: Cli, fresh: Path, lost: dict[str, str]) -> None:
    cli.environ.update(lost)

    result = cli("init")

    assert result.exit_code == Exit.OK
    assert parse(fresh.read_text()).services["web"].port == 8080
    assert "Nothing was detected" in result.stdout


def test_what_cannot_be_built_is_warned_of_and_the_file_written(cli: Cli, api: FakeApi, fresh: Path) -> None:
    (cli.folder / "app.py").unlink()

    result = cli("init")

    assert result.exit_code == Exit.OK
    assert "note: " in result.stdout
    assert fresh.exists()


def test_a_name_that_breaks_the_rules_is_refused_and_nothing_written(cli: Cli, fresh: Path) -> None:
    result = cli("init", "--name", "Hats!")

    assert result.exit_code == Exit.USAGE
    assert "body.name" in result.stderr
    assert not fresh.exists()


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("My Shop", "my-shop"),
        ("2024_report", "report"),
        ("--x--", "x"),
        ("ümläut", "ml-ut"),
        ("42", "app"),
        ("a" * 29 + "-bc", "a" * 29),
    ],
)
def test_a_folders_name_becomes_a_valid_one(folder: str, name: str) -> None:
    assert suggest_name(Path("/tmp") / folder) == name

"""Variables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cygni.cli.commands.config import parse_lines, read_pairs
from cygni.cli.errors import Usage
from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, rolled_back

WEB = ("shop", "prod", "web")


@pytest.fixture
def live(api: FakeApi) -> None:
    api.add_service(live=1)


@pytest.mark.usefixtures("live")
def test_a_change_rolls_the_live_release_out_again(cli: Cli, api: FakeApi) -> None:
    result = cli("config", "set", "LEVEL=debug")

    assert result.exit_code == Exit.OK
    assert api.config[WEB] == {"LEVEL": "debug"}
    assert api.asked("POST", "/deployments")[0].body == {"redeploy": True, "message": "config: LEVEL"}
    assert "is promoted" in result.stdout


@pytest.mark.usefixtures("live")
def test_a_change_that_makes_the_release_fail_has_the_rollouts_exit_code(cli: Cli, api: FakeApi) -> None:
    api.script = rolled_back

    assert cli("config", "set", "LEVEL=debug").exit_code == Exit.ROLLED_BACK


@pytest.mark.usefixtures("live")
def test_staged_it_waits_for_the_next_deployment(cli: Cli, api: FakeApi) -> None:
    result = cli("config", "set", "LEVEL=debug", "--stage")

    assert api.config[WEB] == {"LEVEL": "debug"}
    assert not api.deployments
    assert "next deployment" in result.stdout


def test_before_the_first_release_there_is_nothing_to_roll_out(cli: Cli, api: FakeApi) -> None:
    api.add_service()

    assert cli("config", "set", "LEVEL=debug").exit_code == Exit.OK
    assert not api.deployments


@pytest.mark.usefixtures("live")
def test_others_variables_stay(cli: Cli, api: FakeApi) -> None:
    api.config[WEB] = {"THEIRS": "1", "OLD": "2"}

    cli("config", "set", "OURS=3", "--stage")
    cli("config", "unset", "OLD", "--stage")

    assert api.config[WEB] == {"THEIRS": "1", "OURS": "3"}


@pytest.mark.usefixtures("live")
def test_a_secret_comes_from_a_file_or_from_stdin(cli: Cli, api: FakeApi) -> None:
    (cli.folder / "key.pem").write_text("-----KEY-----\n")

    cli("config", "set", "KEY=@key.pem", "PASSWORD=-", "--stage", stdin="s3cret\n")

    assert api.config[WEB] == {"KEY": "-----KEY-----\n", "PASSWORD": "s3cret"}


@pytest.mark.usefixtures("live")
def test_lines_come_from_stdin(cli: Cli, api: FakeApi) -> None:
    cli("config", "set", "-", "--stage", stdin="# note\nA=1\n\nexport B='two words'\nC=x=y\n")

    assert api.config[WEB] == {"A": "1", "B": "two words", "C": "x=y"}


@pytest.mark.usefixtures("live")
def test_values_are_not_printed_unless_asked_for(cli: Cli, api: FakeApi) -> None:
    api.config[WEB] = {"PASSWORD": "s3cret"}

    assert "s3cret" not in cli("config", "list").output
    assert cli.document("config", "list")["values"] == {"PASSWORD": None}
    assert "s3cret" in cli("config", "list", "--show").stdout
    assert cli.document("config", "list", "--show")["values"] == {"PASSWORD": "s3cret"}


@pytest.mark.usefixtures("live")
def test_setting_prints_no_value(cli: Cli) -> None:
    assert "s3cret" not in cli("config", "set", "PASSWORD=s3cret", "--stage").output
    assert json.loads(cli("config", "set", "PASSWORD=s3cret", "--stage", "--json").stdout)["values"] == {"PASSWORD": None}


@pytest.mark.usefixtures("live")
def test_a_bad_name_is_told_by_its_field(cli: Cli, api: FakeApi) -> None:
    result = cli("config", "set", "1A=x")

    assert result.exit_code == Exit.USAGE
    assert "body.set.1A" in result.stderr
    assert not api.config.get(WEB)


@pytest.mark.parametrize("pair", ["LEVEL", "=x", ""])
def test_a_pair_that_is_none_is_refused(pair: str, tmp_path: Path) -> None:
    with pytest.raises(Usage, match="has no value"):
        read_pairs([pair], tmp_path)


def test_a_file_that_is_not_there_is_named_with_the_way_round(tmp_path: Path) -> None:
    with pytest.raises(Usage) as caught:
        read_pairs(["SCOPE=@acme/ui"], tmp_path)

    assert "acme/ui" in caught.value.message
    assert "SCOPE=-" in caught.value.remedy


def test_a_line_that_is_no_pair_is_told_by_its_number_not_its_text() -> None:
    with pytest.raises(Usage, match="Line 2 of stdin") as caught:
        parse_lines("A=1\nhunter2\n")

    assert "hunter2" not in str(caught.value)

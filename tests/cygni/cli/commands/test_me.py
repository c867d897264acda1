"""Where one is signed in, and what is kept of oneself."""

from __future__ import annotations

import json
import stat

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi
from tests.fakes.teams import Team


def test_sign_ins_are_listed_with_this_one_marked(ann: Cli, api: FakeApi) -> None:
    for device in ("desk", "phone"):
        api.sign_in.open(api.identity.user("ann"), device_name=device)

    lines = ann("sessions", "list").stdout.splitlines()

    assert lines[1].startswith("*  cygni on laptop")
    assert [line.split()[0] for line in lines[2:]] == ["desk", "phone"]
    assert [each["current"] for each in ann.document("sessions", "list")["items"]] == [True, False, False]


def test_a_sign_in_elsewhere_is_ended(ann: Cli, api: FakeApi) -> None:
    api.sign_in.open(api.identity.user("ann"), device_name="phone")

    assert ann("sessions", "revoke", "phone", "--json").exit_code == Exit.USAGE
    assert ann("sessions", "revoke", "phone", "--yes").stdout == "phone is signed out.\n"
    assert [each.device_name for each in api.sign_in.sessions.values()] == ["cygni on laptop"]
    assert ann("whoami").exit_code == Exit.OK


def test_ending_this_very_sign_in_signs_out_here(ann: Cli, api: FakeApi) -> None:
    (here,) = api.sign_in.sessions

    ann("sessions", "revoke", here, "--yes")

    assert ann("whoami").exit_code == Exit.NOT_SIGNED_IN
    assert "cyr_" not in ann.kept.read_text()


def test_a_key_has_no_sign_ins(cli: Cli) -> None:
    assert "no person's" in cli("sessions", "list").stdout


def test_the_export_holds_every_page_and_is_for_its_owner_only(ann: Cli, api: FakeApi, acme: Team) -> None:
    for number in range(5):
        acme.tell(api.identity.user("ann"), "create_project", f"projects/p{number}")

    result = ann.document("account", "export", "me.json")

    path = ann.folder / "me.json"
    assert result == {"path": str(path), "user": api.identity.user("ann"), "lines": 5}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_text())
    assert written["profile"]["email"] == "ann@example.com"
    assert len(written["audit"]) == 5
    assert "next_cursor" not in written


def test_an_export_that_cannot_be_written_is_told(ann: Cli) -> None:
    result = ann("account", "export", "nowhere/me.json")

    assert result.exit_code == Exit.USAGE
    assert "nowhere/me.json cannot be written" in result.stderr


def test_erasing_oneself_is_asked_for_first(ann: Cli, api: FakeApi) -> None:
    assert ann("account", "erase", stdin="n\n").exit_code == Exit.UNEXPECTED
    assert ann("account", "erase", "--json").exit_code == Exit.USAGE
    assert api.identity.erased == []


def test_the_last_owner_is_not_erased_and_stays_signed_in(ann: Cli, api: FakeApi) -> None:
    result = ann("account", "erase", "--yes")

    assert result.exit_code == Exit.CONFLICT
    assert "cygni team transfer" in result.stderr
    assert ann("whoami").exit_code == Exit.OK


@pytest.mark.usefixtures("acme")
def test_whoever_is_erased_is_signed_out_here(cli: Cli, api: FakeApi) -> None:
    cli.sign_in(api, "dan")

    assert cli("account", "erase", "--yes").stdout == "dan is erased.\n"
    assert api.identity.erased == [api.identity.user("dan")]
    assert cli("whoami").exit_code == Exit.NOT_SIGNED_IN
    assert "cyr_" not in cli.kept.read_text()

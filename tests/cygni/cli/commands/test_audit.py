"""The audit trail: reading, exporting, and whether it holds."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, datetime, timedelta

import pytest

from cygni.cli.commands.audit import harmless
from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, Fault
from tests.fakes.teams import Team, alter


@pytest.fixture
def trail(api: FakeApi, acme: Team) -> Team:
    """Seven lines: dan deployed thrice, vera was refused, ann changed the team, key and all."""
    dan, vera, ann = (api.identity.user(name) for name in ("dan", "vera", "ann"))
    for number in (1, 2, 3):
        acme.tell(dan, "create_deployment", f"projects/shop/environments/prod/services/web{number}")
    acme.tell(vera, "delete_project", "projects/shop", code="forbidden")
    acme.tell(ann, "change_member", f"team/members/{dan}")
    acme.tell("admin", "create_project", "projects/blog", kind="operator")
    acme.tell(ann, "change_team", "team")
    return acme


def test_lines_are_listed_newest_first_with_names_for_ids(ann: Cli, trail: Team) -> None:
    lines = ann("audit", "list").stdout.splitlines()

    assert [line.split()[0] for line in lines[1:]] == ["7", "6", "5", "4", "3", "2", "1"]
    assert " ann " in lines[1]
    assert "team/members/dan" in lines[3]
    assert "vera" in lines[4]
    assert "refused: forbidden" in lines[4]
    assert "203.0.113.7" in lines[4]
    assert "usr_" not in "\n".join(lines)


def test_for_machines_lines_are_as_the_api_sent_them(ann: Cli, api: FakeApi, trail: Team) -> None:
    found = ann.document("audit", "list", "--limit", "3")

    assert [each["seq"] for each in found["items"]] == [7, 6, 5]
    assert found["items"][0]["actor"] == api.identity.user("ann")
    assert not api.asked("GET", "/v1/team/members")


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (("--actor", "dan"), [3, 2, 1]),
        (("--actor", "DAN@example.com"), [3, 2, 1]),
        (("--actor", "admin"), [6]),
        (("--refused",), [4]),
        (("--operation", "change_team"), [7]),
        (("--resource", "projects/shop"), [4, 3, 2, 1]),
        (("--resource", "/v1/projects/shop/"), [4, 3, 2, 1]),
        (("--since", "1h"), [7, 6, 5, 4, 3, 2, 1]),
        (("--until", "1h"), []),
        (("--since", "2020-01-01", "--until", "2020-02-01T00:00:00+02:00"), []),
    ],
    ids=lambda each: " ".join(map(str, each)),
)
def test_lines_are_filtered(ann: Cli, trail: Team, options: tuple[str, ...], lines: list[int]) -> None:
    assert [each["seq"] for each in ann.document("audit", "list", *options)["items"]] == lines


def test_an_id_is_filtered_for_as_it_is_without_asking_for_names(ann: Cli, api: FakeApi, trail: Team) -> None:
    assert len(ann.document("audit", "list", "--actor", api.identity.user("dan"))["items"]) == 3
    assert not api.asked("GET", "/v1/team/members")


@pytest.mark.parametrize("moment", ["yesterday", "7", "7y", "2026-13-01", "999999w"])
def test_a_moment_that_is_none_is_refused_with_how_to_write_one(ann: Cli, api: FakeApi, acme: Team, moment: str) -> None:
    result = ann("audit", "list", "--since", moment)

    assert result.exit_code == Exit.USAGE
    assert "7d" in result.stderr
    assert not api.asked("GET", "/v1/audit")


def test_an_empty_span_is_told_by_the_api(ann: Cli, acme: Team) -> None:
    result = ann("audit", "list", "--since", "1h", "--until", "2h")

    assert result.exit_code == Exit.USAGE
    assert "query.until" in result.stderr


# --- export


def test_an_export_holds_every_line_and_is_for_its_owner_only(ann: Cli, trail: Team) -> None:
    result = ann.document("audit", "export", "audit.csv")

    path = ann.folder / "audit.csv"
    assert result == {"path": str(path), "format": "csv", "lines": 7}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["seq"] for row in rows] == ["7", "6", "5", "4", "3", "2", "1"]
    assert rows[3]["code"] == "forbidden"


def test_an_export_as_json_is_one_list_of_what_the_api_sent(ann: Cli, trail: Team) -> None:
    ann("audit", "export", "audit", "--format", "json", "--actor", "dan")

    exported = json.loads((ann.folder / "audit").read_text())
    assert exported == ann.document("audit", "list", "--actor", "dan")["items"]


def test_an_export_of_nothing_is_valid(ann: Cli, trail: Team) -> None:
    ann("audit", "export", "none.json", "--actor", "nobody")
    ann("audit", "export", "none.csv", "--actor", "nobody")

    assert json.loads((ann.folder / "none.json").read_text()) == []
    assert len((ann.folder / "none.csv").read_text().splitlines()) == 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_marked_as_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["create_project", "", "a=b", 7, -7])
def test_other_cells_stay_as_they_are(cell: object) -> None:
    assert harmless(cell) == str(cell)


def test_a_formula_in_a_resource_is_harmless_in_the_file(ann: Cli, acme: Team) -> None:
    acme.tell("=HYPERLINK(1)", "create_project", "@SUM(1)")

    ann("audit", "export", "audit.csv")

    (row,) = csv.DictReader((ann.folder / "audit.csv").read_text().splitlines())
    assert (row["actor"], row["resource"]) == ("'=HYPERLINK(1)", "'@SUM(1)")


def test_a_file_that_does_not_say_what_it_is_needs_a_format(ann: Cli, api: FakeApi, acme: Team) -> None:
    result = ann("audit", "export", "audit.xlsx")

    assert result.exit_code == Exit.USAGE
    assert "--format" in result.stderr
    assert not (ann.folder / "audit.xlsx").exists()


def test_an_export_that_is_cut_off_leaves_the_file_that_was_there(ann: Cli, api: FakeApi, trail: Team) -> None:
    (ann.folder / "audit.csv").write_text("the old one")
    api.faults.append(Fault("/v1/audit/export", 500, times=99))

    assert ann("audit", "export", "audit.csv").exit_code == Exit.UNEXPECTED
    assert (ann.folder / "audit.csv").read_text() == "the old one"
    assert [each.name for each in ann.folder.iterdir() if each.name.endswith(".new")] == []


# --- verify


def test_a_trail_that_holds_prints_its_head_to_note_down(ann: Cli, trail: Team) -> None:
    result = ann("audit", "verify")

    assert result.exit_code == Exit.OK
    assert "The audit trail holds (7 lines, 1 to 7)." in result.stdout
    assert f"head 7:{trail.lines[-1].digest}" in result.stdout.splitlines()


def test_for_machines_the_finding_is_one_document(ann: Cli, trail: Team) -> None:
    assert ann.document("audit", "verify") == {
        "ok": True,
        "head": f"7:{trail.lines[-1].digest}",
        "lines": 7,
        "oldest": 1,
        "newest": 7,
        "expired": 0,
        "faults": [],
    }


def test_a_head_that_was_noted_is_still_there_after_more_lines(ann: Cli, trail: Team) -> None:
    noted = ann.document("audit", "verify")["head"]
    for _ in range(3):
        trail.tell("admin", "create_project", "projects/more")

    assert ann("audit", "verify", "--expect", noted).exit_code == Exit.OK


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda team: alter(team, 4, outcome="done", code=""), "line 4: The line was altered"),
        (lambda team: alter(team, 3, source="198.51.100.1"), "line 3: Where the request came from was altered."),
        (lambda team: team.lines.pop(3), "line 4: Line 4 is missing."),
        (lambda team: (team.lines.pop(3), team.lines.pop(3)), "line 4: Lines 4 to 5 are missing."),
        (lambda team: team.lines.pop(0), "line 1: Line 1 is missing, though it has not expired."),
        (
            lambda team: team.lines.insert(3, team.lines[1]),
            "line 3: The line stands before line 2, where an older one belongs.",
        ),
    ],
    ids=["altered", "source altered", "taken out", "two taken out", "first taken out", "put in"],
)
def test_what_was_done_to_a_trail_shows(ann: Cli, trail: Team, tamper: object, says: str) -> None:
    tamper(trail)  # type: ignore[operator]

    result = ann("audit", "verify")

    assert result.exit_code == Exit.TAMPERED
    assert "The audit trail does not hold" in result.stdout
    assert says in result.stdout
    assert json.loads(ann("audit", "verify", "--json").stdout)["ok"] is False


def test_a_trail_that_was_rewritten_whole_no_longer_has_the_head_that_was_noted(ann: Cli, trail: Team) -> None:
    noted = ann.document("audit", "verify")["head"]
    lines, trail.lines = trail.lines, []
    for each in lines:
        trail.tell("somebody else", each.line.operation, each.line.resource)

    assert ann("audit", "verify").exit_code == Exit.OK, "nothing but a noted head can tell"
    result = ann("audit", "verify", "--expect", noted)

    assert result.exit_code == Exit.TAMPERED
    assert "line 7: The line is not the one that was noted" in result.stdout


def test_a_trail_that_was_cut_short_ends_before_the_head_that_was_noted(ann: Cli, trail: Team) -> None:
    noted = ann.document("audit", "verify")["head"]
    del trail.lines[4:]

    result = ann("audit", "verify", "--expect", noted)

    assert result.exit_code == Exit.TAMPERED
    assert "The trail ends at line 4, before the line that was noted." in result.stdout


def test_where_from_can_be_erased_and_the_trail_still_holds(ann: Cli, trail: Team) -> None:
    for seq in (1, 2, 3):
        alter(trail, seq, source="", salt="")

    assert ann("audit", "verify").exit_code == Exit.OK


def test_lines_that_have_expired_are_not_missing(ann: Cli, trail: Team) -> None:
    trail.lines.clear()
    for days in (-3, -2, -1, 10, 10):
        trail.tell("admin", "create_project", "projects/x", days=days)
    del trail.lines[:3]

    result = ann("audit", "verify")

    assert result.exit_code == Exit.OK
    assert "2 lines, 4 to 5; 3 lines before or between them expired" in result.stdout


def test_a_head_whose_line_has_expired_is_known_by_the_line_after_it_and_not_longer(ann: Cli, trail: Team) -> None:
    trail.lines.clear()
    for days in (-3, -2, 10):
        trail.tell("admin", "create_project", "projects/x", days=days)
    first, second = (f"{each.line.seq}:{each.digest}" for each in trail.lines[:2])
    del trail.lines[:2]

    assert ann("audit", "verify", "--expect", second).exit_code == Exit.OK
    result = ann("audit", "verify", "--expect", first)
    assert result.exit_code == Exit.TAMPERED
    assert "note a newer head" in result.stdout


def test_an_empty_trail_holds(ann: Cli, acme: Team) -> None:
    acme.lines.clear()

    assert ann("audit", "verify").exit_code == Exit.OK


@pytest.mark.parametrize("head", ["7", "7:", "7:abc", "0:" + "a" * 64, "x:" + "a" * 64, "7:" + "g" * 64])
def test_a_head_that_is_none_is_refused(ann: Cli, api: FakeApi, acme: Team, head: str) -> None:
    result = ann("audit", "verify", "--expect", head)

    assert result.exit_code == Exit.USAGE
    assert "SEQ:DIGEST" in result.stderr
    assert not api.asked("GET", "/v1/audit/head")


def test_a_trail_of_another_shape_is_told_and_no_trace(ann: Cli, api: FakeApi, trail: Team) -> None:
    api.faults.append(Fault("/v1/audit/export", 200, body=b'{"items": [{"seq": 7}], "next_cursor": null}'))

    result = ann("audit", "verify")

    assert result.exit_code == Exit.UNEXPECTED
    assert "no line of an audit trail" in result.stderr


def test_times_are_shown_in_utc(ann: Cli, trail: Team) -> None:
    shown = ann("audit", "list", "-n", "1").stdout.splitlines()[1]

    today = datetime.now(UTC)
    assert today.strftime("%Y-%m-%d") in shown or (today - timedelta(days=1)).strftime("%Y-%m-%d") in shown

"""The command's own reading of the chain agrees with the trail's, and is not the trail's."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audit import rules
from chalicelib.audit.schemas import LineView, line_view
from cygni.cli import chain
from cygni.cli.identity_shapes import Head, Line
from tests.fakes.teams import Team, alter

NOW = datetime.now(UTC).timestamp()


def shown(team: Team) -> list[Line]:
    """A team's lines as the API gives them, newest first."""
    return [cast(Line, line_view(each).model_dump(mode="json")) for each in reversed(team.lines)]


def head_of(team: Team) -> Head:
    last = team.lines[-1]
    return Head(team=team.id, seq=last.line.seq, digest=last.digest)


def trail(*texts: str) -> Team:
    made = Team("team_" + "1" * 26, "Acme")
    for text in texts:
        made.tell("usr_1", "create_project", text)
    return made


def test_what_the_digest_covers_is_what_the_trail_covers() -> None:
    assert {"team", *chain.COVERED} == set(rules.FIELDS)
    assert set(Line.__annotations__) == set(LineView.model_fields)
    assert chain.GENESIS == rules.GENESIS


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_digests_and_seals_agree_for_any_text(texts: list[str]) -> None:
    team = trail(*(text.encode("utf-8", "replace").decode() for text in texts))

    for line, linked in zip(shown(team), reversed(team.lines), strict=True):
        assert chain.digest_of(team.id, line) == linked.digest
        assert chain.seal_of(line["source"], line["salt"]) == line["seal"]
    assert chain.examine(head_of(team), shown(team), now=NOW).faults == []


CHANGES: dict[str, Any] = {
    "at": "2020-01-01T00:00:00.000Z",
    "actor": "usr_2",
    "actor_kind": "key",
    "operation": "delete_project",
    "resource": "projects/other",
    "outcome": "refused",
    "code": "forbidden",
    "request": "another",
    "before": "a",
    "after": "b",
    "seal": "0" * 32,
    "expires": 1,
    "previous_expires": 2,
    "previous": "f" * 64,
    "digest": "e" * 64,
    "source": "198.51.100.1",
    "seq": 9,
}


@given(st.integers(1, 5), st.sampled_from(sorted(CHANGES)))
@settings(max_examples=80, deadline=None)
def test_no_member_of_any_line_can_be_changed_without_a_trace(seq: int, member: str) -> None:
    team = trail("a", "b", "c", "d", "e")
    head = head_of(team)

    alter(team, seq, **{member: CHANGES[member]})

    assert chain.examine(head, shown(team), now=NOW).faults != []


@given(st.integers(0, 4))
@settings(max_examples=10, deadline=None)
def test_no_line_can_be_taken_out_without_a_trace(index: int) -> None:
    team = trail("a", "b", "c", "d", "e")
    head = head_of(team)

    del team.lines[index]

    assert chain.examine(head, shown(team), now=NOW).faults != []


def test_lines_that_came_while_it_was_read_are_looked_at_too() -> None:
    team = trail("a", "b")
    head = head_of(team)
    team.tell("usr_1", "create_project", "c")

    found = chain.examine(head, shown(team), now=NOW)

    assert (found.faults, found.newest) == ([], 3)


def test_a_retention_that_was_shortened_leaves_a_gap_that_is_no_fault() -> None:
    team = trail("a", "b")
    for days in (-1, -1, 5):
        team.tell("usr_1", "create_project", "short", days=days)
    del team.lines[2:4]

    found = chain.examine(head_of(team), shown(team), now=NOW)

    assert (found.faults, found.expired, found.lines) == ([], 2, 3)


def test_a_mark_reads_what_it_writes() -> None:
    mark = chain.Mark(41, "ab" * 32)

    assert chain.mark_of(f" {mark} ") == mark


def test_a_finding_names_each_fault_with_its_line() -> None:
    assert [each.name for each in dataclasses.fields(chain.Fault)] == ["seq", "sentence"]

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.audit.rules import CHUNK, GENESIS, Line, Linked, chunk_of, digest_of, faults, seal_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATER = int((NOW + timedelta(days=400)).timestamp())


def chain(length: int, *, expires: int = LATER) -> list[Linked]:
    """A sound trail."""
    found: list[Linked] = []
    for seq in range(1, length + 1):
        before = found[-1] if found else None
        line = Line(
            team="team_1",
            seq=seq,
            at=f"2026-01-01T00:00:{seq % 60:02d}.000Z",
            actor="usr_1",
            actor_kind="user",
            operation="create_project",
            resource=f"projects/p{seq}",
            outcome="done",
            code="",
            request=f"req-{seq}",
            before="",
            after="a" * 32,
            seal=seal_of("192.0.2.1", "salt"),
            expires=expires,
            previous_expires=before.line.expires if before else 0,
            previous=before.digest if before else GENESIS,
        )
        found.append(Linked(line, digest_of(line), "192.0.2.1", "salt"))
    return found


def verdict(lines: list[Linked], whole: list[Linked]) -> list[str]:
    """What is wrong with lines whose team's record was written by the whole trail."""
    seq, digest = (whole[-1].line.seq, whole[-1].digest) if whole else (0, GENESIS)
    return [f"{fault.seq}: {fault.sentence}" for fault in faults(lines, head_seq=seq, head_digest=digest, now=NOW)]


@given(st.integers(0, 12))
def test_a_whole_trail_is_sound(length: int) -> None:
    lines = chain(length)

    assert verdict(lines, lines) == []


@given(st.integers(1, 12), st.data())
def test_a_line_that_was_taken_out_shows(length: int, data: st.DataObject) -> None:
    lines = chain(length)
    gone = data.draw(st.integers(0, length - 1))

    assert verdict(lines[:gone] + lines[gone + 1 :], lines)


@given(st.integers(1, 8), st.data())
def test_an_altered_member_of_a_line_shows_even_with_a_digest_made_to_fit(length: int, data: st.DataObject) -> None:
    lines = chain(length)
    index = data.draw(st.integers(0, length - 1))
    name = data.draw(st.sampled_from([each.name for each in fields(Line)]))
    kept = lines[index]
    value = getattr(kept.line, name)
    altered = replace(kept.line, **{name: value + 1 if isinstance(value, int) else value + "x"})

    careless = [*lines[:index], replace(kept, line=altered), *lines[index + 1 :]]
    careful = [*lines[:index], replace(kept, line=altered, digest=digest_of(altered)), *lines[index + 1 :]]

    assert verdict(careless, lines)
    assert verdict(careful, lines)


def test_lines_that_have_expired_may_be_gone_from_the_beginning() -> None:
    past = int((NOW - timedelta(days=1)).timestamp())
    lines = chain(5, expires=past)

    assert verdict(lines[3:], lines) == []


def test_lines_that_have_not_expired_may_not_be_gone_from_the_beginning() -> None:
    lines = chain(5)

    assert verdict(lines[3:], lines) == ["3: Line 3 is missing, though it has not expired."]


def test_lines_gone_from_the_end_show_by_the_teams_record() -> None:
    lines = chain(5)

    assert verdict(lines[:3], lines) == ["4: Lines 4 to 5 are missing at the end."]
    assert verdict([], lines) == ["1: All 5 lines are missing."]


def test_an_erased_source_leaves_the_chain_sound_and_a_forged_one_shows() -> None:
    lines = chain(3)
    erased = [replace(lines[0], source="", salt=""), *lines[1:]]
    forged = [replace(lines[0], source="198.51.100.7"), *lines[1:]]

    assert verdict(erased, lines) == []
    assert verdict(forged, lines) == ["1: Where the request came from was altered."]


@pytest.mark.parametrize(("seq", "chunk"), [(1, 0), (CHUNK, 0), (CHUNK + 1, 1), (2 * CHUNK, 1), (2 * CHUNK + 1, 2)])
def test_partitions_begin_where_the_one_before_ends(seq: int, chunk: int) -> None:
    assert chunk_of(seq) == chunk

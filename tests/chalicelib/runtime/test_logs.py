"""The lines of many pods as one log, page by page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import Malformed
from chalicelib.runtime.logs import START, Cursor, Place, PodLog, entries, merge, nanoseconds, second_before


def stamped(*lines: tuple[int, str]) -> str:
    """Lines at nanoseconds after 2026-01-01."""
    return "".join(f"2026-01-01T00:00:{at // 10**9:02d}.{at % 10**9:09d}Z {text}\n" for at, text in lines)


def texts(found):
    return [entry.text for entry in found]


def log(pod: str, *lines: tuple[int, str], cut: bool = False) -> PodLog:
    return PodLog(pod, "r1", entries("", stamped(*lines), closed=True), cut)


def words(page):
    return [line.text for line in page.lines]


def pages(logs, limit, cursor=None):
    """All lines, read page by page until one is empty."""
    cursor = cursor or Cursor()
    found = []
    while (page := merge(logs, cursor, limit=limit)).lines:
        found.append(words(page))
        cursor = Cursor.decode(page.cursor)
    return found


def test_a_line_has_its_time_to_the_nanosecond():
    (entry,) = entries("", "2026-01-01T00:00:00.000000001Z hello world\n", closed=True)

    assert entry == (Place(nanoseconds(datetime(2026, 1, 1, tzinfo=UTC)) + 1, 1), "hello world")


@pytest.mark.parametrize("stamp", ["2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0Z"])
def test_a_time_may_have_any_zone_and_fraction(stamp):
    assert entries("", f"{stamp} x\n", closed=True)[0].place.moment == nanoseconds(datetime(2026, 1, 1, tzinfo=UTC))


def test_an_empty_line_is_a_line():
    assert texts(entries("", "2026-01-01T00:00:00Z \n2026-01-01T00:00:00Z\n", closed=True)) == ["", ""]


def test_lines_of_one_moment_have_places_of_their_own():
    assert [entry.place.nth for entry in entries("", stamped((5, "a"), (5, "b"), (6, "c")), closed=True)] == [1, 2, 1]


def test_a_line_stamped_earlier_than_the_one_before_keeps_its_place_after_it():
    found = entries("", stamped((5, "a"), (4, "b"), (6, "c")), closed=True)

    assert texts(sorted(found)) == ["a", "b", "c"]


@pytest.mark.parametrize(("closed", "expected"), [(False, ["a"]), (True, ["a", "b"])])
def test_a_last_line_without_an_end_counts_once_no_more_of_it_can_come(closed, expected):
    assert texts(entries("", stamped((1, "a"), (2, "b")).removesuffix("\n"), closed=closed)) == expected


def test_a_restarted_containers_last_lines_come_before_its_new_ones():
    assert texts(entries(stamped((1, "died")), stamped((2, "born")), closed=True)) == ["died", "born"]


def test_between_two_runs_the_one_log_that_both_questions_get_counts_once():
    one = stamped((1, "a"), (1, "a"), (2, "b"))

    assert texts(entries(one, one, closed=True)) == ["a", "a", "b"]


def test_a_line_without_a_time_takes_that_of_the_line_before():
    assert texts(entries("", "lost\n" + stamped((1, "a")) + "unstamped\n", closed=True)) == ["a", "unstamped"]


def test_pods_are_merged_by_time():
    logs = [log("a", (1, "a1"), (4, "a4")), log("b", (2, "b2"), (3, "b3"))]

    assert words(merge(logs, Cursor(), limit=9)) == ["a1", "b2", "b3", "a4"]


def test_a_line_says_its_time_revision_and_pod():
    (line,) = merge([log("a", (1_500_000, "x"))], Cursor(), limit=1).lines

    assert (line.at, line.revision, line.pod) == (datetime(2026, 1, 1, 0, 0, 0, 1500, tzinfo=UTC), "r1", "a")


def test_the_newest_lines_end_the_log_and_the_cursor_goes_on_after_them():
    logs = [log("a", (1, "a1"), (4, "a4")), log("b", (2, "b2"), (3, "b3"))]
    page = merge(logs, Cursor(), limit=2, newest=True)

    grown = [log("a", (1, "a1"), (4, "a4")), log("b", (2, "b2"), (3, "b3"), (9, "b9"))]
    assert words(page) == ["b3", "a4"]
    assert words(merge(grown, Cursor.decode(page.cursor), limit=9)) == ["b9"]


def test_a_pod_that_comes_later_is_read_from_its_beginning():
    page = merge([log("a", (5, "a5"))], Cursor(), limit=9, newest=True)

    both = [log("a", (5, "a5")), log("b", (1, "b1"))]
    assert words(merge(both, Cursor.decode(page.cursor), limit=9)) == ["b1"]


def test_a_pod_that_writes_late_with_a_slow_clock_loses_nothing():
    page = merge([log("a", (5, "a5")), log("b")], Cursor(), limit=9)

    grown = [log("a", (5, "a5")), log("b", (2, "b2"))]
    assert words(merge(grown, Cursor.decode(page.cursor), limit=9)) == ["b2"]


def test_nothing_is_given_out_beyond_where_a_cut_reading_ended():
    logs = [log("a", (1, "a1"), (2, "a2"), cut=True), log("b", (2, "b2"), (3, "b3"))]

    assert words(merge(logs, Cursor(), limit=9)) == ["a1", "a2", "b2"]


def test_a_cut_reading_with_nothing_new_in_it_does_not_hold_up_the_others():
    done = log("a", (1, "a1"), cut=True)
    cursor = Cursor.decode(merge([done], Cursor(), limit=1).cursor)

    assert words(merge([done, log("b", (2, "b2"))], cursor, limit=9)) == ["b2"]


def test_a_cursor_forgets_pods_that_are_gone():
    page = merge([log("a", (1, "x")), log("b", (1, "y"))], Cursor(), limit=9)

    later = merge([log("b", (1, "y"))], Cursor.decode(page.cursor), limit=9)

    assert len(Cursor.decode(later.cursor).places) == 1


moments = st.lists(st.integers(0, 5), max_size=12)


@given(st.lists(moments, min_size=1, max_size=3), st.integers(1, 7))
def test_pages_give_every_line_once_whatever_their_size(pods, limit):
    logs = [
        log(f"p{pod}", *((at, f"{pod}.{index}") for index, at in enumerate(sorted(lines)))) for pod, lines in enumerate(pods)
    ]

    found = [text for page in pages(logs, limit) for text in page]

    assert sorted(found) == sorted(entry.text for each in logs for entry in each.entries)
    assert found == words(merge(logs, Cursor(), limit=99))


@given(moments, st.data())
def test_a_log_that_grows_between_pages_is_read_once_and_in_order(lines, data):
    stamps = [(at, str(index)) for index, at in enumerate(lines)]
    cursor, found = Cursor(), []
    for _ in range(40):
        grown = data.draw(st.integers(0, len(stamps)), label="written so far") if len(found) < len(stamps) else len(stamps)
        page = merge([log("a", *stamps[: max(grown, len(found))])], cursor, limit=3)
        found += words(page)
        cursor = Cursor.decode(page.cursor)
    page = merge([log("a", *stamps)], cursor, limit=99)

    assert found + words(page) == [str(index) for index in range(len(stamps))]


@pytest.mark.parametrize("text", ["", "x", "e30", "eyJmIjpbMV0sInAiOnt9fQ", "eyJmIjpbMCwwXSwicCI6eyJhIjpbLTEsMV19fQ"])
def test_a_cursor_of_no_page_is_malformed(text):
    with pytest.raises(Malformed):
        Cursor.decode(text)


def test_a_moment_is_read_again_from_a_second_before_it_and_the_beginning_from_nowhere():
    assert second_before(START) is None
    assert second_before(Place(3_500_000_000, 1)) == datetime(1970, 1, 1, 0, 0, 2, 500_000, tzinfo=UTC)

"""YAML as plain values with their places; nothing in it is guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.projects.yamltext import MAX_BYTES, Place, read

PRINTABLE = st.characters(codec="utf-8", exclude_categories=("C",))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(PRINTABLE, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(PRINTABLE, max_size=8), inner, max_size=4),
    max_leaves=12,
)


def problems(text: str) -> list[str]:
    return [fault.problem for fault in read(text).faults]


@given(PLAIN)
def test_json_is_read_as_itself(value: object) -> None:
    document = read(json.dumps(value, ensure_ascii=False))

    assert (document.value, document.faults) == (value, [])


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    document = read(text)

    assert document.faults or document.places[()]


def test_values_and_keys_know_their_places() -> None:
    document = read("a:\n  - b: 1\n    c: x\n")

    assert document.place(("a", 0, "c")) == Place(3, 8)
    assert document.keys[("a", 0, "c")] == Place(3, 5)
    assert document.place(("a", 0, "missing")) == Place(2, 5)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("yes", "reads as true"),
        ("off", "reads as false"),
        ("010", "octal"),
        ("0o17", None),
        ("8080:80", None),
        ("1:30", "base 60"),
        ("1_000", "unusually"),
        ("0x1F", "unusually"),
        ("9" * 5000, "too long"),
        (".inf", "not a plain number"),
        ("2026-01-01", "a date"),
        ("!!python/object:os.system {}", "has the tag"),
        ("!!binary aGk=", "has the tag !!binary"),
        ('"\\0"', "no text"),
        ('"\\ud800"', "no text"),
    ],
)
def test_what_yaml_reads_surprisingly_is_refused_with_the_reason(written: str, reason: str | None) -> None:
    found = problems(f"a: {written}")

    assert (reason in found[0]) if reason else found == []


@pytest.mark.parametrize("written", ["'yes'", '"010"', "true", "8080", "-1.5", "~", "on-call", "08"])
def test_what_means_what_it_says_is_read(written: str) -> None:
    assert problems(f"a: {written}") == []


@pytest.mark.parametrize(
    ("key", "reason"), [("on", "`on`"), ("3", "`3`"), ("[a]", "not text"), ("<<", "merge key"), ('"\\0"', "not text")]
)
def test_a_key_that_is_no_text_is_refused(key: str, reason: str) -> None:
    assert reason in problems(f"{key}: {{}}")[0]


def test_a_key_written_twice_names_the_first_line() -> None:
    assert problems("a: 1\nb: 2\na: 3\n") == ["is written twice, first in line 1"]


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("a:\n\tb: 1", 2, "spaces instead of tabs"),
        ("a: 1\n---\nb: 2", 2, "one document"),
        ("a: *b", 1, "Define the anchor"),
        ("a: [1,\nb: 2", 2, "brackets"),
        ("a: 1\nb: \x07", 2, "Remove it"),
        ("", 1, "version: 1"),
        ("# only a comment\n", 1, "version: 1"),
    ],
)
def test_text_that_is_no_yaml_is_refused_by_line_with_advice(text: str, line: int, remedy: str) -> None:
    (fault,) = read(text).faults

    assert fault.place.line == line
    assert remedy in fault.remedy


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{this}: &{this} [{','.join([f'*{before}'] * 10)}]\n" for before, this in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 60_000, "nests deeper"),
        ("a: " * 3 + "{" * 30_000, "nests deeper"),
        ("- " * 30_000, "nests deeper"),
        (BOMB, "without end"),
        ("a: &a [*a]", "without end"),
        ("x" * (MAX_BYTES + 1), "longer than the 64 KB"),
        ("é" * (MAX_BYTES // 2 + 1), "longer than the 64 KB"),
    ],
    ids=["brackets", "braces", "dashes", "aliases", "itself", "long", "long in bytes"],
)
def test_what_would_exhaust_a_reader_is_refused(text: str, reason: str) -> None:
    found = problems(text)

    assert any(reason in problem or "not valid YAML" in problem for problem in found)
    assert len(found) < 50


def test_an_honest_alias_is_read() -> None:
    assert read("a: &x {n: '1'}\nb: *x\n").value == {"a": {"n": "1"}, "b": {"n": "1"}}

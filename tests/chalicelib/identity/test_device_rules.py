from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity.device_rules import ALPHABET, LETTERS, LIFE, Answer, State, Waiting, asked, read_user_code, user_code

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
INTERVAL = timedelta(seconds=5)

steps = st.tuples(st.floats(min_value=0, max_value=120, allow_nan=False), st.sampled_from(["ask", "approve", "deny"]))
numbers = st.lists(st.integers(0, len(ALPHABET) - 1), min_size=LETTERS, max_size=LETTERS).map(tuple)


@given(st.lists(steps, max_size=40))
def test_tokens_are_given_once_to_a_device_that_was_approved_in_time(given_steps: list[tuple[float, str]]) -> None:
    waiting, now, answers = Waiting(State.WAITING, INTERVAL, T0), T0, list[Answer]()
    for pause, what in given_steps:
        now += timedelta(seconds=pause)
        if what != "ask":
            if waiting.state is State.WAITING and now < waiting.ends_at:
                waiting = replace(waiting, state=State.APPROVED if what == "approve" else State.DENIED)
            continue
        before = waiting
        waiting, answer = asked(waiting, now)
        answers.append(answer)
        assert waiting.interval >= before.interval
        assert (answer is Answer.TOKENS) <= (before.state is State.APPROVED and now < T0 + LIFE)
        assert (answer is Answer.PENDING) <= (before.state is State.WAITING)
        assert (answer is Answer.EXPIRED) <= (now >= T0 + LIFE)

    assert answers.count(Answer.TOKENS) <= 1
    if Answer.TOKENS in answers:
        after = answers[answers.index(Answer.TOKENS) + 1 :]
        assert set(after) <= {Answer.TAKEN_TWICE}


@given(st.lists(st.floats(min_value=5, max_value=60, allow_nan=False), max_size=9))
def test_a_device_that_keeps_to_its_interval_is_never_slowed_down(pauses: list[float]) -> None:
    waiting, now = Waiting(State.WAITING, INTERVAL, T0), T0
    for pause in pauses:
        now += timedelta(seconds=pause)
        waiting, answer = asked(waiting, now)
        assert answer in (Answer.PENDING, Answer.EXPIRED)


def test_each_time_that_a_device_asks_too_early_it_has_to_wait_five_seconds_longer() -> None:
    waiting, _ = asked(Waiting(State.WAITING, INTERVAL, T0), T0)

    waiting, first = asked(waiting, T0 + timedelta(seconds=3))
    waiting, second = asked(waiting, T0 + timedelta(seconds=8))

    assert (first, second) == (Answer.SLOW_DOWN, Answer.SLOW_DOWN)
    assert waiting.interval == timedelta(seconds=15)


@given(numbers)
def test_a_code_is_read_however_it_is_typed(chosen: tuple[int, ...]) -> None:
    code = user_code(chosen)

    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
        assert read_user_code(typed) == code


@pytest.mark.parametrize("typed", ["", "BCDF", "AAAA-AAAA", "BCDF-GHJKL", "BCDF_GHJK", "BCDF-GHJ1", "ＢCDF-GHJK", "ßCDF-GHJK"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read_user_code(typed) is None

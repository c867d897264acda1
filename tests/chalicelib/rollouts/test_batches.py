"""Sizes of two releases, batch by batch: by examples, and what holds for any sizes and limits."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.rollouts.batches import Amount, Batch, Rolling, batches_of, judged_batches

AMOUNTS = st.integers(0, 100) | st.integers(0, 100).map(lambda share: f"{share}%")
SIZES = st.integers(1, 100)


@st.composite
def rollings(draw: st.DrawFn) -> Rolling:
    surge, unavailable = draw(AMOUNTS), draw(AMOUNTS)
    assume(not {str(surge), str(unavailable)} <= {"0", "0%"})
    stable = draw(SIZES)
    return Rolling(surge, unavailable, stable, draw(st.just(stable) | SIZES))


@pytest.mark.parametrize(
    ("surge", "unavailable", "size", "batches"),
    [
        ("25%", "25%", 4, [(3, 2, 67), (1, 4, 100)]),
        ("25%", "25%", 10, [(8, 5, 62), (3, 10, 100)]),
        ("25%", "25%", 1, [(1, 1, 100)]),
        (1, 0, 3, [(3, 1, 33), (2, 2, 67), (1, 3, 100)]),
        (0, 1, 3, [(2, 1, 50), (1, 2, 100), (0, 3, 100)]),
        ("100%", 0, 5, [(5, 5, 100)]),
        (0, "25%", 1, [(1, 1, 100)]),
        (0, "100%", 1, [(1, 1, 100)]),
        (0, "100%", 3, [(1, 2, 100), (0, 3, 100)]),
    ],
)
def test_batches_are_as_large_as_the_limits_let_them(
    surge: Amount, unavailable: Amount, size: int, batches: list[tuple[int, int, int]]
) -> None:
    assert batches_of(Rolling(surge, unavailable, size, size)) == tuple(Batch(*each) for each in batches)


def test_a_service_may_change_its_size_with_the_release() -> None:
    assert batches_of(Rolling(1, 0, 1, 4)) == (Batch(1, 4, 100),)
    assert batches_of(Rolling(1, 0, 4, 1)) == (Batch(4, 1, 100),)


def test_there_are_no_batches_before_the_sizes_are_known() -> None:
    assert batches_of(Rolling()) == ()


@given(rollings())
def test_there_are_never_more_instances_than_wanted_and_surge(rolling: Rolling) -> None:
    assert all(batch.old + batch.new <= rolling.most for batch in batches_of(rolling))
    assert rolling.most <= max(rolling.stable, rolling.wanted) * 2 or isinstance(rolling.max_surge, int)


@given(rollings())
def test_what_has_traffic_has_its_share_of_the_full_size_less_what_may_be_missing(rolling: Rolling) -> None:
    """Also while the next batch starts: old instances are gone by then, new ones are not ready yet."""
    weight = 0
    for batch in batches_of(rolling):
        assert batch.old * 100 >= (100 - weight) * rolling.least(rolling.stable) - 50
        assert batch.new * 100 >= batch.weight * rolling.least(rolling.wanted) - 50
        weight = batch.weight


@given(rollings())
def test_enough_are_ready_in_all_at_any_moment_where_the_size_stays(rolling: Rolling) -> None:
    assume(rolling.stable == rolling.wanted)
    ready = 0
    for batch in batches_of(rolling):
        assert batch.old + ready >= rolling.least(rolling.wanted)
        ready = batch.new


@given(rollings())
def test_sizes_and_weights_only_move_forward_and_end_with_the_new_release_in_full(rolling: Rolling) -> None:
    batches = batches_of(rolling)
    before = Batch(rolling.stable, 0, 0)
    for batch in batches:
        assert batch.old <= before.old
        assert batch.new > before.new
        assert batch.weight >= before.weight
        before = batch
    assert (batches[-1].new, batches[-1].weight) == (rolling.wanted, 100)


@given(rollings())
def test_the_batches_that_are_judged_each_move_traffic_and_the_last_moves_all_that_is_left(rolling: Rolling) -> None:
    weights = [batch.weight for batch in judged_batches(batches_of(rolling))]

    assert weights == sorted({*weights})
    assert weights[0] > 0
    assert weights[-1] == 100


@given(rollings())
def test_one_instance_of_what_has_traffic_is_always_left(rolling: Rolling) -> None:
    weight = 0
    for batch in batches_of(rolling):
        assert batch.old >= (weight < 100)
        weight = batch.weight

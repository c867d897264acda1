from __future__ import annotations

from bench.figures import microseconds, percentile, ratio, verdict


def test_a_missed_aim_says_so() -> None:
    assert verdict("ratio", 1.5, 1.2).endswith("MISSED")
    assert "MISSED" not in verdict("ratio", 1.2, 1.2)


def test_medians_and_percentiles_are_of_the_sorted_values() -> None:
    assert percentile([3, 1, 2, 4], 0.5) == 3
    assert ratio([2, 4, 6], [1, 2, 3]) == 2


def test_every_call_is_timed() -> None:
    assert len(microseconds(lambda: None, 20)) == 20

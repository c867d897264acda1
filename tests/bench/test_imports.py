"""The bench of imports: what it makes of the times, which are taken elsewhere."""

from __future__ import annotations

import pytest

from bench.imports import FEWEST, judged

PEER = [100.0] * FEWEST


def test_an_aim_that_is_missed_is_told_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged([121.0] * FEWEST, PEER) == 1
    assert "1.21 (aim: at most 1.2)  MISSED" in capsys.readouterr().out


def test_a_slow_run_or_two_do_not_miss_it() -> None:
    assert judged([900.0, 900.0, *[118.0] * (FEWEST - 2)], PEER) == 0


def test_too_few_runs_are_no_median() -> None:
    with pytest.raises(ValueError, match="15 runs"):
        judged([100.0] * 7, PEER)

from __future__ import annotations

from typing import Any

from bench.demo import lines


def told(seconds: float | None) -> dict[str, Any]:
    release = {"example": "hello-broken", "state": "rolled_back", "seconds_to_verdict": seconds}
    return {"releases": [release], "complaints": [], "requests": 1234, "seconds": 31.2}


def test_a_quick_verdict_on_the_broken_version_meets_its_aim() -> None:
    assert "MISSED" not in lines(told(5.5))[0]


def test_a_slow_verdict_and_one_that_cannot_be_told_miss_it() -> None:
    assert lines(told(20.5))[0].endswith("MISSED")
    assert lines(told(None))[0].endswith("MISSED")


def test_the_demo_as_a_whole_is_told_last() -> None:
    assert lines(told(1))[-1] == "the whole demo: 31 s, 1,234 requests"

"""The judgement of the demo."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from cygni.local.demo.acts import ACTS, Ending, complaints, expected_stable
from cygni.local.demo.tally import Blemish

GOOD = [Ending(act, number, act.expected, "why", 1.0, 100, 0) for number, act in enumerate(ACTS, start=1)]
ALL_STABLE = Counter({"r2": 100})


def test_four_verdicts_and_clean_traffic_are_a_success() -> None:
    assert complaints(GOOD, ALL_STABLE, None) == []


def test_the_stable_release_at_the_end_is_version_2() -> None:
    assert expected_stable(GOOD) == "r2"


def test_a_bad_version_that_was_promoted_fails_the_demo() -> None:
    endings = [*GOOD[:2], replace(GOOD[2], state="promoted"), GOOD[3]]

    assert complaints(endings, ALL_STABLE, None) == [
        "r3 (version 3, fails one request in five) ended promoted, expected rolled_back: why"
    ]


def test_an_act_that_never_ended_fails_the_demo() -> None:
    assert complaints(GOOD[:3], Counter(), None) == ["hello-slow (version 4, answers slowly) was never deployed to its end"]


def test_traffic_that_still_reaches_another_release_fails_the_demo() -> None:
    (told,) = complaints(GOOD, Counter({"r2": 98, "r4": 2}), None)

    assert told == "r2 does not have all the traffic at the end; requests answered: 98 by r2, 2 by r4"


def test_no_traffic_at_the_end_is_no_proof() -> None:
    assert complaints(GOOD, Counter(), None) == ["r2 does not have all the traffic at the end; requests answered: none"]


def test_a_failure_of_the_platform_fails_the_demo() -> None:
    (told,) = complaints(GOOD, ALL_STABLE, Blemish(3, "status 502 from r2"))

    assert told == "3 requests failed that no bad canary answers for; the first: status 502 from r2"

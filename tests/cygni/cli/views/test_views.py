"""What people see, from data alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from cygni.cli.checkup import clock_finding
from cygni.cli.views.outcome import next_steps, outcome
from cygni.cli.views.progress import judgement, progress_line, progress_table
from cygni.cli.views.words import ago, clock_time, milliseconds, percent, release_name, short_image
from tests.cygni.cli.views.make import arm, deployment, progress, traffic

VERDICT = {"decision": "rollBack", "reason": "Too many errors.", "rule_version": "1"}
LINE = {"at": "2026-01-02T03:04:05Z", "release": 2, "instance": "web-a", "text": "Boom"}


def shown(renderable: RenderableType) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_both_arms_have_weight_requests_errors_and_latency() -> None:
    numbers = traffic(weight=25, canary=arm(2, 40, error_rate=2.5, latency_p95=31.4), stable=arm(1, 120))

    lines = [line.split() for line in shown(progress_table(progress(with_traffic=numbers))).splitlines()]

    assert lines[2] == ["canary", "r2", "25", "%", "40", "2.5", "%", "31", "ms"]
    assert lines[3] == ["stable", "r1", "75", "%", "120", "0.0", "%", "20", "ms"]


def test_without_traffic_to_read_there_are_dashes_not_zeros() -> None:
    text = shown(progress_table(progress()))

    assert "canary  r2         10 %         –       –    –" in text


def test_a_first_release_has_no_stable_arm() -> None:
    assert "stable" not in shown(progress_table(progress(stable_release=None)))


def test_a_pause_and_a_request_are_said() -> None:
    text = shown(progress_table(progress(requested="abort", rollout={**deployment()["rollout"], "paused": True})))  # type: ignore[dict-item]

    assert "10 % of traffic, paused" in text
    assert "(abort requested)" in text


def test_the_judges_present_word_is_shown_before_its_last() -> None:
    rollout = {**(deployment()["rollout"] or {}), "reason": "All well so far."}

    assert judgement(progress(rollout=rollout)) == "All well so far."
    assert judgement(progress(rollout=rollout, with_traffic=traffic(verdict=VERDICT))) == "roll back: Too many errors."


def test_the_line_for_logs_says_the_same() -> None:
    line = progress_line(progress(with_traffic=traffic(verdict=VERDICT)))

    assert line == (
        "r2 step 1 of 2, 10 % of traffic; canary 100 requests, 0.0 % errors, p95 20 ms; "
        "stable 100 requests, 0.0 % errors, p95 20 ms; verdict: roll back: Too many errors."
    )


@pytest.mark.parametrize(
    ("state", "head", "hint"),
    [
        ("promoted", "r2 of shop/prod/web is promoted", "http://shop.localhost:8080"),
        ("rolled_back", "r2 of shop/prod/web was rolled back", "cygni logs --release r2"),
        ("failed", "r2 of shop/prod/web failed", "cygni build-log r2"),
        ("cancelled", "r2 of shop/prod/web was cancelled", "cygni deploy"),
        ("superseded", "r2 of shop/prod/web was superseded", "cygni follow latest"),
        ("hibernating", "r2 of shop/prod/web ended: hibernating", "cygni deploy"),
    ],
)
def test_each_end_says_what_happened_and_what_to_do_next(state: str, head: str, hint: str) -> None:
    text = shown(outcome(deployment(state=state)))

    assert head in text
    assert hint in text


def test_the_reason_is_shown_in_full_and_indented() -> None:
    text = shown(outcome(deployment(state="failed", outcome="It exited with 1.\nImportError: flask")))

    assert "  It exited with 1.\n  ImportError: flask\n" in text


def test_log_lines_follow_unless_the_reason_has_them_already() -> None:
    without = shown(outcome(deployment(state="rolled_back", outcome="It exited."), [LINE]))  # type: ignore[list-item]
    within = shown(outcome(deployment(state="rolled_back", outcome="It said: Boom"), [LINE]))  # type: ignore[list-item]

    assert "Last lines of r2:" in without
    assert "web-a │ Boom" in without
    assert "Last lines" not in within


def test_a_first_release_that_was_rolled_back_leaves_no_stable_one_to_speak_of() -> None:
    (hint,) = next_steps(deployment(state="rolled_back", stable_release=None))

    assert "all the traffic" not in hint


@pytest.mark.parametrize(
    ("text", "words"),
    [("03:04:05Z", "0s ago"), ("03:03:05Z", "1m ago"), ("01:04:05Z", "2h ago"), ("09:04:05Z", "0s ago")],
)
def test_times_are_told_in_their_largest_unit(text: str, words: str) -> None:
    assert ago(f"2026-01-02T{text}", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == words


def test_small_words() -> None:
    assert clock_time("2026-01-02T05:04:05+02:00") == "03:04:05"
    assert (percent(None), percent(2.46)) == ("–", "2.5 %")
    assert (milliseconds(None), milliseconds(31.6)) == ("–", "32 ms")
    assert (release_name(None), release_name(3)) == ("–", "r3")
    assert short_image("registry/shop@sha256:" + "ab" * 32) == "ab" * 6


@pytest.mark.parametrize(("skew", "level"), [(None, "note"), (0, "ok"), (-59, "ok"), (61, "fault"), (-3600, "fault")])
def test_a_clock_may_differ_by_a_minute(skew: float | None, level: str) -> None:
    assert clock_finding(skew).level == level

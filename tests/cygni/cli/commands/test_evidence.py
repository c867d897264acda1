"""`cygni explain` and `cygni replay`: what people see of a verdict, and what they may ask of it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi
from tests.support.explained import step, steps


@pytest.fixture(autouse=True)
def _deployed(api: FakeApi) -> None:
    api.add_service(live=1)
    api.add_deployment()


def test_an_explanation_draws_both_versions_and_names_the_sample_and_the_gate(cli: Cli, api: FakeApi) -> None:
    api.steps = steps(step(0), step(1, failing=0.5))

    shown = cli("explain", "r1").stdout

    assert "Weight of the canary" in shown
    assert "Failed requests, percent" in shown
    assert "95th percentile, milliseconds" in shown
    assert {"●", "○", "▒", "┄", "▲"} <= set(shown)
    step_two = api.steps[1]
    index, of = step_two["decided"] + 1, len(step_two["points"])
    assert f"Decided by sample {index} of {of} of step 2, at 03:04:" in shown
    assert "by gate errorRate." in shown
    assert step_two["verdict"]["reason"] in shown
    assert all(gate["sentence"] in shown for gate in step_two["gates"])


def test_a_slow_canary_is_drawn_above_the_limit_of_its_gate(cli: Cli, api: FakeApi) -> None:
    api.steps = steps(step(0, slow=0.6))

    lines = cli("explain").stdout.splitlines()

    picture = lines[next(n for n, line in enumerate(lines) if line.startswith("95th percentile")) + 1 :]
    limit = next(n for n, line in enumerate(picture) if "400 ms" in line)
    assert any("●" in line for line in picture[:limit])
    assert not any("●" in line for line in picture[limit:8])


def test_where_nothing_was_seen_the_reason_is_told(cli: Cli, api: FakeApi) -> None:
    api.told = {"decider": "person", "reason": "A person aborted the rollout.", "by": "usr_7"}

    result = cli("explain")

    assert result.exit_code == Exit.OK
    assert "A person aborted the rollout. Asked for by usr_7." in result.stdout
    assert "no sample" in result.stdout


def test_a_rollout_that_a_person_ended_says_so_and_names_no_sample_of_an_earlier_step(
    cli: Cli, api: FakeApi, tmp_path: Path
) -> None:
    api.steps = steps(step(0), step(1, looks=5))
    api.told = {"decider": "person", "reason": "A person aborted the rollout.", "by": "usr_7"}
    assert api.steps[0]["decided"] is not None

    shown = cli("explain").stdout
    cli("explain", "--html", str(tmp_path / "why.html"))

    assert "A person aborted the rollout. Asked for by usr_7." in shown
    assert "The judge's last word, in step 2: hold." in shown
    assert "Decided by" not in shown
    assert "▲" not in shown.partition("0 s")[0]
    page = (tmp_path / "why.html").read_text()
    assert "A person aborted the rollout. Asked for by usr_7." in page
    assert 'class="decided"' not in page


def test_a_rollout_under_way_is_not_said_to_be_decided(cli: Cli, api: FakeApi) -> None:
    api.steps = steps(step(0), step(1, looks=5))
    api.told = {"live": True, "decider": "nobody", "reason": "Step 2 is being watched; the rollout is analysing."}

    shown = cli("explain").stdout

    assert "Nothing is decided yet. Step 2 is being watched" in shown
    assert "Decided by" not in shown


def test_for_machines_an_explanation_is_what_the_api_said(cli: Cli, api: FakeApi) -> None:
    api.steps = steps(step(0))

    assert json.loads(cli("explain", "--json").stdout)["items"] == api.steps


def test_a_step_that_time_alone_ended_names_no_sample(cli: Cli, api: FakeApi) -> None:
    api.steps = steps(step(0, looks=3))
    api.told = {"decider": "judge"}

    assert "Time decided, and no sample." in cli("explain").stdout


class Page(HTMLParser):
    """What a page is made of; raises AssertionError where a tag is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href", "action", "data"}]
        if tag not in {"meta", "line", "polygon", "polyline", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_of_html_stands_alone_and_shows_three_pictures(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    api.steps = steps(step(0), step(1, failing=0.5))

    result = cli("explain", "r1", "--html", str(tmp_path / "why.html"))

    page = Page((tmp_path / "why.html").read_text())
    assert result.exit_code == Exit.OK
    assert f"Wrote {tmp_path / 'why.html'}." in result.stdout
    assert page.tags.count("svg") == 3
    assert page.fetched == []
    assert "script" not in page.tags


def test_what_the_api_says_is_not_taken_for_html(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    api.steps = steps(step(0, failing=0.5))
    api.steps[0]["verdict"]["reason"] = "<script>alert(1)</script>"
    api.steps[0]["gates"][0]["sentence"] = '"><img src=x>'

    cli("explain", "--html", str(tmp_path / "why.html"))

    page = Page((tmp_path / "why.html").read_text())
    assert not {"script", "img"} & set(page.tags)


def test_a_page_that_cannot_be_written_is_said_to_be_one(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    api.steps = steps(step(0))

    result = cli("explain", "--html", str(tmp_path / "nowhere" / "why.html"))

    assert result.exit_code == Exit.USAGE
    assert "cannot be written" in result.stderr


def test_other_limits_are_sent_by_the_names_that_the_app_file_has(cli: Cli, api: FakeApi) -> None:
    cli("replay", "--gate", "errorRate=2", "--gate", "latencyP95=300", "--alpha", "0.1")

    asked = api.asked("GET", "/replay")[0].query
    assert {name: float(value) for name, value in asked.items()} == {"errorRate": 2, "latencyP95": 300, "alpha": 0.1}


def test_with_other_limits_a_verdict_that_differs_is_an_answer_and_no_fault(cli: Cli, api: FakeApi) -> None:
    api.replay_agrees = False

    result = cli("replay", "--gate", "errorRate=2")

    assert result.exit_code == Exit.OK
    assert "With errorRate 2 it would have gone otherwise from" in result.stdout
    assert "in step 1: rollBack in place of advance." in result.stdout


def test_custom_gates_and_gates_to_drop_are_sent_by_their_names(cli: Cli, api: FakeApi) -> None:
    shown = cli("replay", "--gate", "queue-depth=5", "--gate", "latencyP95=null").stdout

    assert api.asked("GET", "/replay")[0].query == {"custom": "queue-depth=5.000000", "drop": "latencyP95"}
    assert "With queue-depth 5, no latencyP95 the rollout would have gone as it did." in shown


def test_with_limits_that_change_nothing_it_says_so(cli: Cli) -> None:
    assert "With alpha 2 the rollout would have gone as it did." in cli("replay", "--alpha", "2").stdout


@pytest.mark.parametrize(
    "gate", ["Errors=2", "errorRate", "errorRate=", "errorRate=low", "errorRate=nan", "errorRate=-5", "=3"]
)
def test_a_limit_that_means_nothing_is_refused_before_anything_is_asked(cli: Cli, api: FakeApi, gate: str) -> None:
    result = cli("replay", "--gate", gate)

    assert result.exit_code == Exit.USAGE
    assert "--gate" in result.stderr or "NAME=LIMIT" in result.stderr
    assert not api.asked("GET", "/replay")

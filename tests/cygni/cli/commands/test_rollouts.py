"""Steering, going back, following, judging again."""

from __future__ import annotations

import json

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, ended, rolled_back


@pytest.fixture(autouse=True)
def service(api: FakeApi) -> None:
    api.add_service(live=None)


@pytest.mark.parametrize("verb", ["promote", "pause", "resume", "abort"])
def test_a_verb_reaches_the_deployment_under_way(cli: Cli, api: FakeApi, verb: str) -> None:
    made = api.add_deployment("rolling_out")

    result = cli(verb)

    assert result.exit_code == Exit.OK
    assert made.view["requested"] == verb
    assert f"cygni follow {made.view['id']}" in result.stdout


@pytest.mark.parametrize("verb", ["promote", "pause", "resume", "abort"])
def test_without_a_deployment_under_way_it_is_a_conflict(cli: Cli, api: FakeApi, verb: str) -> None:
    api.add_deployment("promoted")

    result = cli(verb)

    assert result.exit_code == Exit.CONFLICT
    assert "Nothing is being deployed to shop/prod/web." in result.stderr


@pytest.mark.parametrize("word", ["r2", "2", "latest"])
def test_a_deployment_is_named_by_release_or_latest(cli: Cli, api: FakeApi, word: str) -> None:
    first, second = api.add_deployment("promoted"), api.add_deployment("rolling_out")

    cli("abort", word)

    assert second.view["requested"] == "abort"
    assert first.view["requested"] is None


def test_a_release_that_was_never_built_is_found_among_the_deployments(cli: Cli, api: FakeApi) -> None:
    made = api.add_deployment("building")

    cli("abort", "r1")

    assert made.view["requested"] == "abort"


def test_an_id_is_taken_as_it_is(cli: Cli, api: FakeApi) -> None:
    made = api.add_deployment("rolling_out")

    cli("pause", made.view["id"])

    assert made.view["requested"] == "pause"
    assert not api.asked("GET")


@pytest.mark.parametrize("word", ["r0", "three", "-1x", "r", "web"])
def test_a_word_that_names_no_deployment_is_refused_with_what_would(cli: Cli, word: str) -> None:
    result = cli("abort", "--", word)

    assert result.exit_code == Exit.USAGE
    assert "dep_" in result.stderr
    assert "latest" in result.stderr


def test_a_release_that_is_not_there_is_not_found(cli: Cli) -> None:
    result = cli("follow", "r9")

    assert result.exit_code == Exit.NOT_FOUND
    assert "shop/prod/web has no release r9." in result.stderr


def test_following_ends_with_the_deployments_own_exit_code(cli: Cli, api: FakeApi) -> None:
    api.script = rolled_back
    cli("deploy", "--detach")

    assert cli("follow").exit_code == Exit.ROLLED_BACK


def test_followed_as_json_it_is_a_stream_of_typed_lines(cli: Cli) -> None:
    cli("deploy", "--detach")

    items = [json.loads(line) for line in cli("follow", "latest", "--json").stdout.splitlines()]

    kinds = [item["type"] for item in items]
    assert kinds[0] == "event"
    assert kinds[-1] == "ended"
    assert {"event", "build_log", "progress", "ended"} == set(kinds)
    assert items[0]["at"] == "2026-01-02T03:04:05.000Z"
    assert [item["text"] for item in items if item["type"] == "build_log"] == [
        "Installing dependencies",
        "Built in 3 s",
        "Done",
    ]
    assert items[-1]["deployment"]["state"] == "promoted"


def test_each_event_is_told_once(cli: Cli) -> None:
    cli("deploy", "--detach")

    items = [json.loads(line) for line in cli("follow", "--json").stdout.splitlines()]

    seqs = [item["seq"] for item in items if item["type"] == "event"]
    assert seqs == list(range(1, len(seqs) + 1))


def test_a_deployment_that_ended_long_ago_is_told_in_full(cli: Cli, api: FakeApi) -> None:
    api.script = lambda: ended("failed", "It broke.", "line one")
    cli("deploy")

    result = cli("follow", "r1")

    assert result.exit_code == Exit.FAILED
    assert result.stdout.index("building") < result.stdout.index("line one") < result.stdout.index("It broke.")


def test_a_rollback_goes_to_the_release_named(cli: Cli, api: FakeApi) -> None:
    result = cli("rollback", "r3")

    assert result.exit_code == Exit.OK
    assert api.asked("POST", "/rollback")[0].body == {"release": 3}
    assert "rollback r1 of shop/prod/web" in result.stdout


def test_a_rollback_without_a_name_leaves_the_choice_to_the_api(cli: Cli, api: FakeApi) -> None:
    cli("rollback", "--detach")

    assert api.asked("POST", "/rollback")[0].body == {"release": None}


def test_a_rollback_to_what_is_no_release_is_refused(cli: Cli, api: FakeApi) -> None:
    result = cli("rollback", "latest")

    assert result.exit_code == Exit.USAGE
    assert "cygni releases" in result.stderr
    assert not api.asked("POST")


def test_a_replay_that_agrees_succeeds(cli: Cli, api: FakeApi) -> None:
    api.add_deployment()

    result = cli("replay", "r1")

    assert result.exit_code == Exit.OK
    assert "All 1 verdicts agree." in result.stdout


def test_a_replay_that_differs_has_its_own_exit_code(cli: Cli, api: FakeApi) -> None:
    api.add_deployment()
    api.replay_agrees = False

    result = cli("replay")

    assert result.exit_code == Exit.DISAGREES
    assert "1 of 1 verdicts differ." in result.stdout

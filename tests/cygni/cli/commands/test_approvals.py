"""Deployments that somebody has to approve."""

from __future__ import annotations

import json

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, Fault, proposed
from tests.fakes.teams import Team


@pytest.fixture
def dan(cli: Cli, api: FakeApi, acme: Team) -> Cli:
    """The command as a Developer, whose deployments await approval."""
    api.add_service(live=None)
    api.script = proposed
    cli.sign_in(api, "dan")
    return cli


def test_a_proposal_says_who_has_to_act_and_how_and_has_its_own_exit_code(dan: Cli, api: FakeApi) -> None:
    result = dan("deploy")

    assert result.exit_code == Exit.AWAITS_APPROVAL
    assert "r1 of shop/prod/web awaits approval" in result.stdout
    assert "An Owner or Admin of the team (ann, adam) runs `cygni approve r1` or `cygni reject r1`." in result.stdout
    assert "Withdraw it with `cygni abort r1`." in result.stdout


def test_for_machines_the_proposal_is_the_document(dan: Cli) -> None:
    result = dan("deploy", "--json")

    assert result.exit_code == Exit.AWAITS_APPROVAL
    assert json.loads(result.stdout)["state"] == "awaiting_approval"


def test_following_a_proposal_ends_at_once_with_its_own_last_line(dan: Cli) -> None:
    dan("deploy", "--detach")

    result = dan("follow", "--json")

    items = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == Exit.AWAITS_APPROVAL
    assert [each["type"] for each in items] == ["event", "event", "awaiting_approval"]
    assert items[-1]["deployment"]["state"] == "awaiting_approval"
    assert dan("follow").exit_code == Exit.AWAITS_APPROVAL


def test_the_status_says_who_has_to_act(dan: Cli, api: FakeApi) -> None:
    dan("deploy")
    api.services["shop", "prod", "web"]["active_deployment"] = None

    result = dan("status")

    assert result.exit_code == Exit.AWAITS_APPROVAL
    assert "cygni approve r1" in result.stdout
    assert json.loads(dan("status", "--json").stdout)["deployment"]["state"] == "awaiting_approval"


@pytest.mark.parametrize("word", [[], ["r1"], ["latest"]], ids=["the only one", "by release", "latest"])
def test_an_admin_approves_and_it_goes_on(dan: Cli, api: FakeApi, word: list[str]) -> None:
    dan("deploy")
    dan.sign_in(api, "adam", "--context", "adam")

    result = dan("approve", *word)

    assert result.exit_code == Exit.OK
    assert "r1 of shop/prod/web, which admin asked for, may go into production." in result.stdout
    assert "cygni follow dep_" in result.stdout
    followed = dan("follow")
    assert followed.exit_code == Exit.OK
    assert "is promoted" in followed.stdout
    assert "by adam" in followed.stdout, "the timeline shows an id instead of a name"


def test_an_admin_rejects_and_it_has_ended(dan: Cli, api: FakeApi) -> None:
    dan("deploy")
    dan.sign_in(api, "adam", "--context", "adam")

    assert "is rejected." in dan("reject", "r1").stdout
    assert dan("follow", "r1").exit_code == Exit.CANCELLED


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_developer_can_do_neither(dan: Cli, api: FakeApi, verb: str) -> None:
    dan("deploy")

    result = dan(verb, "r1")

    assert result.exit_code == Exit.FORBIDDEN
    assert "Ask an Owner or Admin" in result.stderr


def test_without_a_proposal_there_is_nothing_to_approve(ann: Cli, api: FakeApi) -> None:
    api.add_service()
    api.add_deployment("promoted")

    result = ann("approve")

    assert result.exit_code == Exit.CONFLICT
    assert "No deployment of shop/prod/web awaits approval." in result.stderr
    assert "cygni resume" in result.stderr
    assert ann("approve", "r1").exit_code == Exit.CONFLICT


def test_of_several_proposals_one_has_to_be_named(dan: Cli, api: FakeApi) -> None:
    dan("deploy")
    dan("deploy")
    dan.sign_in(api, "ann", "--context", "ann")

    result = dan("approve")

    assert result.exit_code == Exit.USAGE
    assert "r2, r1" in result.stderr


def test_members_that_may_not_be_listed_leave_the_sentence_without_names(dan: Cli, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/team/members", 403, times=99))

    result = dan("deploy")

    assert result.exit_code == Exit.AWAITS_APPROVAL
    assert "An Owner or Admin of the team runs `cygni approve r1`" in result.stdout
    assert len(api.asked("GET", "/v1/team/members")) == 1


def test_names_are_fetched_once_and_only_for_people(ann: Cli, api: FakeApi) -> None:
    api.add_service()
    made = api.add_deployment("promoted")
    for _ in range(3):
        made.tell("requested", f"Asked for by {api.identity.user('dan')}.", by=api.identity.user("ann"))

    shown = ann("follow", "r1").stdout

    assert shown.count("Asked for by dan.  by ann") == 3
    assert len(api.asked("GET", "/v1/team/members")) == 2, "two pages, once"
    assert len(ann("follow", "r1", "--json").stdout) > 0
    assert len(api.asked("GET", "/v1/team/members")) == 2, "machines get what the API sent"

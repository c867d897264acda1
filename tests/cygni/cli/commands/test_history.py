"""Status and lists."""

from __future__ import annotations

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi, Fault


@pytest.fixture(autouse=True)
def service(api: FakeApi) -> None:
    api.add_service()


def test_the_status_of_a_new_service_says_how_to_deploy(cli: Cli) -> None:
    result = cli("status")

    assert "never deployed" in result.stdout
    assert "cygni deploy" in result.stdout


def test_the_status_while_traffic_shifts_has_both_arms(cli: Cli, api: FakeApi) -> None:
    api.add_deployment("promoted")
    api.add_deployment("rolling_out")

    lines = cli("status").stdout

    assert "analysing: step 1 of 2, 10 % of traffic" in lines
    assert "canary  r2" in lines
    assert "stable  r1" in lines


def test_the_status_after_a_failure_says_why(cli: Cli, api: FakeApi) -> None:
    api.add_deployment("rolled_back", outcome="It was too slow.")

    assert "It was too slow." in cli("status").stdout


def test_the_status_for_machines_is_one_document(cli: Cli, api: FakeApi) -> None:
    made = api.add_deployment("rolling_out")

    document = cli.document("status")

    assert document["service"]["active_deployment"] == made.view["id"]
    assert document["deployment"]["rollout"]["weight"] == 10
    assert document["traffic"]["canary"]["requests"] == 50


def test_the_status_does_not_depend_on_the_metrics(cli: Cli, api: FakeApi) -> None:
    api.add_deployment("rolling_out")
    api.faults.append(Fault("/traffic", 503))

    assert cli.document("status")["traffic"] is None


def test_deployments_are_listed_newest_first(cli: Cli, api: FakeApi) -> None:
    api.add_deployment("promoted")
    api.add_deployment("rolled_back", outcome="Too many errors.")

    lines = cli("deployments").stdout.splitlines()

    assert lines[1].startswith("r2")
    assert "rolled back" in lines[1]
    assert "Too many errors." in lines[1]
    assert lines[2].startswith("r1")


def test_the_limit_is_passed_on(cli: Cli, api: FakeApi) -> None:
    cli("deployments", "--limit", "3")

    assert api.asked("GET", "/deployments")[0].query == {"limit": "3"}


def test_the_live_release_is_marked(cli: Cli, api: FakeApi) -> None:
    api.add_deployment("promoted")
    api.add_deployment("rolled_back")

    lines = cli("releases").stdout.splitlines()

    assert "live" not in lines[1]
    assert "live" in lines[2]
    assert "abababababab" in lines[2]


def test_lists_for_machines_are_the_apis_own(cli: Cli, api: FakeApi) -> None:
    api.add_deployment("promoted")

    document = cli.document("releases")

    assert document["items"][0]["number"] == 1
    assert document["next_cursor"] is None


def test_the_service_of_a_project_that_is_named_is_its_only_one(cli: Cli, api: FakeApi) -> None:
    api.add_service("other", "prod", "api")

    assert cli.document("status", "--project", "other")["service"]["name"] == "api"


def test_without_an_app_file_the_project_must_be_named(cli: Cli) -> None:
    (cli.folder / "cygni.yaml").unlink()

    result = cli("status")

    assert result.exit_code == Exit.USAGE
    assert "--project" in result.stderr


def test_several_services_must_be_told_apart(cli: Cli) -> None:
    (cli.folder / "cygni.yaml").write_text("version: 1\nname: shop\nservices: {api: {}, worker: {}}\n")

    result = cli("status")

    assert result.exit_code == Exit.USAGE
    assert "--service: api, worker" in result.stderr


def test_an_app_file_that_is_no_yaml_is_told_with_its_place(cli: Cli) -> None:
    (cli.folder / "cygni.yaml").write_text("name: shop\nservices: [\n")

    result = cli("status")

    assert result.exit_code == Exit.USAGE
    assert "not valid YAML" in result.stderr
    assert "cygni.yaml:3:1" in result.stderr

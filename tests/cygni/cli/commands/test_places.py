"""Projects, environments, services."""

from __future__ import annotations

import pytest

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi


@pytest.fixture(autouse=True)
def service(api: FakeApi) -> None:
    api.add_service()


def test_projects_are_listed(cli: Cli) -> None:
    assert cli("projects").stdout.splitlines()[1].startswith("shop")
    assert cli.document("projects")["items"][0]["name"] == "shop"


def test_an_environment_is_made_and_listed(cli: Cli) -> None:
    assert "cygni deploy --environment staging" in cli("environments", "create", "staging").stdout
    assert [each["name"] for each in cli.document("environments", "list")["items"]] == ["prod", "staging"]


def test_the_first_environment_of_a_project_makes_the_project_which_is_placed_before_it_is_deployed_to(
    cli: Cli, api: FakeApi
) -> None:
    result = cli("environments", "create", "staging", "--project", "fresh")

    assert result.exit_code == Exit.OK
    assert "Created the project fresh." in result.stdout + result.stderr
    assert {"shop", "fresh"} <= set(api.projects)
    assert "Created the project" not in cli("environments", "create", "prod", "--project", "fresh").stdout


def test_a_bad_name_is_told_by_its_field(cli: Cli, api: FakeApi) -> None:
    result = cli("environments", "create", "Staging!")

    assert result.exit_code == Exit.USAGE
    assert "body.name" in result.stderr
    assert len(api.environments) == 1


def test_services_are_listed_with_their_address(cli: Cli) -> None:
    assert "http://shop.localhost:8080" in cli("services", "list").stdout


def test_deleting_asks_first(cli: Cli, api: FakeApi) -> None:
    result = cli("services", "delete", "web", stdin="n\n")

    assert result.exit_code == 1
    assert "shop/prod/web with all its releases" in result.stdout
    assert not api.asked("DELETE")


@pytest.mark.parametrize("given", [("--yes",), ()], ids=["--yes", "answered"])
def test_agreed_to_it_deletes(cli: Cli, api: FakeApi, given: tuple[str, ...]) -> None:
    result = cli("services", "delete", "web", *given, stdin="y\n")

    assert result.exit_code == Exit.OK
    assert api.services["shop", "prod", "web"]["deleting"] is True


def test_deleting_names_the_deployment_that_is_aborted_for_it(cli: Cli, api: FakeApi) -> None:
    api.services["shop", "prod", "web"]["active_deployment"] = "dep_01"

    assert "is being deleted. dep_01 is aborted first." in cli("services", "delete", "web", "--yes").stdout


def test_a_machine_must_agree_beforehand(cli: Cli, api: FakeApi) -> None:
    result = cli("services", "delete", "web", "--json")

    assert result.exit_code == Exit.USAGE
    assert not api.asked("DELETE")


def test_a_service_that_is_not_there_is_not_found(cli: Cli) -> None:
    assert cli("services", "delete", "wbe", "--yes").exit_code == Exit.NOT_FOUND


def test_an_environment_is_frozen_shown_and_thawed(cli: Cli, api: FakeApi) -> None:
    api.add_service()

    frozen = cli("environments", "freeze", "prod", "--until", "2099-12-28", "--reason", "Holidays.", "--project", "shop")
    listed = cli("environments", "list", "--project", "shop")
    thawed = cli("environments", "thaw", "prod", "--project", "shop")

    assert "2099-12-28T00:00Z" in frozen.stdout
    assert "cygni environments thaw prod" in frozen.stdout
    assert "until 2099-12-28T00:00Z" in listed.stdout
    assert "Nothing is frozen in prod of shop." in thawed.stdout
    assert "2099" not in cli("environments", "list", "--project", "shop").stdout


def test_a_freeze_until_what_is_no_time_is_refused_before_anything_is_asked(cli: Cli, api: FakeApi) -> None:
    result = cli("environments", "freeze", "prod", "--until", "soon", "--reason", "x", "--project", "shop")

    assert result.exit_code == Exit.USAGE
    assert not api.asked("POST", "/freezes")

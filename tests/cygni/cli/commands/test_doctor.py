"""`cygni doctor`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi


def levels(document: Any) -> dict[str, str]:
    return {each["name"]: each["level"] for each in document["checks"]}


def test_all_is_well(cli: Cli, api: FakeApi) -> None:
    api.app_url = api.url + "/v1/health"
    api.add_service(live=1)

    document = cli.document("doctor")

    assert document["ok"] is True
    names = ["configuration", "api", "clock", "token", "app file", "application"]
    assert levels(document) == dict.fromkeys(names, "ok") | {"git": "note"}


def test_each_fault_comes_with_its_remedy(cli: Cli, api: FakeApi) -> None:
    (cli.folder / "cygni.yaml").write_text("version: 1\nname: shop\nservices:\n  web:\n    prot: 80\n")

    result = cli("doctor")

    assert result.exit_code == Exit.UNHEALTHY
    assert "✘ app file: cygni.yaml breaks 1 rule." in result.stdout
    assert "cygni.yaml:5:5" in result.stdout


def test_a_clock_that_is_off_is_a_fault(cli: Cli, api: FakeApi) -> None:
    api.clock_ahead = timedelta(minutes=10)

    result = cli("doctor")

    assert result.exit_code == Exit.UNHEALTHY
    assert "behind the API's" in result.stdout
    assert "NTP" in result.stdout


def test_an_api_that_is_away_ends_the_examination_there(cli: Cli) -> None:
    cli.environ["CYGNI_ENDPOINT"] = "http://127.0.0.1:9"

    result = cli("doctor")

    assert result.exit_code == Exit.UNHEALTHY
    assert "✘ api: " in result.stdout
    assert "token: " not in result.stdout


def test_a_token_that_is_refused_is_a_fault(cli: Cli) -> None:
    cli.environ["CYGNI_TOKEN"] = "wrong"

    assert "✘ token: The API key is not valid." in cli("doctor").stdout


def test_no_configuration_is_a_fault_with_the_way_out(cli: Cli) -> None:
    cli.environ = {"HOME": str(cli.folder)}

    assert "✘ configuration: No control plane is configured." in cli("doctor").stdout


def test_an_application_that_does_not_answer_is_a_fault(cli: Cli, api: FakeApi) -> None:
    api.app_url = "http://shop.localhost:9"
    api.add_service(live=1)

    assert "✘ application: http://shop.localhost:9 does not answer" in cli("doctor").stdout


def test_what_is_not_there_yet_is_only_noted(cli: Cli, api: FakeApi) -> None:
    document = cli.document("doctor")

    assert document["ok"] is True
    assert levels(document)["application"] == "note"


def test_it_says_who_is_signed_in_and_where_the_login_is_kept(ann: Cli, api: FakeApi) -> None:
    shown = ann("doctor").stdout

    assert f"signed in by a login in {ann.kept}" in shown
    assert "token: is for ann, owner in team_" in shown


def test_the_api_is_reached_even_where_nobody_can_sign_in(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end(next(iter(api.sign_in.sessions)))
    api.sign_in.end_access()

    assert "✔ api: answers" in ann("doctor").stdout


def test_a_login_that_has_ended_is_a_fault_with_the_way_out(ann: Cli, api: FakeApi) -> None:
    api.sign_in.end(next(iter(api.sign_in.sessions)))

    result = ann("doctor")

    assert result.exit_code == Exit.UNHEALTHY
    assert "Sign in again: `cygni login`." in result.stdout

"""Small answers, and how every command fails."""

from __future__ import annotations

import json

import pytest

from chalicelib.identity.rules import Grant, Role, Scope
from cygni import __version__
from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import TOKEN, FakeApi, Fault
from tests.fakes.sign_in import OPERATORS
from tests.fakes.teams import Team


def test_whoami_names_subject_team_and_endpoint(cli: Cli, api: FakeApi) -> None:
    shown = cli("whoami").stdout

    assert "operator admin, the operator" in shown
    assert f"at       {api.url}, by a token (context environment)" in shown
    assert cli.document("whoami") == {
        "subject": "admin",
        "kind": "operator",
        "name": "operator",
        "team": OPERATORS,
        "role": "owner",
        "scopes": [],
        "context": "environment",
        "endpoint": api.url,
        "means": "token",
    }


def test_the_version_needs_no_control_plane(cli: Cli, api: FakeApi) -> None:
    cli.environ.clear()

    assert cli.document("version")["version"] == __version__
    assert cli("--version").stdout == f"cygni {__version__}\n"
    assert not api.requests


def test_open_prints_the_address_and_opens_nothing_without_a_terminal(cli: Cli, api: FakeApi) -> None:
    api.add_service()

    assert cli("open").stdout == "http://shop.localhost:8080\n"
    assert cli.browsed == []


def test_a_token_that_is_refused_is_not_signed_in(cli: Cli) -> None:
    cli.environ["CYGNI_TOKEN"] = "wrong"

    result = cli("whoami")

    assert result.exit_code == Exit.NOT_SIGNED_IN
    assert "The API key is not valid." in result.stderr
    assert "The token comes from CYGNI_TOKEN." in result.stderr
    assert "make up" in result.stderr


def test_no_configuration_is_not_signed_in(cli: Cli) -> None:
    cli.environ = {"HOME": str(cli.folder)}

    assert cli("status").exit_code == Exit.NOT_SIGNED_IN


def test_a_refusal_of_the_right_is_forbidden(cli: Cli, api: FakeApi) -> None:
    api.faults.append(Fault("/v1/whoami", 403, body=b'{"detail": "You may not.", "remedy": "Ask an Owner."}'))

    result = cli("whoami")

    assert result.exit_code == Exit.FORBIDDEN
    assert result.stderr == "error: You may not.\nnext: Ask an Owner.\n"


def test_nobody_there_is_unreachable(cli: Cli) -> None:
    cli.environ["CYGNI_ENDPOINT"] = "http://127.0.0.1:9"

    result = cli("whoami")

    assert result.exit_code == Exit.UNREACHABLE
    assert "http://127.0.0.1:9" in result.stderr


def test_a_wrong_option_is_a_usage_error(cli: Cli) -> None:
    assert cli("status", "--frobnicate").exit_code == Exit.USAGE


def test_an_error_for_machines_is_one_document_on_stderr(cli: Cli, api: FakeApi) -> None:
    result = cli("status", "--json")

    assert result.stdout == ""
    assert json.loads(result.stderr)["error"]["code"] == "not-found"
    assert json.loads(result.stderr)["error"]["exit_code"] == result.exit_code == Exit.NOT_FOUND


@pytest.mark.parametrize("body", [b"[]", b"null", b"{}", b'"?"'])
def test_an_answer_that_makes_no_sense_is_one_line_and_no_trace(cli: Cli, api: FakeApi, body: bytes) -> None:
    api.faults.append(Fault("/v1/whoami", 200, body=body))

    result = cli("whoami")

    assert result.exit_code == Exit.UNEXPECTED
    assert "CYGNI_DEBUG=1" in result.stderr
    assert "Traceback" not in result.output


def test_a_trace_is_there_for_who_asks(cli: Cli, api: FakeApi) -> None:
    cli.environ["CYGNI_DEBUG"] = "1"
    api.faults.append(Fault("/v1/whoami", 200, body=b"[]"))

    assert "Traceback" in cli("whoami").stderr


def test_a_context_can_be_named(cli: Cli, api: FakeApi) -> None:
    path = cli.folder / ".config" / "cygni" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[contexts.work]\nurl = "{api.url}"\ntoken = "{TOKEN}"\n')
    cli.environ = {"HOME": str(cli.folder)}

    assert cli.document("whoami", "--context", "work")["context"] == "work"


def test_whoami_says_what_a_role_is_narrowed_to(cli: Cli, api: FakeApi, acme: Team) -> None:
    scopes = (Scope("shop", "staging", Role.DEVELOPER), Scope("blog", "*", Role.VIEWER))
    acme.members[api.identity.user("dan")] = (Grant(Role.DEVELOPER, scopes), 1)
    cli.sign_in(api, "dan")

    shown = cli("whoami").stdout

    assert f"team     Acme {acme.id}" in shown
    assert "role     developer (only shop/staging, blog as viewer)" in shown
    assert "by a login" in shown


def test_another_region_is_told_with_its_address(cli: Cli, api: FakeApi) -> None:
    body = b'{"detail": "The team lives in eu-west-1.", "code": "wrong-region", "remedy": "Use https://eu.example.com."}'
    api.faults.append(Fault("/v1/whoami", 421, body=body))

    result = cli("whoami")

    assert result.exit_code == Exit.USAGE
    assert "cygni login --endpoint https://eu.example.com" in result.stderr


def test_too_many_requests_are_waited_out_as_the_api_says(cli: Cli, api: FakeApi) -> None:
    waits: list[float] = []
    cli.sleep = waits.append
    api.faults.append(Fault("/v1/whoami", 429, headers={"Retry-After": "7"}))

    assert cli("whoami").exit_code == Exit.OK
    assert waits == [7.0]

"""API keys, and workflows that need none."""

from __future__ import annotations

import re

import pytest

from chalicelib.identity.rules import Role
from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi
from tests.fakes.teams import Team


def test_a_key_is_shown_once_alone_on_its_line_with_a_warning(ann: Cli, api: FakeApi) -> None:
    result = ann("keys", "create", "deploy-bot", "--role", "developer", "--only", "shop", "--days", "30")

    (key,) = api.sign_in.keys
    assert key in result.stdout.splitlines()
    assert "developer (only shop)" in result.stdout
    assert "It is not shown again" in result.stdout
    assert "in 30d" in result.stdout
    assert key not in ann("keys", "list").output


def test_a_key_for_machines_is_in_the_document(ann: Cli, api: FakeApi) -> None:
    made = ann.document("keys", "create", "bot", "--role", "viewer")

    assert made["key"] in api.sign_in.keys
    assert (made["name"], made["role"]) == ("bot", "viewer")


def test_a_key_signs_in_as_what_it_is(ann: Cli, api: FakeApi) -> None:
    key = ann.document("keys", "create", "bot", "--role", "viewer")["key"]
    ann.environ |= {"CYGNI_ENDPOINT": api.url, "CYGNI_TOKEN": key}

    who = ann.document("whoami")

    assert (who["kind"], who["name"], who["role"], who["means"]) == ("key", "bot", "viewer", "token")


def test_keys_are_listed_with_who_made_them(ann: Cli) -> None:
    for name in ("one", "two", "three"):
        ann("keys", "create", name)

    lines = ann("keys", "list").stdout.splitlines()[1:]

    assert [line.split()[:3] for line in lines] == [[name, "developer", "ann"] for name in ("one", "two", "three")]


def test_no_key_says_how_to_make_one(ann: Cli) -> None:
    assert "cygni keys create" in ann("keys", "list").stdout


@pytest.mark.parametrize("by", ["name", "id", "prefix", "the whole key"])
def test_a_key_is_rotated_and_the_old_secret_stays_for_a_while(ann: Cli, api: FakeApi, by: str) -> None:
    made = ann.document("keys", "create", "bot")
    word = {"name": "bot", "id": made["id"], "prefix": made["prefix"], "the whole key": made["key"]}[by]

    result = ann("keys", "rotate", word, "--overlap", "2")

    new = [key for key in api.sign_in.keys if key != made["key"]]
    assert new[0] in result.stdout.splitlines()
    assert "The secret before it ends in 2h." in result.stdout
    assert not any(made["key"] in str(seen.path) for seen in api.requests)


def test_a_revoked_key_is_gone(ann: Cli, api: FakeApi) -> None:
    ann("keys", "create", "bot")

    assert ann("keys", "revoke", "bot", "--json").exit_code == Exit.USAGE
    assert ann("keys", "revoke", "bot", "--yes").exit_code == Exit.OK
    assert api.sign_in.keys == {}


def test_a_key_that_is_none_is_not_found(ann: Cli) -> None:
    result = ann("keys", "revoke", "bot", "--yes")

    assert result.exit_code == Exit.NOT_FOUND
    assert "cygni keys list" in result.stderr


@pytest.mark.parametrize("days", ["0", "731"])
def test_a_life_that_no_key_may_have_is_refused_here(ann: Cli, api: FakeApi, days: str) -> None:
    assert ann("keys", "create", "bot", "--days", days).exit_code == Exit.USAGE
    assert api.sign_in.keys == {}


# --- workflows


def test_a_trust_prints_what_the_workflow_needs(ann: Cli, api: FakeApi, acme: Team) -> None:
    result = ann("ci", "trust", "acme/shop", "--branch", "main", "--role", "developer", "--only", "shop")

    assert "Workflows of acme/shop (refs/heads/main) sign in as developer (only shop)" in result.stdout
    assert re.search(r"permissions:\n +contents: read\n +id-token: write", result.stdout)
    assert f"CYGNI_ENDPOINT: {api.url}\n" in result.stdout
    assert f"CYGNI_TEAM: {acme.id}\n" in result.stdout
    (trust,) = acme.trusts.values()
    assert (trust["name"], trust["ref"], trust["role"]) == ("acme/shop", "refs/heads/main", Role.DEVELOPER)


@pytest.mark.parametrize(
    ("options", "ref"),
    [((), None), (("--tag", "v*"), "refs/tags/v*"), (("--branch", "release/*"), "refs/heads/release/*")],
    ids=["any", "tags", "branches"],
)
def test_a_trust_may_be_for_any_branch_or_for_tags(ann: Cli, acme: Team, options: tuple[str, ...], ref: str | None) -> None:
    made = ann.document("ci", "trust", "acme/shop", *options, "--github-environment", "prod", "--repository-id", "42")

    assert made["ref"] == ref
    assert (made["environment"], made["repository_id"]) == ("prod", "42")


def test_a_trust_is_for_a_branch_or_a_tag(ann: Cli, acme: Team) -> None:
    assert ann("ci", "trust", "acme/shop", "--branch", "main", "--tag", "v1").exit_code == Exit.USAGE
    assert not acme.trusts


def test_a_repository_that_is_none_is_told_by_its_field(ann: Cli, acme: Team) -> None:
    result = ann("ci", "trust", "shop")

    assert result.exit_code == Exit.USAGE
    assert "body.repository" in result.stderr


def test_what_machines_did_is_listed_by_their_names(ann: Cli, acme: Team) -> None:
    key, trust = ann.document("keys", "create", "bot")["id"], ann.document("ci", "trust", "acme/shop")["id"]
    acme.tell(key, "create_project", "projects/a", kind="key")
    acme.tell(trust, "issue_token", f"trusts/{trust}/runs/1", kind="federated")

    shown = ann("audit", "list", "-n", "2").stdout

    assert " key bot " in shown
    assert " job of acme/shop " in shown


def test_trusts_are_listed_and_ended(ann: Cli, acme: Team) -> None:
    ann("ci", "trust", "acme/shop", "--name", "shop")

    assert ann("ci", "list").stdout.splitlines()[1].split()[:4] == ["shop", "acme/shop", "any", "branch"]
    assert ann("ci", "untrust", "shop", "--yes").exit_code == Exit.OK
    assert not acme.trusts
    assert "cygni ci trust" in ann("ci", "list").stdout

"""`python -m infra.deploy` on an account in memory: what is run, in which order, and what only the first time."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra.account import AccountRefused, Deployed
from infra.cdk import PACKAGE
from infra.deploy import FIRST_KEY, Seen, commands, deploy, examples_in, look, main
from infra.places import misplaced, names, places, regions
from infra.settings import Settings, load

ACCOUNT = "123456789012"
PYTHON = [sys.executable, "-m"]
DEV, PROD, FULL = load("dev"), load("prod"), load("full")
ALL = frozenset(names(places(PROD)))


@dataclass
class InMemory:
    """An account; `invoked` are the functions that ran in it."""

    id: str = ACCOUNT
    stacks: dict[tuple[str, str], Deployed] = field(default_factory=dict)
    invoked: list[str] = field(default_factory=list)

    def has(self, name: str, region: str, status: str = "CREATE_COMPLETE", **outputs: str) -> None:
        """Has a stack from now on."""
        self.stacks[name, region] = Deployed(name, region, status, outputs=outputs)

    def stack(self, name: str, region: str) -> Deployed | None:
        return self.stacks.get((name, region))

    def invoke(self, function: str, region: str) -> None:
        self.invoked.append(function)


@dataclass
class Shell:
    """Notes what is run; `code` is what each ends with."""

    code: int = 0
    ran: list[list[str]] = field(default_factory=list)

    def __call__(self, command: list[str]) -> int:
        self.ran.append(command)
        return self.code


def cdk(settings: Settings, seen: Seen, *, ask: bool = True) -> list[list[str]]:
    """The calls of the CDK command."""
    made = list(commands("prod", settings, seen, ask=ask))
    assert made[0] == [*PYTHON, "infra.synth", "prod"]
    assert {tuple(each[:3]) for each in made[1:]} == {(*PYTHON, "infra.cdk")}
    return [each[3:] for each in made[1:]]


def test_nothing_is_there_so_both_regions_are_bootstrapped_and_what_is_protected_is_first_made_unprotected() -> None:
    assert cdk(PROD, Seen(ACCOUNT)) == [
        ["bootstrap", f"aws://{ACCOUNT}/us-east-1", f"aws://{ACCOUNT}/us-west-2"],
        ["deploy", *names(places(PROD)), "--exclusively", "-c", "stage=prod", "-c", "first=yes"],
        ["deploy", "--all", "--app", "../build/cdk/prod"],
    ]


def test_an_upgrade_deploys_what_was_judged_and_does_nothing_else() -> None:
    seen = Seen(ACCOUNT, frozenset(regions(PROD)), ALL)

    assert cdk(PROD, seen) == [["deploy", "--all", "--app", "../build/cdk/prod"]]


def test_what_is_there_is_never_deployed_without_its_protection() -> None:
    seen = Seen(ACCOUNT, frozenset(regions(PROD)), ALL - {"cygni-replica", "cygni-builds"})

    (first, _) = cdk(PROD, seen)

    assert first[1 : first.index("--exclusively")] == ["cygni-replica", "cygni-builds"]


@pytest.mark.parametrize("there", [frozenset(), ALL - {"cygni-builds"}])
def test_a_stage_without_protection_or_with_all_that_is_protected_is_deployed_at_once(there: frozenset[str]) -> None:
    seen = Seen(ACCOUNT, frozenset(regions(PROD)), there)

    assert len(cdk(PROD if there else DEV, seen)) == 1


def test_told_not_to_ask_no_deploy_does() -> None:
    assert all(each[-2:] == ["--require-approval", "never"] for each in cdk(PROD, Seen(ACCOUNT), ask=False)[1:])


def test_a_region_is_bootstrapped_where_the_version_of_what_is_there_is_enough() -> None:
    account = InMemory()
    account.has("CDKToolkit", "us-east-1", BootstrapVersion="5")
    account.has("CDKToolkit", "us-west-2", BootstrapVersion="21")

    assert look(PROD, account).bootstrapped == {"us-west-2"}


@pytest.mark.parametrize(
    ("status", "there"),
    [
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("ROLLBACK_COMPLETE", False),
        ("ROLLBACK_FAILED", False),
        ("REVIEW_IN_PROGRESS", False),
    ],
)
def test_a_stack_whose_first_deploy_failed_is_deployed_as_if_for_the_first_time(status: str, there: bool) -> None:
    account = InMemory()
    account.has("cygni-data", "us-east-1", status)

    assert ("cygni-data" in look(PROD, account).there) is there


def test_the_first_key_is_made_and_the_address_told_once_all_is_deployed() -> None:
    account, shell, said = InMemory(), Shell(), list[str]()
    account.has("cygni-control-plane", "us-east-1", Address="https://abc.example.org/v")

    assert deploy("dev", DEV, account, run=shell, say=said.append) == 0

    assert account.invoked == [FIRST_KEY]
    assert shell.ran[-1][-2:] == ["--app", "../build/cdk/dev"]
    assert "https://abc.example.org/v" in said[-1]
    assert "admin_key_sha256" in said[-1]


def test_what_fails_ends_it_and_it_may_be_run_again() -> None:
    account, shell, said = InMemory(), Shell(3), list[str]()

    assert deploy("dev", DEV, account, run=shell, say=said.append) == 3

    assert (len(shell.ran), account.invoked) == (1, [])
    assert "run this again" in said[-1]


def test_shown_it_prints_the_commands_and_runs_none(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()

    assert main(["dev", "--show"], run=shell, account=InMemory()) == 0

    shown = capsys.readouterr().out.splitlines()
    assert shell.ran == []
    assert [line.partition(" -m ")[2].split()[:2] for line in shown] == [
        ["infra.synth", "dev"],
        ["infra.cdk", "bootstrap"],
        ["infra.cdk", "deploy"],
    ]
    assert f"aws://{ACCOUNT}/us-east-1" in shown[1]


def test_a_stage_for_another_account_or_with_names_of_an_example_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell()

    with pytest.raises(AccountRefused, match="for account 111111111111"):
        look(DEV.model_copy(update={"account": "1" * 12}), InMemory())
    assert examples_in(PROD) == ["api.site"]
    assert main(["prod"], run=shell, account=InMemory()) == 1
    assert shell.ran == []
    assert "an example's name in api.site" in capsys.readouterr().err


def test_a_stack_that_is_in_another_place_than_is_said_is_found() -> None:
    def manifest(**environments: str) -> dict[str, Any]:
        stacks = {
            name.replace("_", "-"): {
                "type": "aws:cloudformation:stack",
                "environment": f"aws://unknown-account/{region}",
                "dependencies": ["cygni-data"] if name == "cygni_builds" else [],
                "properties": {"requiresBootstrapStackVersion": 6},
            }
            for name, region in environments.items()
        }
        return {"artifacts": {**stacks, "Tree": {"type": "cdk:tree"}}}

    here = dict.fromkeys(("cygni_data", "cygni_builds", "cygni_control_plane"), "us-east-1")
    late = manifest(**here)
    late["artifacts"]["cygni-data"]["dependencies"] = ["cygni-builds"]
    late["artifacts"]["cygni-builds"]["properties"] = {"requiresBootstrapStackVersion": 99}

    assert misplaced(manifest(**here), DEV) == []
    assert len(misplaced(manifest(**here, cygni_console="us-east-1"), DEV)) == 1
    assert len(misplaced(manifest(**{**here, "cygni_data": "us-west-2"}), DEV)) == 2
    assert [line.split()[0] for line in misplaced(late, DEV)] == ["cygni-data", "cygni-builds"]


def test_stacks_of_a_pair_are_said_for_both_regions() -> None:
    assert regions(FULL) == ("us-east-1", "us-west-2")
    assert {each.region for each in places(FULL) if each.name.endswith(("standby", "replica"))} == {"us-west-2"}


def test_the_version_of_the_cdk_command_is_exact_and_locked_with_its_digest() -> None:
    asked = json.loads((PACKAGE / "package.json").read_text())["dependencies"]["aws-cdk"]
    locked = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]["node_modules/aws-cdk"]

    assert asked == locked["version"]
    assert locked["integrity"].startswith("sha512-")
    assert "resolved" not in locked

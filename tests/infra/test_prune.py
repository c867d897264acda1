"""Versions that nothing needs: which they are, and that they are deleted in an account in memory, and no others."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from infra.account import Account
from infra.prune import OfFunction, OfMachine, all_versioned, prune
from infra.settings import load
from infra.versions import Version, unneeded
from tests.infra.account import create_functions
from tests.infra.recorder import REGION

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=60)
NAME = "cygni-deploy-begin"


def versions(*days: int) -> list[Version]:
    """Versions that were made so many days ago, by their numbers from 1."""
    return [Version(number, NOW - timedelta(days=each)) for number, each in enumerate(days, 1)]


def numbers(found: list[Version]) -> list[int]:
    return [each.number for each in found]


def test_a_version_goes_31_days_after_its_successor_came_and_not_31_days_after_itself() -> None:
    newest = [0] * 10

    assert numbers(unneeded(versions(400, 300, 32, 31, 30, *newest), (), NOW)) == [1, 2]


def test_an_alias_keeps_what_it_names_at_any_age() -> None:
    assert numbers(unneeded(versions(*range(400, 385, -1)), {1, 3}, NOW)) == [2, 4, 5]


def test_the_ten_newest_stay_at_any_age() -> None:
    assert numbers(unneeded(versions(*range(800, 788, -1)), (), NOW)) == [1, 2]
    assert unneeded(versions(*range(800, 790, -1)), (), NOW) == []
    assert unneeded([], (), NOW) == []


def code(number: int) -> bytes:
    """A zip that is another one for each number."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("any.py", f"# {number}")
    return made.getvalue()


@pytest.fixture
def account() -> Iterator[Account]:
    """An account with a function of 13 versions, of which the alias gives the second a share."""
    with mock_aws():
        create_functions([NAME])
        made = Account()
        client = made.client("lambda", REGION)
        for number in range(2, 14):
            client.update_function_code(FunctionName=NAME, ZipFile=code(number), Publish=True)
        weights = {"AdditionalVersionWeights": {"2": 0.1}}
        client.update_alias(FunctionName=NAME, Name="live", FunctionVersion="13", RoutingConfig=weights)
        yield made


def test_old_versions_of_a_function_are_deleted_but_for_those_that_its_alias_names(account: Account) -> None:
    function = OfFunction(account.client("lambda", REGION), NAME)

    assert numbers(prune(function, LATER, show=True)) == [1, 3]
    assert numbers(prune(function, LATER)) == [1, 3]
    assert numbers(prune(function, LATER)) == []
    assert numbers(function.versions()) == [2, *range(4, 14)]
    assert prune(OfFunction(account.client("lambda", REGION), "cygni-not-there"), LATER) == []


def test_old_versions_of_a_workflow_are_deleted_through_all_pages_but_for_those_that_its_alias_names() -> None:
    """What Step Functions answers is held to its model by botocore; moto knows no list of versions."""
    arn = f"arn:aws:states:{REGION}:123456789012:stateMachine:cygni-deploy"
    made = NOW - timedelta(days=99)
    pages = [
        [{"stateMachineVersionArn": f"{arn}:{n}", "creationDate": made} for n in page] for page in (range(7, 13), range(1, 7))
    ]
    routed = [{"stateMachineVersionArn": f"{arn}:{n}", "weight": 50} for n in (12, 1)]
    alias = {"stateMachineAliasArn": f"{arn}:live", "creationDate": made}
    client = Account().client("stepfunctions", REGION)
    with Stubber(client) as answers:
        answers.add_response(
            "list_state_machine_versions", {"stateMachineVersions": pages[0], "nextToken": "more"}, {"stateMachineArn": arn}
        )
        answers.add_response(
            "list_state_machine_versions", {"stateMachineVersions": pages[1]}, {"stateMachineArn": arn, "nextToken": "more"}
        )
        answers.add_response("list_state_machine_aliases", {"stateMachineAliases": [alias]}, {"stateMachineArn": arn})
        answers.add_response(
            "describe_state_machine_alias", {"routingConfiguration": routed}, {"stateMachineAliasArn": f"{arn}:live"}
        )
        answers.add_response("delete_state_machine_version", {}, {"stateMachineVersionArn": f"{arn}:2"})

        assert numbers(prune(OfMachine(client, arn), NOW)) == [2]
        answers.assert_no_pending_responses()


def test_a_version_that_came_to_be_named_in_the_meantime_stays() -> None:
    class Named:
        name = NAME

        def versions(self) -> list[Version]:
            return versions(*range(800, 788, -1))

        def named(self) -> set[int]:
            return set()

        def delete(self, version: Version) -> None:
            code = "ResourceConflictException" if version.number == 1 else "ResourceNotFoundException"
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "DeleteFunction")

    assert numbers(prune(Named(), NOW)) == [2]


class Nowhere(Account):
    """An account that is not asked."""

    id = "123456789012"

    def client(self, service: str, region: str) -> Any:
        return SimpleNamespace(meta=SimpleNamespace(partition="aws"))


def test_all_functions_and_workflows_of_both_regions_of_a_pair_are_looked_at() -> None:
    dev, full = (list(all_versioned(load(each), Nowhere())) for each in ("dev", "full"))

    assert {region for region, _ in full} == {"us-east-1", "us-west-2"}
    assert {each.name for _, each in dev} < {each.name for _, each in full}
    assert {"cygni-api", "cygni-deploy", NAME} <= {each.name for _, each in dev}

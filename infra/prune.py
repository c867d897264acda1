"""`python -m infra.prune`: deletes versions of Cygni's functions and workflows that nothing needs any more.

usage: python -m infra.prune STAGE [--show]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from functions.catalog import API_FUNCTION, FUNCTIONS, PAIR_FUNCTIONS, STATE_MACHINES
from infra.account import Account, AccountRefused, refusals
from infra.settings import Settings, SettingsRefused, load
from infra.versions import Version, unneeded

_ABSENT = frozenset({"ResourceNotFound", "ResourceNotFoundException", "StateMachineDoesNotExist"})
_IN_USE = frozenset({"ConflictException", "ResourceConflictException"})


class Versioned(Protocol):
    """A function or a workflow with versions. `name` is what people are told."""

    name: str

    def versions(self) -> list[Version]:
        """All of its versions."""

    def named(self) -> set[int]:
        """The numbers of those that an alias names."""

    def delete(self, version: Version) -> None:
        """Deletes one. What is gone already is no error."""


class OfFunction:
    """The versions of a Lambda function."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self.name = client, name

    def versions(self) -> list[Version]:
        pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=self.name)
        found = [each for page in pages for each in page["Versions"] if each["Version"].isdigit()]
        return [Version(int(each["Version"]), datetime.fromisoformat(each["LastModified"])) for each in found]

    def named(self) -> set[int]:
        pages = self._client.get_paginator("list_aliases").paginate(FunctionName=self.name)
        found: set[str] = set()
        for each in (alias for page in pages for alias in page["Aliases"]):
            found |= {each["FunctionVersion"], *each.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}
        return {int(each) for each in found if each.isdigit()}

    def delete(self, version: Version) -> None:
        self._client.delete_function(FunctionName=self.name, Qualifier=str(version.number))


class OfMachine:
    """The versions of a state machine, by its ARN."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self._arn = client, arn
        self.name = arn.rpartition(":")[2]

    def versions(self) -> list[Version]:
        found = self._all("list_state_machine_versions", "stateMachineVersions")
        return [Version(_number(each["stateMachineVersionArn"]), each["creationDate"]) for each in found]

    def named(self) -> set[int]:
        found: set[int] = set()
        for each in self._all("list_state_machine_aliases", "stateMachineAliases"):
            alias = self._client.describe_state_machine_alias(stateMachineAliasArn=each["stateMachineAliasArn"])
            found |= {_number(route["stateMachineVersionArn"]) for route in alias["routingConfiguration"]}
        return found

    def delete(self, version: Version) -> None:
        self._client.delete_state_machine_version(stateMachineVersionArn=f"{self._arn}:{version.number}")

    def _all(self, call: str, key: str) -> Iterator[dict[str, Any]]:
        """Pages of a call that botocore has no paginator for."""
        asked = {"stateMachineArn": self._arn}
        while True:
            page = getattr(self._client, call)(**asked)
            yield from page[key]
            if not page.get("nextToken"):
                return
            asked["nextToken"] = page["nextToken"]


def all_versioned(settings: Settings, account: Account) -> Iterator[tuple[str, Versioned]]:
    """Everything of a stage that has versions, with its region."""
    standby = [settings.standby.region] if settings.standby else []
    for region in (settings.region, *standby):
        for function in (API_FUNCTION, *FUNCTIONS, *(PAIR_FUNCTIONS if standby else ())):
            yield region, OfFunction(account.client("lambda", region), function.name)
        workflows = account.client("stepfunctions", region)
        for machine in STATE_MACHINES:
            arn = f"arn:{workflows.meta.partition}:states:{region}:{account.id}:stateMachine:{machine.deployed_name}"
            yield region, OfMachine(workflows, arn)


def prune(versioned: Versioned, now: datetime, *, show: bool = False) -> list[Version]:
    """Deletes what is not needed, or only says it. Answers the versions. Raises AccountRefused."""
    try:
        with refusals():
            found = unneeded(versioned.versions(), versioned.named(), now)
    except AccountRefused as refused:
        if refused.code in _ABSENT:
            return []
        raise
    return found if show else [each for each in found if _deleted(versioned, each)]


def _deleted(versioned: Versioned, version: Version) -> bool:
    """Whether it is gone. One that an alias came to name in the meantime stays."""
    try:
        with refusals():
            versioned.delete(version)
    except AccountRefused as refused:
        if refused.code not in _ABSENT | _IN_USE:
            raise
        return refused.code in _ABSENT
    return True


def _number(arn: str) -> int:
    return int(arn.rpartition(":")[2])


def main(arguments: list[str], *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> int:
    """Answers 0 when all is done."""
    parser = argparse.ArgumentParser(prog="python -m infra.prune", description=__doc__.partition("\n")[0])
    parser.add_argument("stage", help="a file of infra/stages, without its ending")
    parser.add_argument("--show", action="store_true", help="say what would be deleted, and delete nothing")
    given = parser.parse_args(arguments)
    count = 0
    try:
        for region, each in all_versioned(load(given.stage), Account()):
            found = prune(each, clock(), show=given.show)
            count += len(found)
            if found:
                print(f"{region} {each.name}: {', '.join(str(version.number) for version in found)}", flush=True)
    except (SettingsRefused, AccountRefused) as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"{count} versions {'would be' if given.show else 'were'} deleted")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

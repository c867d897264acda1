"""The account that an operator's commands change: botocore's clients by region, and what CloudFormation has of a stage there.

Credentials are found as the AWS CLI finds them. What AWS refuses is raised as AccountRefused, a sentence without a trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from functions.catalog import RELEASE


class AccountRefused(Exception):
    """What AWS did not let be done, in a sentence; `code` is AWS's name for it."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def refuse_other(wanted: str | None, found: str) -> None:
    """Raises AccountRefused where a stage is for one account, and the credentials are of another."""
    if wanted not in (None, found):
        raise AccountRefused(f"The stage is for account {wanted} (account), and the credentials are of {found}.")


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack as CloudFormation has it. `resources` are the physical names of its resources by their names in `template`."""

    name: str
    region: str
    status: str
    protected: bool = False
    outputs: Mapping[str, str] = field(default_factory=dict)
    template: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=dict)


class Account:
    """One account, in whatever regions are asked for."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}

    @cached_property
    def id(self) -> str:
        """Its number."""
        with refusals():
            return str(self.client("sts", "us-east-1").get_caller_identity()["Account"])

    @cached_property
    def _session(self) -> Any:
        from botocore.session import Session

        return Session()

    def client(self, service: str, region: str) -> Any:
        """A client of a service. It tries each call five times."""
        from botocore.config import Config

        if (service, region) not in self._clients:
            config = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 5})
            with refusals():
                made = self._session.create_client(service, region_name=region, config=config)
            self._clients[service, region] = made
        return self._clients[service, region]

    def stack(self, name: str, region: str) -> Deployed | None:
        """A stack that is there, without its template and resources."""
        with refusals():
            try:
                (found,) = self.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"]
            except Exception as error:
                if "does not exist" in str(error):
                    return None
                raise
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}
        return Deployed(name, region, found["StackStatus"], bool(found.get("EnableTerminationProtection")), outputs)

    def invoke(self, function: str, region: str) -> None:
        """Has a function run once, by its alias. Raises AccountRefused, also when the function fails."""
        with refusals():
            answer = self.client("lambda", region).invoke(FunctionName=function, Qualifier=RELEASE)
        if "FunctionError" in answer:
            raise AccountRefused(f"{function} failed: /aws/lambda/{function} says why.")

    def whole_stack(self, name: str, region: str) -> Deployed | None:
        """A stack that is there, with all that it consists of."""
        found, client = self.stack(name, region), self.client("cloudformation", region)
        if found is None:
            return None
        with refusals():
            told = client.get_template(StackName=name)["TemplateBody"]
            pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
            resources = {
                each["LogicalResourceId"]: each["PhysicalResourceId"]
                for page in pages
                for each in page["StackResourceSummaries"]
                if each.get("PhysicalResourceId") and each["ResourceStatus"] != "DELETE_COMPLETE"
            }
        if isinstance(told, str):
            raise AccountRefused(f"{name} in {region} has a template that is not JSON, so that it is not from here.")
        return Deployed(name, region, found.status, found.protected, found.outputs, told, resources)


@contextmanager
def refusals() -> Iterator[None]:
    """What botocore raises, as a sentence."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        raise AccountRefused(f"AWS refused {error.operation_name}: {code} {told.get('Message', '')}".rstrip(), code) from None
    except BotoCoreError as error:
        raise AccountRefused(f"AWS was not asked: {error}") from None

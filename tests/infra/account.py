"""An account in memory with all that the catalog declares, whose Lambda runs the catalog's handlers."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.awslambda.models import LambdaFunction
from moto.stepfunctions.models import StepFunctionBackend

from functions.catalog import API_FUNCTION, EVENT_BUS, FUNCTIONS, RELEASE, RUNTIME, STATE_MACHINES
from tests.infra.recorder import ACCOUNT, REGION
from tests.support.store import memory_store

PASS = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}})
Invoke = Callable[[str, Any], Any]


def _client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


@contextmanager
def account(invoke: Invoke) -> Iterator[None]:
    """The account; `invoke` runs a function by its name. State machines keep executions and run none."""
    with invoking(invoke), memory_store():
        _create()
        yield


@contextmanager
def invoking(invoke: Invoke) -> Iterator[None]:
    """Lambda in memory runs functions so."""
    original, described = LambdaFunction._invoke_lambda, StepFunctionBackend.describe_state_machine

    def run(self: Any, event: Any = None) -> tuple[str, bool, str]:
        answer = invoke(self.function_name, json.loads(event) if isinstance(event, str) else event)
        return json.dumps(answer), False, ""

    def describe(self: Any, arn: str) -> Any:
        return described(self, arn.removesuffix(f":{RELEASE}"))  # moto knows versions of state machines, and no aliases

    LambdaFunction._invoke_lambda, StepFunctionBackend.describe_state_machine = run, describe
    try:
        yield
    finally:
        LambdaFunction._invoke_lambda, StepFunctionBackend.describe_state_machine = original, described


def create_functions(names: Iterable[str]) -> str:
    """Functions of these names; answers the role that they have."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = _client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    for name in names:
        _client("lambda").create_function(
            FunctionName=name, Role=role, Handler="app.app", Runtime=RUNTIME, Code={"ZipFile": _EMPTY}
        )
        version = _client("lambda").publish_version(FunctionName=name)["Version"]
        _client("lambda").create_alias(FunctionName=name, Name=RELEASE, FunctionVersion=version)
    return str(role)


def _create() -> None:
    role = create_functions(each.name for each in (*FUNCTIONS, API_FUNCTION))
    for machine in STATE_MACHINES:
        _client("stepfunctions").create_state_machine(name=machine.deployed_name, definition=PASS, roleArn=role)
    for secret in ("cygni/signing-keys", "cygni/sign-in"):  # as the data stack makes them: without a value
        _client("secretsmanager").create_secret(Name=secret)
    _client("events").create_event_bus(Name=EVENT_BUS)
    _client("codebuild").create_project(
        name="cygni-build",
        source={"type": "S3", "location": "cygni/x"},  # moto knows no project without a source
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/service-role/build",
    )


def _empty_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), "")
    return data.getvalue()


_EMPTY = _empty_zip()

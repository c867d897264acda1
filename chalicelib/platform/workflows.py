"""Step Functions: starting a workflow once, and answering the task that waits for a token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.platform.aws import client, error_code
from chalicelib.platform.frozen import dataclass

_TOKEN_IS_DONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


@dataclass(frozen=True, slots=True)
class Workflows:
    """The state machines of one account and region, by name."""

    def start(self, machine: str, name: str, value: Mapping[str, Any]) -> bool:
        """Starts an execution. False when one of this name exists already, running or ended: the same start twice is one."""
        try:
            client("stepfunctions").start_execution(
                stateMachineArn=_released(machine), name=name, input=json.dumps(value, sort_keys=True)
            )
        except ClientError as error:
            if error_code(error) == "ExecutionAlreadyExists":
                return False
            raise
        return True

    def status(self, machine: str, name: str) -> str | None:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED; None when there is no execution of this name."""
        arn = _arn(machine).replace(":stateMachine:", ":execution:") + ":" + name
        try:
            return str(client("stepfunctions").describe_execution(executionArn=arn)["status"])
        except ClientError as error:
            if error_code(error) == "ExecutionDoesNotExist":
                return None
            raise

    def running(self, machine: str) -> Iterator[str]:
        """Names of the executions that run, a thousand in a call; one that was started a moment ago may be missing."""
        request: dict[str, Any] = {"stateMachineArn": _arn(machine), "statusFilter": "RUNNING", "maxResults": 1000}
        while True:
            answer = client("stepfunctions").list_executions(**request)
            yield from (str(each["name"]) for each in answer["executions"])
            if not answer.get("nextToken"):
                return
            request["nextToken"] = answer["nextToken"]

    def succeed(self, token: str, value: Mapping[str, Any]) -> None:
        """Answers a waiting task. A token that was answered or timed out already is no error."""
        self._answer("send_task_success", taskToken=token, output=json.dumps(value))

    def fail(self, token: str, error: str, cause: str) -> None:
        """Fails a waiting task with an error's name. A token that was answered or timed out already is no error."""
        self._answer("send_task_failure", taskToken=token, error=error, cause=cause[:1000])

    def _answer(self, call: str, **arguments: str) -> None:
        try:
            getattr(client("stepfunctions"), call)(**arguments)
        except ClientError as error:
            if error_code(error) not in _TOKEN_IS_DONE:
                raise


def _arn(machine: str) -> str:
    """The ARN of a state machine of this account; asking who we are costs a call, so its answer is kept with the client."""
    return f"arn:{partition()}:states:{client('stepfunctions').meta.region_name}:{account()}:stateMachine:{machine}"


def _released(machine: str) -> str:
    """The ARN that a workflow is started by: that of the release's alias, where releases have one."""
    from chalicelib.platform.settings import settings

    alias = settings().release_alias
    return f"{_arn(machine)}:{alias}" if alias else _arn(machine)


def partition() -> str:
    """The AWS partition of the configured region: aws, aws-cn or aws-us-gov."""
    return str(client("stepfunctions").meta.partition)


def account() -> str:
    """The account these credentials belong to."""
    from chalicelib.platform.settings import settings

    return settings().account

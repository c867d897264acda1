"""CodeBuild: starting and stopping the build of one image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.platform.aws import client, error_code
from chalicelib.platform.errors import BuildersBusy
from chalicelib.platform.frozen import dataclass

_NO_ROOM = "AccountLimitExceededException"


@dataclass(frozen=True, slots=True)
class Builders:
    """One CodeBuild project; what a build does comes to it as variables."""

    project: str

    def start(self, token: str, variables: Mapping[str, str], *, buildspec: str, timeout: int) -> str:
        """Starts a build and returns its id. The same `token` within a few minutes starts nothing new; `timeout` is seconds.

        Raises BuildersBusy: a project that says how many builds may run at once refuses more, instead of queueing them.
        """
        environment = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in sorted(variables.items())]
        try:
            answer: dict[str, Any] = client("codebuild").start_build(
                projectName=self.project,
                idempotencyToken=token,
                buildspecOverride=buildspec,
                environmentVariablesOverride=environment,
                timeoutInMinutesOverride=max(5, -(-timeout // 60)),
            )
        except ClientError as error:
            if error_code(error) == _NO_ROOM:
                raise BuildersBusy("As many builds run as may run at the same time.") from None
            raise
        return str(answer["build"]["id"])

    def stop(self, build_id: str) -> None:
        """Stops a build; one that has ended or is unknown is no error."""
        try:
            client("codebuild").stop_build(id=build_id)
        except ClientError as error:
            if error_code(error) not in {"ResourceNotFoundException", "InvalidInputException"}:
                raise

    def log(self, build_id: str, token: str | None) -> tuple[list[str], str | None]:
        """Lines of a build's log stream since `token`, and the token of the next place."""
        group, _, stream = build_id.partition(":")
        place = {"nextToken": token} if token else {}
        try:
            answer = client("logs").get_log_events(
                logGroupName=f"/aws/codebuild/{group}", logStreamName=stream, startFromHead=True, **place
            )
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return [], token
            raise
        return [str(each["message"]).rstrip("\n") for each in answer["events"]], str(answer["nextForwardToken"])

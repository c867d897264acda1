"""Messages of a dead-letter queue → which function should have taken which event. Pure.

1. A message that is not understood, or that names a function of somebody else, is a letter with a `fault`, and is left alone.
2. What is shown of a letter is names and ids; an event's other values and the words of errors stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

PREFIX = "cygni-"
"""What names of functions and queues of an installation begin with."""
_SHOWN = (
    "team",
    "project",
    "environment",
    "service",
    "deployment",
    "build",
    "user",
    "cluster",
    "name",
    "shard",
    "source",
    "id",
)
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: the function that should have taken it, its event as JSON, the kind of error, and ids of the event.

    `qualifier` is the alias or version that it went to, or empty. `receipt` lets go of it or deletes it; `fault` says why it
    cannot be sent again, and is empty when it can.
    """

    id: str
    queue: str
    sent_at: datetime
    function: str = ""
    event: str = field(default="", repr=False)
    error: str = ""
    about: Mapping[str, str] = field(default_factory=dict, hash=False)
    fault: str = ""
    receipt: str = field(default="", repr=False)
    qualifier: str = ""


def read_letter(message: Mapping[str, Any], queue: str, queue_arn: str) -> Letter:
    """The letter of a message as SQS gives it.

    Two forms are known: what Lambda writes of an event that a function failed on, and what EventBridge and its Scheduler write
    of one that they could not deliver, whose body is the event and whose attributes name the target.
    """
    milliseconds = int(message.get("Attributes", {}).get("SentTimestamp", 0))
    sent = datetime.fromtimestamp(milliseconds / 1000, UTC)
    known: dict[str, Any] = {
        "id": str(message["MessageId"]),
        "queue": queue,
        "sent_at": sent,
        "receipt": str(message.get("ReceiptHandle", "")),
    }
    attributes = {name: str(each.get("StringValue", "")) for name, each in (message.get("MessageAttributes") or {}).items()}
    try:
        body = json.loads(message.get("Body", ""))
    except ValueError:
        return Letter(**known, fault="It is not JSON.")
    if "TARGET_ARN" in attributes:
        return _of_delivery(body, attributes, known, queue_arn)
    if isinstance(body, dict) and isinstance(body.get("requestContext"), dict) and "requestPayload" in body:
        return _of_invocation(body, known, queue_arn)
    return Letter(**known, fault="Neither Lambda nor EventBridge wrote it.")


def _of_invocation(body: Mapping[str, Any], known: Mapping[str, Any], queue_arn: str) -> Letter:
    answer = body.get("responsePayload")
    error = str(answer.get("errorType", "")) if isinstance(answer, dict) else ""
    condition = str(body["requestContext"].get("condition", ""))
    return _addressed(
        body["requestPayload"], str(body["requestContext"].get("functionArn", "")), error or condition, known, queue_arn
    )


def _of_delivery(body: Any, attributes: Mapping[str, str], known: Mapping[str, Any], queue_arn: str) -> Letter:
    error = attributes.get("ERROR_CODE", "")
    if attributes.get("IS_PAYLOAD_TRUNCATED", "false").lower() == "true":
        return Letter(**known, error=error, fault="Its event was cut off.")
    return _addressed(body, attributes["TARGET_ARN"], error, known, queue_arn)


def _addressed(event: Any, arn: str, error: str, known: Mapping[str, Any], queue_arn: str) -> Letter:
    name, qualifier = _function_of(arn, queue_arn), ":".join(arn.split(":")[7:]).replace("$LATEST", "")
    fault = "" if name else "It names no function of this installation."
    return Letter(
        **known,
        function=name,
        event=json.dumps(event),
        error=error[:_LONGEST],
        about=_ids(event),
        fault=fault,
        qualifier=qualifier,
    )


def _function_of(arn: str, queue_arn: str) -> str:
    """The name in a function's ARN, if it is Cygni's and in the account and region of the queue; else empty."""
    parts, home = arn.split(":"), queue_arn.split(":")
    if len(parts) < 7 or parts[2] != "lambda" or parts[5] != "function" or parts[3:5] != home[3:5]:
        return ""
    return parts[6] if parts[6].startswith(PREFIX) else ""


def _ids(event: Any) -> dict[str, str]:
    if not isinstance(event, dict):
        return {}
    return {name: str(event[name])[:_LONGEST] for name in _SHOWN if isinstance(event.get(name), str | int)}

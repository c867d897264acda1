"""What is read of a message in a dead-letter queue, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cygni.operator.letters import Letter, read_letter

HOME = "arn:aws:sqs:eu-west-1:123456789012:cygni-dead-letters"
REMOVER = "arn:aws:lambda:eu-west-1:123456789012:function:cygni-remove-service"
EVENT = {"team": "team_1", "service": "web", "config": {"PASSWORD": "hunter2"}, "token": "t0ken"}


def message(body: Any, **attributes: str) -> dict[str, Any]:
    return {
        "MessageId": "m-1",
        "ReceiptHandle": "r-1",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": "1790000000000"},
        "MessageAttributes": {name: {"StringValue": value, "DataType": "String"} for name, value in attributes.items()},
    }


def failed(arn: str = REMOVER, event: Any = EVENT) -> dict[str, Any]:
    context = {"functionArn": arn, "condition": "RetriesExhausted", "requestId": "q"}
    error = {"errorType": "ClusterUnavailable", "errorMessage": "https://user:secret@k8s gave no answer"}
    return message({"version": "1.0", "requestContext": context, "requestPayload": event, "responsePayload": error})


def read(given: dict[str, Any]) -> Letter:
    return read_letter(given, "cygni-dead-letters", HOME)


def test_what_lambda_wrote_names_the_function_and_keeps_the_event_as_it_was() -> None:
    letter = read(failed(REMOVER + ":$LATEST"))

    assert (letter.function, letter.error, letter.fault) == ("cygni-remove-service", "ClusterUnavailable", "")
    assert json.loads(letter.event) == EVENT
    assert letter.sent_at.isoformat() == "2026-09-21T14:13:20+00:00"


@pytest.mark.parametrize(("to", "qualifier"), [("", ""), (":$LATEST", ""), (":live", "live"), (":7", "7")])
def test_a_letter_goes_where_its_event_went(to: str, qualifier: str) -> None:
    assert read(failed(REMOVER + to)).qualifier == qualifier


def test_what_eventbridge_could_not_deliver_is_the_body_and_the_target_an_attribute() -> None:
    letter = read(message(EVENT, TARGET_ARN=REMOVER, ERROR_CODE="NO_PERMISSIONS", RULE_ARN="arn:aws:events:…"))

    assert (letter.function, letter.error, letter.fault) == ("cygni-remove-service", "NO_PERMISSIONS", "")
    assert json.loads(letter.event) == EVENT


def test_only_names_and_ids_are_shown() -> None:
    letter = read(failed())

    assert letter.about == {"team": "team_1", "service": "web"}
    assert not any(secret in repr(letter) for secret in ("hunter2", "t0ken", "secret", "r-1"))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (message("not json"), "It is not JSON."),
        (message({"team": "team_1"}), "Neither Lambda nor EventBridge wrote it."),
        (message([1]), "Neither Lambda nor EventBridge wrote it."),
        (message(EVENT, TARGET_ARN=REMOVER, IS_PAYLOAD_TRUNCATED="true"), "Its event was cut off."),
        (failed("arn:aws:lambda:eu-west-1:123456789012:function:payroll"), "It names no function of this installation."),
        (failed("arn:aws:lambda:eu-west-1:999999999999:function:cygni-api"), "It names no function of this installation."),
        (failed("arn:aws:lambda:us-east-1:123456789012:function:cygni-api"), "It names no function of this installation."),
        (failed(""), "It names no function of this installation."),
    ],
    ids=["no json", "no form", "a list", "cut off", "a stranger", "another account", "another region", "nobody"],
)
def test_what_is_not_understood_has_a_fault(given: dict[str, Any], fault: str) -> None:
    assert read(given).fault == fault

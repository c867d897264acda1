"""The house rules of the state machines, each broken once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tools.asl_rules import Known, broken_rules

KNOWN = Known({"cygni-work": 30}, {"build"}, {"LostRace", "Throttled"})
Definition = dict[str, Any]


def sound() -> Definition:
    pace = {"IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 3, "MaxDelaySeconds": 9, "JitterStrategy": "FULL"}
    retry = {"ErrorEquals": ["LostRace"], **pace}
    work = {
        "Comment": "Does it.",
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "${cygni-work}", "Payload.$": "$"},
        "TimeoutSeconds": 60,
        "ResultSelector": {"next.$": "$.Payload.next"},
        "ResultPath": "$.step",
        "Retry": [retry],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}],
        "Next": "Choose",
    }
    nested = {
        **work,
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": "${machine:build}", "Name.$": "$$.Execution.Name", "Input": {}},
        "Next": "Done",
    }
    choose = {
        "Comment": "Which way.",
        "Type": "Choice",
        "Choices": [{"Variable": "$.step.next", "StringEquals": "Nest", "Next": "Nest"}],
        "Default": "Done",
    }
    done, failed = {"Comment": "Good.", "Type": "Succeed"}, {"Comment": "Bad.", "Type": "Fail", "Error": "X", "Cause": "y"}
    states = {"Work": work, "Nest": nested, "Choose": choose, "Done": done, "Failed": failed}
    return {"Comment": "A machine.", "StartAt": "Work", "States": states}


def test_a_machine_that_keeps_every_rule_has_nothing_said_against_it() -> None:
    assert broken_rules(json.dumps(sound()), KNOWN) == []


def _set(state: str, **fields: Any) -> Callable[[Definition], None]:
    return lambda definition: definition["States"][state].update(fields)


def _drop(state: str, field: str) -> Callable[[Definition], None]:
    return lambda definition: definition["States"][state].pop(field)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_drop("Work", "Comment"), "Work: it has no Comment."),
        (_drop("Failed", "Comment"), "Failed: it has no Comment."),
        (_drop("Work", "TimeoutSeconds"), "Work: it has no TimeoutSeconds."),
        (_set("Work", TimeoutSeconds=30), "more than the 30 s that cygni-work may take"),
        (_drop("Work", "Retry"), "Work: it has no Retry."),
        (_set("Work", Retry=[{"ErrorEquals": ["LostRace"]}]), "interval, back-off, longest delay, attempts and jitter"),
        (_set("Work", Retry=[{"ErrorEquals": ["Throttled"]}]), "names Throttled, which a client has tried again"),
        (_set("Work", Retry=[{"ErrorEquals": ["ThrottlingException"]}]), "ThrottlingException is no error that can occur"),
        (_drop("Work", "Catch"), "Work: it does not catch States.ALL."),
        (_set("Work", Catch=[{"ErrorEquals": ["Throttled"], "Next": "Failed"}]), "does not catch States.ALL"),
        (_set("Work", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Done"}]), "its Catch leads to Done"),
        (_set("Work", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Choose"}]), "its Catch leads to Done"),
        (_set("Work", Catch=[{"ErrorEquals": ["Throtled", "States.ALL"], "Next": "Failed"}]), "Throtled is no error"),
        (_drop("Choose", "Default"), "Choose: it has no Default"),
        (_set("Choose", Choices=[{"Variable": "$.error.Cause", "IsPresent": True, "Next": "Done"}]), "reads an error's Cause"),
        (_set("Work", Assign={"x": "1"}), "Assign does not run alike"),
        (_set("Work", HeartbeatSeconds=5), "HeartbeatSeconds does not run alike"),
        (_set("Work", QueryLanguage="JSONata"), "QueryLanguage does not run alike"),
        (_set("Work", ResultSelector={"a.$": "$.Payload.xs[0].a"}), "has an index or a filter"),
        (_set("Nest", Parameters={"StateMachineArn": "${machine:build}"}), "starts an execution without a name"),
        (_set("Work", Parameters={"FunctionName": "${cygni-wrok}"}), "${cygni-wrok} is not in the catalog"),
        (_set("Nest", Parameters={"StateMachineArn": "${machine:bild}", "Name": "x"}), "${machine:bild} is not in the catalog"),
        (lambda definition: definition.pop("Comment"), "The machine has no Comment."),
        (lambda definition: definition.pop("States"), "It has no States."),
    ],
)
def test_a_broken_rule_is_named(spoil: Callable[[Definition], None], said: str) -> None:
    definition = sound()
    spoil(definition)

    assert any(said in sentence for sentence in broken_rules(json.dumps(definition), KNOWN))


def test_a_placeholder_outside_a_string_is_not_json() -> None:
    assert "not JSON" in broken_rules('{"TimeoutSeconds": ${seconds}}', KNOWN)[0]

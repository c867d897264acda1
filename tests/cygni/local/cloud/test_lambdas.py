"""Lambda in this process: what a caller sees of a handler."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chalicelib.platform.errors import NotReady
from cygni.local.cloud.lambdas import ANSWER_LIMIT, Lambda
from functions.catalog import API_FUNCTION, FUNCTIONS, Function

HERE = __name__
SEEN: list[Any] = []


def echo(event: Any, context: Any) -> Any:
    return event


def describe(event: Any, context: Any) -> Any:
    context.log("a line")
    return {
        name: getattr(context, name)
        for name in (
            *("function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb", "aws_request_id"),
            *("log_group_name", "log_stream_name", "identity", "client_context"),
        )
    } | {"left": context.get_remaining_time_in_millis()}


def refuse(event: Any, context: Any) -> Any:
    raise NotReady("never became ready")


def stumble(event: Any, context: Any) -> Any:
    return {}["absent"]


def give_up(event: Any, context: Any) -> Any:
    raise SystemExit(1)


def dawdle(event: Any, context: Any) -> Any:
    try:
        while True:
            time.sleep(0.01)
    except Exception:  # noqa: BLE001 - tries what must not work
        SEEN.append("held on")
    finally:
        SEEN.append("stopped")


def nonsense(event: Any, context: Any) -> Any:
    return {"when": object()}


def flood(event: Any, context: Any) -> Any:
    return "x" * (ANSWER_LIMIT + 1)


def spoil(event: Any, context: Any) -> Any:
    event["list"].append("spoilt")
    return None


def run(handler: str, event: Any = None, *, timeout: int = 60) -> dict[str, Any]:
    function = Function("f", f"{HERE}.{handler}" if "." not in handler else handler, "", (), memory=300, timeout=timeout)
    return Lambda([function])({"config": {"FunctionName": "f", "FunctionArn": "arn:f"}}, event, "req-1")


def test_a_result_is_what_json_makes_of_it() -> None:
    assert run("echo", {"a": (1, 2), "b": None}) == {"body": {"a": [1, 2], "b": None}}


def test_the_context_has_what_aws_gives() -> None:
    body = run("describe")["body"]

    assert 0 < body.pop("left") <= 60_000
    assert body == {
        "function_name": "f",
        "function_version": "$LATEST",
        "invoked_function_arn": "arn:f",
        "memory_limit_in_mb": "300",
        "aws_request_id": "req-1",
        "log_group_name": "/aws/lambda/f",
        "log_stream_name": "local",
        "identity": None,
        "client_context": None,
    }


@pytest.mark.parametrize(
    ("handler", "kind", "message"),
    [
        ("refuse", "NotReady", "never became ready"),
        ("stumble", "KeyError", "'absent'"),
        ("give_up", "Runtime.ExitError", "exit"),
        ("nonsense", "Runtime.MarshalError", "Unable to marshal"),
        ("flood", "Function.ResponseSizeTooLarge", "exceeded"),
        ("missing", "Runtime.HandlerNotFound", "missing"),
        ("no.such.module", "Runtime.ImportModuleError", "Unable to import module"),
    ],
)
def test_an_error_has_the_name_that_lambda_gives_it(handler: str, kind: str, message: str) -> None:
    answer = run(handler)

    assert answer["error"]
    assert answer["body"]["errorType"] == kind
    assert message in answer["body"]["errorMessage"]


def test_an_error_says_where_it_happened() -> None:
    assert "in stumble" in run("stumble")["body"]["stackTrace"][-1]


def test_a_handler_that_runs_over_its_time_is_stopped_and_cannot_hold_on() -> None:
    SEEN.clear()

    answer = run("dawdle", timeout=1)

    assert answer["body"]["errorType"] == "Sandbox.Timedout"
    assert answer["body"]["errorMessage"] == "RequestId: req-1 Error: Task timed out after 1.00 seconds"
    deadline = time.monotonic() + 60
    while not SEEN and time.monotonic() < deadline:
        time.sleep(0.01)
    assert SEEN == ["stopped"]


def test_a_handler_cannot_change_the_callers_event() -> None:
    event = {"list": [1]}

    run("spoil", event)

    assert event == {"list": [1]}


def test_a_function_that_the_catalog_does_not_have_is_an_error() -> None:
    answer = Lambda([])({"config": {"FunctionName": "ghost"}}, {}, "req-1")

    assert answer["body"]["errorType"] == "Runtime.HandlerNotFound"


@pytest.mark.slow
def test_every_function_of_the_catalog_can_be_imported(caplog: pytest.LogCaptureFixture) -> None:
    Lambda((*FUNCTIONS, API_FUNCTION)).warm_up()

    assert not caplog.records

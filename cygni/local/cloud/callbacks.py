"""Tasks that wait for a token, as AWS runs them.

ministack 1.5.33 drops the error of a function that was to file a token: the task then waits for its whole time-out, where
Step Functions fails it at once and lets Retry have it. This module puts that right.
"""

from __future__ import annotations

import json
import threading
from typing import Any

from cygni.local.cloud.emulator import expect_signature

_LAMBDA = "arn:aws:states:::lambda:invoke.waitForTaskToken"


def hook_callbacks() -> None:
    """Replaces how `lambda:invoke.waitForTaskToken` runs; other integrations stay ministack's."""
    from ministack.services import stepfunctions

    original = stepfunctions._invoke_with_callback
    expect_signature(original, ["resource", "input_data", "token", "state_def"])
    expect_signature(stepfunctions._call_lambda, ["func_ref", "event"])
    expect_signature(stepfunctions._resolve_lambda_function_ref, ["value", "optimized"])

    def invoke(resource: str, input_data: Any, token: str, state_def: dict[str, Any]) -> Any:
        if resource != _LAMBDA:
            return original(resource, input_data, token, state_def)
        return _call_and_wait(stepfunctions, input_data, token, state_def)

    stepfunctions._invoke_with_callback = invoke


def _call_and_wait(stepfunctions: Any, parameters: dict[str, Any], token: str, state: dict[str, Any]) -> Any:
    """Calls the function, then waits for its token's answer. Either's error is the task's error."""
    answered = threading.Event()
    entry: dict[str, Any] = {"event": answered, "result": None, "error": None, "heartbeat": None}
    stepfunctions._task_tokens[token] = entry
    try:
        function = stepfunctions._resolve_lambda_function_ref(parameters["FunctionName"], optimized=True)
        stepfunctions._call_lambda(function, parameters.get("Payload", {}))
        if not answered.wait(state.get("TimeoutSeconds")):
            raise stepfunctions._ExecutionError("States.Timeout", "No answer came for the task's token in time")
    finally:
        stepfunctions._task_tokens.pop(token, None)
    if entry["error"]:
        raise stepfunctions._ExecutionError(entry["error"]["Error"], entry["error"]["Cause"])
    return json.loads(entry["result"])

"""Lambda in this process: a function's handler runs in a thread, found by the dotted path that the catalog gives it.

What a caller sees is what Lambda answers: the result as JSON, an error with the class's own name, `Sandbox.Timedout` when the
time is over. Asynchronous invocations and their two retries are the emulator's, and end here too.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from functions.catalog import Function

LOG = logging.getLogger("cloud.lambda")

ANSWER_LIMIT = 6 * 1024 * 1024
"""Bytes a function may answer with."""

Answer = dict[str, Any]


class Context:
    """The context object a handler gets, with every attribute that AWS documents."""

    identity = None
    client_context = None
    function_version = "$LATEST"
    log_stream_name = "local"

    def __init__(self, function: Function, arn: str, request_id: str) -> None:
        self.function_name = function.name
        self.invoked_function_arn = arn
        self.memory_limit_in_mb = str(function.memory)
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{function.name}"
        self._deadline = time.monotonic() + function.timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped, never below 0."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: str) -> None:
        """Writes a line to the function's log."""
        LOG.info("%s", message)


class TimedOut(BaseException):
    """Raised inside a handler that ran over its time; no `except Exception` of its own can hold it."""


class Lambda:
    """All functions of the catalog. Calling it runs one; it has the shape that the emulator's hook wants."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = {each.name: each for each in functions}

    def __call__(self, func: dict[str, Any], event: Any, request_id: str) -> Answer:
        """Runs the function of a Lambda record with an event; never raises."""
        config = func.get("config") or func
        name = str(config["FunctionName"])
        if name not in self._functions:
            return _error("Runtime.HandlerNotFound", f"{name} is not in functions/catalog.py")
        return self.run(self._functions[name], str(config.get("FunctionArn", "")), event, request_id)

    def run(self, function: Function, arn: str, event: Any, request_id: str) -> Answer:
        """Runs one function in a thread of its own, for at most its `timeout` seconds."""
        context = Context(function, arn, request_id)
        copy = json.loads(json.dumps(event))
        answers: list[Answer] = []
        thread = threading.Thread(
            target=lambda: answers.append(_invoke(function.handler, copy, context)), name=function.name, daemon=True
        )
        thread.start()
        thread.join(function.timeout)
        if answers:
            return answers[0]
        _interrupt(thread)
        LOG.error("%s was stopped after %d s", function.name, function.timeout)
        return _error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {function.timeout:.2f} seconds")

    def warm_up(self) -> None:
        """Imports every handler, so that the first task does not wait for it. One that cannot be imported is logged."""
        for function in self._functions.values():
            try:
                resolve(function.handler)
            except Exception:  # broad: an import may fail in any way; invoking it will say so to its caller
                LOG.exception("%s cannot be imported", function.handler)


def resolve(handler: str) -> Callable[[Any, Any], Any]:
    """The callable at a dotted path. Raises ImportError or AttributeError."""
    module, _, name = handler.rpartition(".")
    found: Callable[[Any, Any], Any] = getattr(importlib.import_module(module), name)
    return found


def _invoke(handler: str, event: Any, context: Context) -> Answer:
    try:
        function = resolve(handler)
    except AttributeError as error:
        return _error("Runtime.HandlerNotFound", str(error))
    except Exception as error:  # broad: a module may fail to import in any way; Lambda names them all alike
        LOG.exception("%s cannot be imported", handler)
        return _error("Runtime.ImportModuleError", f"Unable to import module '{handler}': {error}")
    try:
        return _answer(function(event, context))
    except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
        _log_failure(context.function_name, error)
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
        return _error(type(error).__name__, str(error), frames)
    except SystemExit as error:
        return _error(
            "Runtime.ExitError", f"RequestId: {context.aws_request_id} Error: Runtime exited with status: {error.code}"
        )
    except TimedOut:
        return _error("Sandbox.Timedout", "stopped")


def _answer(value: Any) -> Answer:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        return _error("Runtime.MarshalError", f"Unable to marshal response: {error}")
    if len(text.encode()) > ANSWER_LIMIT:
        return _error("Function.ResponseSizeTooLarge", f"Response payload size exceeded {ANSWER_LIMIT} bytes.")
    return {"body": json.loads(text)}


def _error(kind: str, message: str, frames: list[str] | None = None) -> Answer:
    body = {"errorMessage": message, "errorType": kind, "stackTrace": frames or []}
    return {"error": True, "function_error": "Unhandled", "body": body}


def _log_failure(name: str, error: Exception) -> None:
    """One line for an error that Cygni raises on purpose, the trace for any other."""
    from chalicelib.platform.errors import CygniError

    if isinstance(error, CygniError):
        LOG.warning("%s: %s: %s", name, type(error).__name__, error)
    else:
        LOG.error("%s failed", name, exc_info=error)


def _interrupt(thread: threading.Thread) -> None:
    """Ends a thread at its next step in Python; one that waits in the system goes on until that returns."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TimedOut))

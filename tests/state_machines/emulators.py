"""The two emulators, each started in the calling process with our fake functions behind its Lambda."""

from __future__ import annotations

import inspect
import io
import json
import os
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Invoke = Callable[[str, Any], tuple[bool, Any]]
"""(function, event) → (ok, payload); a payload of a failed call is {"errorType": …, "errorMessage": …}."""

SCALE = "0.01"
"""Waits and back-offs take a hundredth of what the definition says."""


def environment() -> int:
    """Sets what both emulators and the AWS clients read, and returns a free port."""
    from cygni.local.freeports import free_port

    port = free_port()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
    return port


def ministack(port: int, invoke: Invoke, state: Path) -> str:
    """Serves ministack in a thread; returns its address."""
    os.environ.update(GATEWAY_PORT=str(port), BIND_HOST="127.0.0.1", LAMBDA_EXECUTOR="local", PERSIST_STATE="0")
    os.environ.update(STATE_DIR=str(state), IOT_MTLS_ENABLED="0", SFTP_ENABLED="0", LOG_LEVEL="ERROR", SFN_WAIT_SCALE=SCALE)
    from cygni.local.cloud import callbacks, emulator

    def answer(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        del request_id
        ok, payload = invoke((func.get("config") or func)["FunctionName"], event)
        return {"body": payload} if ok else {"error": True, "body": payload}

    emulator.hook_lambda(answer)
    callbacks.hook_callbacks()
    server = emulator.Emulator("127.0.0.1", port)
    server.start()
    return server.url


def moto(port: int, invoke: Invoke, state: Path) -> str:
    """Serves moto in a thread; returns its address."""
    del state
    os.environ["MOTO_PORT"] = str(port)
    from moto.awslambda.models import LambdaFunction
    from moto.core.config import default_user_config
    from moto.server import ThreadedMotoServer
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    def invoke_lambda(self: Any, event: Any = None) -> tuple[str, bool, str]:
        ok, payload = invoke(self.function_name, json.loads(event) if isinstance(event, str) else event)
        return json.dumps(payload), not ok, ""

    parameters = list(inspect.signature(LambdaFunction._invoke_lambda).parameters)
    if parameters != ["self", "event"]:
        raise RuntimeError(f"moto changed LambdaFunction._invoke_lambda: {parameters}")
    LambdaFunction._invoke_lambda = invoke_lambda
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    retrier_decl.time = _ScaledTime()
    WaitFunction._wait_interval = lambda self, env, wait_seconds: time.sleep(wait_seconds * float(SCALE))
    _name_nested_parameters()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    threading.excepthook = lambda _: None
    server.start()
    return f"http://127.0.0.1:{port}"


def _name_nested_parameters() -> None:
    """moto 5.2.5 hands a nested startExecution's parameters to its client as the definition spells them, and fails on that.

    The client wants `stateMachineArn` where definitions say `StateMachineArn`; Step Functions translates both ways.
    """
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sfn import (
        StateTaskServiceSfn as Nested,
    )

    original = Nested._normalise_parameters

    def parameters(self: Any, parameters: dict[str, Any], *args: Any, **names: Any) -> None:
        original(self, parameters, *args, **names)
        for key in list(parameters):
            parameters[key[0].lower() + key[1:]] = parameters.pop(key)

    def response(self: Any, response: dict[str, Any], *args: Any, **names: Any) -> None:
        for key in list(response):
            response[key[0].upper() + key[1:]] = response.pop(key)

    Nested._normalise_parameters, Nested._normalise_response = parameters, response


class _ScaledTime:
    """Stands for the `time` module where moto sleeps between retries."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * float(SCALE))


EMULATORS: dict[str, Callable[[int, Invoke, Path], str]] = {"ministack": ministack, "moto": moto}


def _empty_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("index.py", "")
    return data.getvalue()


EMPTY_ZIP = _empty_zip()
"""The code of a function that never runs."""

"""ministack in this process: what it reads from the environment, where we hook in, how it starts and stops.

ministack is young and pinned exactly. Each function of its that we replace is checked for the signature we know, so that an
upgrade fails loudly at start rather than quietly at the first deploy.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cygni.local.cloud.guard import HEALTH, guarded

REGION = "us-east-1"
ACCOUNT = "000000000000"

Invoker = Callable[[dict[str, Any], Any, str], dict[str, Any]]
"""(function record, event, request id) → {"body": result} or {"error": True, "body": {errorType, errorMessage, …}}."""


class EmulatorError(RuntimeError):
    """The emulator did not start, or is not the version we know."""


def environment(state: Path, port: int, region: str = REGION) -> dict[str, str]:
    """The variables to set before ministack is imported: loopback only, everything it writes inside `state`, nothing fetched.

    They also point every AWS client of this process at it. S3 bodies go to files, so that a snapshot is small.
    """
    return {
        "GATEWAY_PORT": str(port),
        "EDGE_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "services"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "TMPDIR": str(state / "tmp"),
        "LAMBDA_EXECUTOR": "local",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LOG_LEVEL": "WARNING",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(state / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(state / "no-aws-credentials"),
        "AWS_XRAY_SDK_ENABLED": "false",
        "POWERTOOLS_TRACE_DISABLED": "true",
    }


UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3")
"""Variables of a developer's own AWS account that must not reach the embedded one."""


def expect_signature(function: Callable[..., Any], parameters: list[str]) -> None:
    """Raises EmulatorError unless `function` takes exactly these parameters."""
    found = list(inspect.signature(function).parameters)
    if found != parameters:
        name = f"{function.__module__}.{function.__qualname__}"
        raise EmulatorError(f"{name} takes {found}, not {parameters}; install the ministack that requirements-dev.txt pins")


def hook_lambda(invoker: Invoker) -> None:
    """Makes every invocation, whoever asks for it, run `invoker`."""
    from ministack.services import lambda_svc

    expect_signature(lambda_svc._execute_function_warm, ["func", "event", "request_id"])
    lambda_svc._execute_function_warm = invoker


class Emulator:
    """ministack behind its HTTP server, in a thread with an event loop of its own."""

    def __init__(self, host: str, port: int) -> None:
        self.url = f"http://{host}:{port}"
        self._bind = f"{host}:{port}"
        self._loop = asyncio.new_event_loop()
        self._stopping: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ministack", daemon=True)

    def start(self, seconds: float = 120.0) -> None:
        """Starts serving; returns when it answers. Raises EmulatorError when it does not within `seconds`."""
        self._thread.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._failure is not None:
                raise EmulatorError(f"ministack did not start on {self._bind}: {self._failure}")
            if self._answers():
                return
            time.sleep(0.01)
        raise EmulatorError(f"ministack did not answer on {self._bind} within {seconds:.0f} s")

    def stop(self, seconds: float = 8.0) -> None:
        """Stops serving; ministack saves its state on the way out."""
        if self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(seconds)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - a thread's end is told to whoever waits in start()
            self._failure = error

    async def _serve(self) -> None:
        from hypercorn.asyncio import serve
        from hypercorn.config import Config
        from ministack.app import app

        self._stopping = asyncio.Event()
        config = Config()
        config.bind = [self._bind]
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        config.loglevel = "WARNING"
        config.accesslog = None
        await serve(guarded(app), config, shutdown_trigger=self._stopping.wait)  # type: ignore[arg-type]

    def _answers(self) -> bool:
        import http.client

        host, _, port = self._bind.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request("GET", HEALTH)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

"""Clients of AWS, made at first use and kept: botocore's own, since boto3 would double the API's import time.

A call to AWS is tried again here and nowhere above: a workflow's Retry leaves `Throttled` alone, and so does a route. The pause
doubles from a second up to 20, and a random part of it is waited; botocore gives up earlier where most of a process's calls
fail. docs/faults.md has the table of what tries what again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from chalicelib.platform.errors import Throttled

TRIES = 4
"""Calls made for one that is asked for, when each fails for a reason that may pass."""
_IMPATIENT = {"secretsmanager": (2, 4, 3)}
"""Seconds to connect, seconds to read and tries of services whose callers have something to go on with when none comes."""
_OWN_WORDS = frozenset({"secretsmanager"})
"""Services whose module says by itself what a failure means."""
_BUSY = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


@cache
def client(service: str) -> Any:
    """The botocore client of a service (`s3`, `stepfunctions`, …), one per process; clients are thread-safe.

    What may pass and did not within `TRIES` raises Throttled.
    """
    from botocore.session import get_session

    connect, read, tries = _IMPATIENT.get(service, (2, 30, TRIES))
    made = get_session().create_client(service, config=config(connect, read, tries, s3={"addressing_style": "path"}))
    if service not in _OWN_WORDS:
        made.meta.events.register("after-call", _answered)
        made.meta.events.register("after-call-error", _unanswered)
    return made


def config(connect: float, read: float, tries: int = TRIES, **more: Any) -> Any:
    """How patient a client is: seconds to connect, seconds to read, tries."""
    from botocore.config import Config

    return Config(connect_timeout=connect, read_timeout=read, retries={"mode": "standard", "total_max_attempts": tries}, **more)


def error_code(error: Exception) -> str:
    """The code of a botocore ClientError (`ExecutionAlreadyExists`), or an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def passes(status: int, code: str) -> bool:
    """Whether what AWS answered may be another answer a moment later."""
    return status >= 500 or status == 429 or (status >= 400 and code in _BUSY)


def _answered(http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
    status, code = http_response.status_code, str(parsed.get("Error", {}).get("Code", ""))
    if passes(status, code):
        raise Throttled(f"AWS answered {status} to {model.name} {TRIES} times ({code or 'no code'}).")


def _unanswered(exception: Exception, **_: Any) -> None:
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError

    if isinstance(exception, NoConnection | HTTPClientError):
        raise Throttled(f"AWS gave no answer ({type(exception).__name__}).") from exception

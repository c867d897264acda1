"""Clients of AWS, made at first use and kept: botocore's own, since boto3 would double the API's import time."""

from __future__ import annotations

from functools import cache
from typing import Any

_IMPATIENT = {"secretsmanager": {"connect_timeout": 1, "read_timeout": 2, "retries": {"mode": "standard", "max_attempts": 2}}}
"""Services whose callers wait for an answer of a few hundred bytes, and have something to go on with when none comes."""


@cache
def client(service: str) -> Any:
    """The botocore client of a service (`s3`, `stepfunctions`, …), one per process; clients are thread-safe."""
    from botocore.config import Config
    from botocore.session import get_session

    patience = {"connect_timeout": 2, "read_timeout": 30, "retries": {"mode": "standard", "max_attempts": 3}}
    config = Config(**(patience | _IMPATIENT.get(service, {})), s3={"addressing_style": "path"})
    return get_session().create_client(service, config=config)


def error_code(error: Exception) -> str:
    """The code of a botocore ClientError (`ExecutionAlreadyExists`), or an empty string."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""

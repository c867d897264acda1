"""The one logger: structured lines with the request's or execution's ids; never a body, a header or a config value."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@cache
def log() -> Logger:
    """The logger, made at first use: a request that has nothing to tell does not wait for it."""
    from aws_lambda_powertools import Logger

    return Logger(service="cygni")

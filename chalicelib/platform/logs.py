"""The one logger, and the ids that its lines carry: structured lines, never a body, a header or a config value.

Whoever serves a request or an event opens a block with `bound`; every line that is written within it has its ids, whoever
writes it. `correlation_id` is the same from the request of the API on, through the workflow, to the event of a builder.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_bound: ContextVar[dict[str, Any] | None] = ContextVar("bound", default=None)
_SECRETS = re.compile(
    r"cyg_[A-Za-z0-9_-]{8,}"  # API keys
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # tokens signed as JWTs
    r"|(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^\"]*"  # no further than the value goes, so that the line stays JSON
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}"  # GitHub's
    r"|AQC[A-Za-z0-9+/]{200,}=*"  # task tokens of workflows
)
"""What looks like a credential, wherever it stands. Nobody writes one; this is for what an error of somebody else's says."""


@contextmanager
def bound(**ids: Any) -> Iterator[None]:
    """Lines within the block carry these ids; empty ones are left out. An inner block has its own and none of the outer's."""
    token = _bound.set({name: value for name, value in ids.items() if value not in ("", None)})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**ids: Any) -> None:
    """Adds ids that became known within a block; outside of one it does nothing."""
    held = _bound.get()
    if held is not None:
        held.update({name: value for name, value in ids.items() if value not in ("", None)})


def ids() -> dict[str, Any]:
    """The ids of the block that this is called in."""
    return dict(_bound.get() or {})


def correlation_id() -> str:
    """The id of the request that all of this began with; empty outside of a block."""
    return str((_bound.get() or {}).get("correlation_id", ""))


@cache
def log() -> Logger:
    """The logger, made at first use: a request that has nothing to tell does not wait for it."""
    from aws_lambda_powertools import Logger

    made = Logger(service="cygni", logger_handler=_Stdout(), json_serializer=_serialized, serialize_stacktrace=False)
    made.addFilter(_add_ids)
    return made


class _Stdout(logging.Handler):
    """Writes to what is standard output when a line is written, as `print` does."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stdout.write(self.format(record) + "\n")
        sys.stdout.flush()


def _add_ids(record: logging.LogRecord) -> bool:
    for name, value in ids().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True


def _serialized(line: dict[str, Any]) -> str:
    return without_secrets(json.dumps(line, default=str, separators=(",", ":"), ensure_ascii=False))


def without_secrets(text: str) -> str:
    """The text with what looks like a credential blanked."""
    return _SECRETS.sub("[secret]", text)

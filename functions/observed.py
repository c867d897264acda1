"""What every handler has around it: the ids of its log lines, one line about how it ended, and whether it began cold."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from chalicelib.platform.cold import is_cold
from chalicelib.platform.logs import bound, log
from chalicelib.platform.metrics import COLD_STARTS, emit
from chalicelib.platform.tracing import recorder

Handler = Callable[[dict[str, Any], Any], Any]
_IDS = ("team", "deployment", "build", "cluster")


def observed(handler: Handler) -> Handler:
    """The handler as it is deployed. It answers and raises what the handler does."""

    @wraps(handler)
    def invoked(event: dict[str, Any], context: Any) -> Any:
        name = getattr(context, "function_name", "") or handler.__name__
        cold = is_cold(name)
        with bound(**_ids_of(event, context), function_name=name, cold_start=cold):
            begun = time.perf_counter()
            recorder()
            if cold:
                emit({COLD_STARTS: 1})
            try:
                answer = handler(event, context)
            except Exception as error:  # broad: whatever it is, it is told and goes on to whoever invoked the function
                log().warning("failed", extra={"error": type(error).__name__, "ms": _since(begun)})
                raise
            if _tells(answer):
                log().info("done", extra={**_said(answer), "ms": _since(begun)})
            return answer

    return invoked


def _ids_of(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """What an event says it is about. One that names no request, as a schedule's, begins with this invocation."""
    own = str(getattr(context, "aws_request_id", "") or "")
    asked = event.get("request")
    known = {name: event[name] for name in _IDS if isinstance(event.get(name), str)}
    return {"correlation_id": asked if isinstance(asked, str) else own, "function_request_id": own, **known}


def _tells(answer: Any) -> bool:
    """Whether there is something to tell. A look that found nothing to do is not: there are 95,000 in a month."""
    return not isinstance(answer, dict) or any(answer.values())


def _said(answer: Any) -> dict[str, Any]:
    """The numbers and the next step that a handler answers with; what else it answers is not for the log."""
    if not isinstance(answer, dict):
        return {}
    return {name: value for name, value in answer.items() if name == "next" or (type(value) is int)}


def _since(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)

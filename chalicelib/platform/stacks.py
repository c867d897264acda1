"""CloudFormation's custom resources: what is asked of one, and the answer that the stack waits for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.platform.errors import Throttled
from chalicelib.platform.web import is_trusted

SECONDS = 10.0
_LONGEST = 900
"""Characters of a reason: an answer has at most 4 KB."""


def is_asked(event: Mapping[str, Any]) -> bool:
    """Whether an event is CloudFormation's and waits for an answer."""
    return "RequestType" in event and "ResponseURL" in event


def answer(event: Mapping[str, Any], *, reason: str = "") -> None:
    """Tells the stack that its resource is as it should be, or with a `reason` that it cannot be.

    Raises Throttled when the answer was not taken, and ValueError for an address that no stack would give.
    """
    import urllib3

    url = str(event["ResponseURL"])
    if not is_trusted(url):
        raise ValueError("ResponseURL is no address that a stack listens at")
    body = {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": reason[:_LONGEST],
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    try:
        # The address is signed for a request without a content type.
        answered = urllib3.request("PUT", url, body=json.dumps(body).encode(), headers={"content-type": ""}, timeout=SECONDS)
    except urllib3.exceptions.HTTPError as error:
        raise Throttled("The stack could not be answered.") from error
    if answered.status >= 300:
        raise Throttled(f"The stack's answer was not taken: {answered.status}.")

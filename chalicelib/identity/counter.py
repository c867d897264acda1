"""The store's counter of requests: one record a caller and minute, which expires soon after."""

from __future__ import annotations

from chalicelib.identity.limits import MINUTE, caller_key
from chalicelib.identity.models import IDENTITY_TABLE
from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.table import store_errors

_KEPT = 10 * MINUTE


def take_block(caller: str, minute: int, asked: int) -> int:
    """Raises a caller's counter of a minute by `asked` and answers what it is then. Raises Throttled."""
    with store_errors():
        answer = dynamodb().update_item(
            TableName=IDENTITY_TABLE,
            Key={"pk": {"S": f"LIMIT#{caller_key(caller)}"}, "sk": {"S": str(minute)}},
            UpdateExpression="ADD taken :asked SET expires_at = :expires",
            ExpressionAttributeValues={":asked": {"N": str(asked)}, ":expires": {"N": str(minute * MINUTE + _KEPT)}},
            ReturnValues="UPDATED_NEW",
        )
    return int(answer["Attributes"]["taken"]["N"])

"""Reading across tenants: for schedules that look after all of them, and for nothing that serves a request.

Its own module, so that the import contract can name who may.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.table import Item, store_errors


def keys_in_index(model: type[Item], index: str, partition: str) -> Iterator[dict[str, Any]]:
    """The raw records that a sparse index holds in one partition, page after page."""
    request: dict[str, Any] = {
        "TableName": model.Meta.table_name,
        "IndexName": index,
        "KeyConditionExpression": f"{index}pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": partition}},
    }
    while True:
        with store_errors():
            answer = dynamodb().query(**request)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

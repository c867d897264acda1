"""Answers of the tables in memory, written without asking each value for all of the names that it might have.

moto looks for every member of a shape, under each of the spellings that somebody's model might give it. A value of DynamoDB
has eleven members of which one is there, so that half of the time of a test was spent on looking for the other ten.
"""

from __future__ import annotations

from typing import Any

from moto.core import serialize
from moto.dynamodb.models.dynamo_type import DynamoType


class _Answers(serialize.JSONSerializer):
    """moto's, but for values, which are handed on as they are kept: they have the names of the wire already."""

    def _serialize_type_structure(self, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and isinstance(value, dict | DynamoType):
            serialized[key] = self._plain(value)
        else:
            super()._serialize_type_structure(serialized, value, shape, key)

    def _plain(self, value: Any) -> dict[str, Any]:
        ((kind, held),) = (value.to_json() if isinstance(value, DynamoType) else value).items()
        match kind:
            case "M":
                return {kind: {name: self._plain(each) for name, each in held.items()}}
            case "L":
                return {kind: [self._plain(each) for each in held]}
            case "B":
                return {kind: self._base64(held)}
            case _:
                return {kind: held}


serialize.SERVICE_SPECIFIC_SERIALIZERS["dynamodb"] = {"json": _Answers}

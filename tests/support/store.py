"""The tables and the bucket in memory, made from the catalog; and what a test counts of their use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from moto import mock_aws

from functions.catalog import TABLES

BUCKET = "cygni"


@cache
def _client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")


@contextmanager
def memory_store() -> Iterator[None]:
    """AWS in this process, empty: for tests of one thread.

    Clients are kept from test to test, since making one takes longer than most tests; moto answers for those that were made
    after it was imported.
    """
    with mock_aws():
        dynamodb = _client("dynamodb")
        for declared in TABLES:
            names = ["pk", "sk"] + [name for index in declared.indexes for name in (f"{index}pk", f"{index}sk")]
            indexes = [
                {
                    "IndexName": index,
                    "KeySchema": [
                        {"AttributeName": f"{index}pk", "KeyType": "HASH"},
                        {"AttributeName": f"{index}sk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index in declared.indexes
            ]
            more = {"GlobalSecondaryIndexes": indexes} if indexes else {}
            dynamodb.create_table(
                TableName=declared.name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                **more,
            )
        _client("s3").create_bucket(Bucket=BUCKET)
        yield

"""The tables and the bucket in memory, made from the catalog; and what a test counts of their use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto import mock_aws

from chalicelib.platform import aws, table
from functions.catalog import TABLES

BUCKET = "cygni"


@contextmanager
def memory_store() -> Iterator[None]:
    """AWS in this process, empty: for tests of one thread."""
    with mock_aws():
        aws.client.cache_clear()
        table._connection.cache_clear()
        _forget_connections()
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
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
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield
    aws.client.cache_clear()
    table._connection.cache_clear()
    _forget_connections()


def _forget_connections() -> None:
    """PynamoDB keeps a connection per model; one that outlives its in-memory AWS would reach for the real one."""
    pending = [table.Record]
    while pending:
        model = pending.pop()
        model._connection = None
        pending.extend(model.__subclasses__())
    from chalicelib.platform.once import KeyRecord

    KeyRecord._connection = None

"""The tables and the bucket in memory, made from the catalog; and what a test counts of their use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from typing import Any

import boto3
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from functions.catalog import TABLES
from tests.support import answers as _  # noqa: F401  # answers faster

BUCKET, REGION = "cygni", "us-east-1"


@cache
def _client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


@contextmanager
def memory_store(kept: Any = None) -> Iterator[None]:
    """AWS in this process, empty or with the tables of `keep_tables`: for tests of one thread.

    Clients are kept from test to test, since making one takes longer than most tests; moto answers for those that were made
    after it was imported.
    """
    with mock_aws():
        _client("s3").create_bucket(Bucket=BUCKET)
        if kept is not None:
            _dynamodb().tables = deepcopy(kept)
            yield
            return
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
        yield


def keep_tables() -> Any:
    """The tables with all that is in them now, for other stores to begin with; what is in the bucket is not kept."""
    return deepcopy(_dynamodb().tables)


def _dynamodb() -> Any:
    return get_backend("dynamodb")[DEFAULT_ACCOUNT_ID][REGION]

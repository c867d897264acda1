"""What AWS copies between the regions of a pair (global tables, secrets, the bucket): one side is read, the other written."""

from __future__ import annotations

import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.catalog import TABLES

BUCKET = "cygni"
SECRETS = ("cygni/signing-keys",)
_EVERY = 0.5


class Copier:
    """Copies one region's data to the other's twice a second, until it is stopped. `copied_at` is in monotonic seconds."""

    def __init__(self, source: Any, target: Any) -> None:
        self.copied_at = 0.0
        self._source, self._target = source, target
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copier", daemon=True)
        self._objects: set[tuple[str, str]] = set()

    def start(self) -> None:
        """From now on; the first copy is made before it returns."""
        self._copy()
        self._thread.start()

    def stop(self) -> None:
        """Ends with a copy that is whole. Stopping twice is no error."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(20)

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            try:
                self._copy()
            except (BotoCoreError, ClientError):
                continue  # one side is away: nothing is copied

    def _copy(self) -> None:
        begun = time.monotonic()
        for table in TABLES:
            self._copy_table(table.name)
        for name in SECRETS:
            value = self._source("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
            self._put_secret(name, value)
        self._copy_bucket()
        self.copied_at = begun

    def _put_secret(self, name: str, value: str) -> None:
        secrets = self._target("secretsmanager")
        try:
            secrets.put_secret_value(SecretId=name, SecretString=value)
        except secrets.exceptions.ResourceNotFoundException:
            secrets.create_secret(Name=name, SecretString=value)

    def _copy_table(self, name: str) -> None:
        source, target = self._source("dynamodb"), self._target("dynamodb")
        for page in source.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
            for item in page["Items"]:
                target.put_item(TableName=name, Item=item)

    def _copy_bucket(self) -> None:
        source, target = self._source("s3"), self._target("s3")
        for page in source.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            for each in page.get("Contents", ()):
                known = (each["Key"], each["ETag"])
                if known not in self._objects:
                    body = source.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read()
                    target.put_object(Bucket=BUCKET, Key=each["Key"], Body=body)
                    self._objects.add(known)

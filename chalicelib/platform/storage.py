"""Objects in the bucket: sources, build plans, build results and logs."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import IO, Any

from botocore.exceptions import ClientError

from chalicelib.platform.aws import client, error_code
from chalicelib.platform.errors import Throttled
from chalicelib.platform.frozen import dataclass

_MOST_DELETED = 1000
"""Objects that one request may remove (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html)."""
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound", "NoSuchBucket"})


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that anyone may send until it expires."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Storage:
    """One bucket."""

    bucket: str

    def sign_upload(self, key: str, *, sha256: str, size: int, seconds: int) -> SignedRequest:
        """A PUT of exactly `size` bytes with exactly this SHA-256 (hex); storage refuses any other."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        wanted = {
            "Bucket": self.bucket,
            "Key": key,
            "ContentType": "application/gzip",
            "ContentLength": size,
            "ChecksumSHA256": checksum,
        }
        url = client("s3").generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds)
        headers = {"Content-Type": "application/gzip", "Content-Length": str(size), "x-amz-checksum-sha256": checksum}
        return SignedRequest("PUT", url, headers)

    def size(self, key: str) -> int | None:
        """Bytes of an object, or None when there is none."""
        try:
            return int(client("s3").head_object(Bucket=self.bucket, Key=key)["ContentLength"])
        except ClientError as error:
            if error_code(error) in _ABSENT:
                return None
            raise

    def download(self, key: str, target: IO[bytes]) -> None:
        """Writes an object's bytes to an open file, a piece at a time."""
        body = client("s3").get_object(Bucket=self.bucket, Key=key)["Body"]
        for piece in iter(lambda: body.read(1024 * 1024), b""):
            target.write(piece)

    def read(self, key: str) -> bytes | None:
        """An object's bytes, or None when there is none."""
        try:
            return bytes(client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error_code(error) in _ABSENT:
                return None
            raise

    def delete(self, keys: Sequence[str]) -> None:
        """Removes objects; those that are absent are no error. Raises Throttled when the bucket could not remove some."""
        for first in range(0, len(keys), _MOST_DELETED):
            wanted = [{"Key": key} for key in keys[first : first + _MOST_DELETED]]
            answer = client("s3").delete_objects(Bucket=self.bucket, Delete={"Objects": wanted, "Quiet": True})
            refused = answer.get("Errors", [])
            if refused:
                raise Throttled(f"The bucket did not remove {len(refused)} objects: {refused[0].get('Code')}.")

    def write_json(self, key: str, value: Any) -> None:
        """Stores a value as JSON."""
        client("s3").put_object(
            Bucket=self.bucket, Key=key, Body=json.dumps(value, sort_keys=True).encode(), ContentType="application/json"
        )

    def read_json(self, key: str) -> Any:
        """The value that an object holds, or None when there is no object."""
        data = self.read(key)
        return None if data is None else json.loads(data)

    def read_from(self, key: str, offset: int) -> bytes | None:
        """An object's bytes from `offset` on: empty when it has no more, None when there is no object."""
        try:
            answer = client("s3").get_object(Bucket=self.bucket, Key=key, Range=f"bytes={offset}-")
        except ClientError as error:
            code = error_code(error)
            if code in _ABSENT:
                return None
            if code in {"InvalidRange", "416"}:
                return b""
            raise
        return bytes(answer["Body"].read())

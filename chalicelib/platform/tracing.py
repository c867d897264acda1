"""Traces by X-Ray, where a stage switches them on: a subsegment for each call of AWS, of a cluster and of a sign-in provider.

The recorder takes a tenth of the time in which the API's process starts, and is loaded where it is switched on alone;
elsewhere all of this does nothing. A trace holds names: of services, operations, tables and hosts; no key, body or header.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from chalicelib.platform.settings import settings


@cache
def recorder() -> Any | None:
    """X-Ray's recorder, which takes up every call of an AWS client from now on; None where nothing is traced."""
    if not settings().tracing:
        return None
    from aws_xray_sdk.core import patch, xray_recorder
    from aws_xray_sdk.ext.boto_utils import whitelist

    whitelist["services"].pop("s3", None)  # it would tell the names of objects, which have teams and builds in them
    xray_recorder.configure(context_missing="IGNORE_ERROR")  # what runs outside of an invocation is not traced
    patch(("botocore",))
    return xray_recorder


@contextmanager
def subsegment(name: str, operation: str) -> Iterator[None]:
    """A call of something that is not AWS: `name` is whom is asked, `operation` what for."""
    found = recorder()
    if found is None:
        yield
        return
    with found.in_subsegment(name, namespace="remote") as begun:
        if begun is not None:
            begun.put_annotation("operation", operation)
        yield

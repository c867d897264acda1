"""Requests, read: bodies, forms, queries and headers, each by the shape that its route declares."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from chalicelib.api.problems import invalid
from chalicelib.api.routes import FORM, Nothing, Route, Sender
from chalicelib.identity.principal import Principal
from chalicelib.identity.rules import SELF
from chalicelib.platform.errors import Malformed
from chalicelib.platform.once import Once

MOST_FIELDS = 50
_ETAG = re.compile(r'^(?:W/)?"(\d{1,12})"$')
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")


def read_body(route: Route, request: Any) -> BaseModel:
    """The body, by the route's shape. Raises Malformed and InvalidInput."""
    if route.body is Nothing:
        return Nothing()
    kind = str(request.headers.get("content-type", "")).partition(";")[0].strip().lower()
    if kind == FORM and FORM in route.takes:
        return _form(route.body, request.raw_body)
    if route.takes == (FORM,):
        raise Malformed("The body is not a form.", remedy=f"Send it as {FORM}.")
    return _json(route.body, request.raw_body)


def _json(shape: type[BaseModel], raw: bytes) -> BaseModel:
    try:
        return shape.model_validate_json(raw or b"")
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors(include_url=False, include_context=False)):
            raise Malformed("The body is not valid JSON.", remedy="Send a JSON object.") from None
        raise invalid("body", error) from None


def _form(shape: type[BaseModel], raw: bytes) -> BaseModel:
    """A form. A field that is empty counts as absent, and one that comes twice is refused (RFC 6749, section 3.2)."""
    try:
        pairs = parse_qsl((raw or b"").decode(), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Malformed("The body is not a form.", remedy=f"Send it as {FORM}, in UTF-8.") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise Malformed("A field of the form comes twice.", remedy="Send each field once.")
    try:
        return shape.model_validate_strings({name: value for name, value in given.items() if value})
    except ValidationError as error:
        raise invalid("body", error) from None


def read_query(shape: type[BaseModel], given: Any) -> BaseModel:
    """The query, by its shape. Raises InvalidInput, and Malformed for a parameter that comes twice."""
    if shape is Nothing:
        return Nothing()
    if given and any(len(given.getlist(name)) > 1 for name in given):
        raise Malformed("A parameter of the query comes twice.", remedy="Send each parameter once.")
    try:
        return shape.model_validate_strings(dict(given) if given else {})
    except ValidationError as error:
        raise invalid("query", error) from None


def read_if_match(header: str | None) -> int | None:
    """The version in an If-Match header. Raises Malformed."""
    if header is None:
        return None
    match = _ETAG.match(header.strip())
    if match is None:
        raise Malformed("If-Match is not an ETag of ours.", remedy='Send the ETag of your last GET, such as "3".')
    return int(match.group(1))


def read_once(route: Route, request: Any, who: Principal, now: Any) -> Once | None:
    """The Idempotency-Key, with a digest of what it was sent with. Raises Malformed."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.match(key):
        remedy = "Use up to 255 visible ASCII characters; a UUID will do."
        raise Malformed("The Idempotency-Key is not usable.", remedy=remedy)
    path = json.dumps(request.uri_params or {}, sort_keys=True)
    digest = hashlib.sha256(path.encode() + b"\0" + bytes(request.raw_body or b"")).hexdigest()
    owner = f"USER#{who.subject}" if route.name in SELF else who.store.owners[0]
    return Once(owner, route.name, key, digest, now)


def read_sender(request: Any) -> Sender:
    """Where a request came from."""
    context = request.context
    return Sender(
        request=str(context.get("requestId") or "unknown")[:64],
        source=str((context.get("identity") or {}).get("sourceIp") or "")[:64],
        cookies=str(request.headers.get("cookie") or ""),
        site=str(request.headers.get("sec-fetch-site") or ""),
    )

"""HTTP ↔ the events of an API Gateway REST API with proxy integration: the shape that the app gets on AWS too.

Pure: bytes and strings in, dictionaries out.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request. `target` is the request line's path with its query, `headers` are in the order they came."""

    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """One HTTP answer."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Match:
    """The route that a path has, with the values of its parameters, and the methods that the route takes."""

    route: str
    parameters: dict[str, str]
    methods: frozenset[str]


class RouteTable:
    """Paths to routes as API Gateway finds them: by segment, a literal before a parameter, one trailing slash ignored."""

    def __init__(self, routes: Mapping[str, Iterable[str]]) -> None:
        """`routes` gives the methods of each path, such as `/v1/projects/{project}`."""
        self._methods = {route: frozenset(methods) for route, methods in routes.items()}
        self._root: dict[str, Any] = {}
        for route in routes:
            node = self._root
            for segment in _segments(route):
                node = node.setdefault("{}" if segment.startswith("{") else segment, {})
            node[""] = route

    def match(self, path: str) -> Match | None:
        """The route of a path as it stands in the request line, or None."""
        given = [unquote(segment) for segment in _segments(path)]
        route = _walk(self._root, given) if path.startswith("/") else None
        if route is None:
            return None
        names = _segments(route)
        parameters = {name[1:-1]: value for name, value in zip(names, given, strict=True) if name.startswith("{")}
        return Match(route, parameters, self._methods[route])


def _segments(path: str) -> list[str]:
    trimmed = path.removeprefix("/").removesuffix("/")
    return trimmed.split("/") if trimmed else []


def _walk(node: dict[str, Any], segments: list[str]) -> str | None:
    if not segments:
        found: str | None = node.get("")
        return found
    head, rest = segments[0], segments[1:]
    if not head:
        return None
    for key in (head, "{}"):
        if key in node and (route := _walk(node[key], rest)) is not None:
            return route
    return None


def to_event(asked: Asked, match: Match, request_id: str, now: datetime) -> dict[str, Any]:
    """The REST proxy event of a request. A body that is not UTF-8 travels as base64."""
    path, _, query = asked.target.partition("?")
    headers: dict[str, list[str]] = {}
    for name, value in asked.headers:
        headers.setdefault(name, []).append(value)
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    body, encoded = _body(asked.body)
    return {
        "resource": match.route,
        "path": unquote(path),
        "httpMethod": asked.method,
        "headers": {name: each[-1] for name, each in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: each[-1] for name, each in values.items()} or None,
        "multiValueQueryStringParameters": values or None,
        "pathParameters": match.parameters or None,
        "stageVariables": None,
        "requestContext": _context(asked, match, request_id, now, headers),
        "body": body,
        "isBase64Encoded": encoded,
    }


def _context(asked: Asked, match: Match, request_id: str, now: datetime, headers: dict[str, list[str]]) -> dict[str, Any]:
    agents = [values[-1] for name, values in headers.items() if name.lower() == "user-agent"]
    return {
        "accountId": "000000000000",
        "apiId": "local",
        "stage": "local",
        "protocol": "HTTP/1.1",
        "identity": {"sourceIp": "127.0.0.1", "userAgent": agents[-1] if agents else None},
        "requestId": request_id,
        "extendedRequestId": request_id,
        "requestTime": now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now.timestamp() * 1000),
        "resourcePath": match.route,
        "httpMethod": asked.method,
        "path": asked.target.partition("?")[0],
    }


def _body(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), True


def from_answer(answer: Mapping[str, Any]) -> Answered:
    """The HTTP answer that a proxy integration's result stands for. Raises ValueError when it stands for none."""
    try:
        status = int(answer["statusCode"])
        body = answer.get("body") or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
        many = {name: [str(value) for value in values] for name, values in (answer.get("multiValueHeaders") or {}).items()}
        for name, value in (answer.get("headers") or {}).items():
            if str(value) not in many.get(name, []):
                many.setdefault(name, []).append(str(value))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the answer of a proxy integration: {error}") from None
    if not 100 <= status <= 599:
        raise ValueError(f"not a status: {status}")
    headers = [(name, value) for name, values in many.items() for value in values]
    if data and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))  # API Gateway's own default
    if any(character in name + value for name, value in headers for character in "\r\n"):
        raise ValueError("a header holds a line break")
    return Answered(status, headers, data)

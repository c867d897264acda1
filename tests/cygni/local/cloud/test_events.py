"""HTTP as the events of a REST API, and back."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.cloud.events import Asked, Match, RouteTable, from_answer, to_event

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TABLE = RouteTable(
    {
        "/": ["GET"],
        "/v1/projects": ["GET", "POST"],
        "/v1/projects/{project}": ["GET"],
        "/v1/projects/mine": ["GET"],
        "/v1/projects/{project}/sources": ["POST"],
    }
)
FOUND = Match("/v1/projects/{project}", {"project": "shop"}, frozenset({"GET"}))


def event(
    target: str = "/v1/projects/shop", *, headers: list[tuple[str, str]] | None = None, body: bytes = b""
) -> dict[str, Any]:
    return to_event(Asked("GET", target, headers or [], body), FOUND, "req-1", NOW)


@pytest.mark.parametrize(
    ("path", "route", "parameters"),
    [
        ("/", "/", {}),
        ("/v1/projects", "/v1/projects", {}),
        ("/v1/projects/", "/v1/projects", {}),
        ("/v1/projects/shop", "/v1/projects/{project}", {"project": "shop"}),
        ("/v1/projects/mine", "/v1/projects/mine", {}),
        ("/v1/projects/mine/sources", "/v1/projects/{project}/sources", {"project": "mine"}),
        ("/v1/projects/a%2Fb%20c", "/v1/projects/{project}", {"project": "a/b c"}),
    ],
)
def test_a_path_finds_its_route(path: str, route: str, parameters: dict[str, str]) -> None:
    match = TABLE.match(path)

    assert match is not None
    assert (match.route, match.parameters) == (route, parameters)


@pytest.mark.parametrize("path", ["/v1", "/v1/project", "/v1//projects", "/v1/projects//", "/v1/projects/a/b", "v1/projects"])
def test_a_path_without_a_route_finds_none(path: str) -> None:
    assert TABLE.match(path) is None


@given(st.text())
def test_no_path_makes_the_table_stumble(path: str) -> None:
    match = TABLE.match("/" + path)

    assert match is None or match.methods


def test_an_event_carries_what_the_app_reads_on_aws() -> None:
    made = event("/v1/projects/shop?limit=2", headers=[("Accept", "a"), ("Host", "h")])

    assert made["requestContext"]["resourcePath"] == "/v1/projects/{project}"
    assert made["requestContext"]["requestId"] == "req-1"
    assert made["pathParameters"] == {"project": "shop"}
    assert made["headers"] == {"Accept": "a", "Host": "h"}
    assert (made["body"], made["isBase64Encoded"]) == (None, False)


def test_a_query_keeps_every_value_in_order_and_decoded() -> None:
    made = event("/x?tag=a&tag=b%20c&empty=&plus=1+1")

    assert made["multiValueQueryStringParameters"] == {"tag": ["a", "b c"], "empty": [""], "plus": ["1 1"]}
    assert made["queryStringParameters"]["tag"] == "b c"


def test_no_query_is_null_as_on_aws() -> None:
    assert event("/x")["multiValueQueryStringParameters"] is None


def test_a_header_that_comes_twice_is_kept_twice() -> None:
    assert event(headers=[("X-A", "1"), ("X-A", "2")])["multiValueHeaders"] == {"X-A": ["1", "2"]}


def test_a_body_that_is_not_text_travels_as_base64() -> None:
    made = event(body=b"\xff\xfe")

    assert made["isBase64Encoded"]
    assert base64.b64decode(made["body"]) == b"\xff\xfe"


def test_an_answer_has_its_status_headers_and_text() -> None:
    answer = from_answer(
        {"statusCode": 201, "headers": {"ETag": '"1"'}, "multiValueHeaders": {"Set-Cookie": ["a", "b"]}, "body": "é"}
    )

    assert (answer.status, answer.body) == (201, "é".encode())
    assert answer.headers == [("Set-Cookie", "a"), ("Set-Cookie", "b"), ("ETag", '"1"'), ("Content-Type", "application/json")]


def test_an_answer_in_base64_is_decoded() -> None:
    assert from_answer({"statusCode": 200, "isBase64Encoded": True, "body": "//4="}).body == b"\xff\xfe"


@pytest.mark.parametrize(
    "answer", [{}, {"statusCode": "x"}, {"statusCode": 99}, {"statusCode": 200, "headers": {"A": "b\r\nC: d"}}, [1]]
)
def test_what_is_no_answer_of_an_integration_is_refused(answer: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_answer(answer)  # type: ignore[arg-type]

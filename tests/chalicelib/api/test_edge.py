from __future__ import annotations

import json
import threading

import pytest

from chalicelib.api.problems import STATUS, status_of
from chalicelib.api.resources import RESOURCES
from chalicelib.platform import errors
from chalicelib.platform.errors import CygniError
from tests.support.world import Client

GUARDED = [route for resource in RESOURCES for route in resource.routes if not route.public]
FILLED = {
    "project": "hello",
    "environment": "prod",
    "service": "web",
    "deployment": "dep_0",
    "release": "1",
    "session": "s",
} | dict.fromkeys(("member", "invitation", "key", "trust", "cluster"), "x")


def _tree(kind: type[CygniError]) -> list[type[CygniError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _tree(child))]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
@pytest.mark.parametrize("header", [None, "Bearer cyg_wrong", "Basic abc", "Bearer", "Bearer " + "x" * 600])
def test_no_guarded_route_answers_without_a_valid_key(api: Client, route: object, header: str | None) -> None:
    api.key = None
    headers = {"authorization": header} if header else {}

    refused = api(route.method, route.path.format(**FILLED), {}, headers=headers)  # type: ignore[attr-defined]

    assert (refused.status, refused.json["code"]) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("kind", _tree(CygniError), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_a_status_and_a_sentence(kind: type[CygniError]) -> None:
    assert kind.code
    assert kind.__doc__
    assert 400 <= status_of(kind) <= 503


def test_the_tree_in_the_docstring_names_every_error() -> None:
    named = {kind.__name__ for kind in _tree(CygniError) if kind.__module__ == errors.__name__}

    assert all(name in (errors.__doc__ or "") for name in named)
    assert set(STATUS) <= set(_tree(CygniError))


@pytest.mark.parametrize(
    ("raw", "status", "field"),
    [
        ("", 400, None),
        ("{", 400, None),
        ("[]", 422, "body"),
        ("null", 422, "body"),
        ('{"name": "hello", "owner": "me"}', 422, "body.owner"),
        ('{"name": 7}', 422, "body.name"),
        ('{"description": "no name"}', 422, "body.name"),
    ],
)
def test_a_bad_body_is_a_problem_that_names_the_field(api: Client, raw: str, status: int, field: str | None) -> None:
    refused = api("POST", "/v1/projects", raw=raw)

    assert (refused.status, refused.headers["content-type"]) == (status, "application/problem+json")
    assert [each["field"] for each in refused.json.get("errors", [])][:1] == ([field] if field else [])
    assert refused.json["remedy"]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"page": "2"}])
def test_a_bad_query_is_refused_and_named(api: Client, query: dict[str, str]) -> None:
    refused = api.get("/v1/projects", query=query)

    assert refused.status == 422
    assert refused.json["errors"][0]["field"] == f"query.{next(iter(query))}"


@pytest.mark.parametrize("cursor", ["x", "e30", "eyJwayI6IlRFQU0jb3RoZXIiLCJzayI6IlBST0pFQ1QjYSJ9", "WzFd", "🦢"])
def test_a_cursor_that_is_not_ours_or_of_another_list_is_refused(api: Client, cursor: str) -> None:
    assert api.get("/v1/projects", query={"cursor": cursor}).status == 400


@pytest.mark.parametrize("value", ["..", "a%2Fb", "ü", "x" * 65, "TEAM#1", " "])
def test_a_malformed_name_in_a_path_is_as_absent_as_any_other(api: Client, value: str) -> None:
    refused = api.get(f"/v1/projects/{value}")

    assert (refused.status, refused.json["code"]) == (404, "not-found")


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "ü", "a b"])
def test_an_unusable_idempotency_key_is_refused(api: Client, key: str) -> None:
    assert api.post("/v1/projects", {"name": "hello"}, headers={"idempotency-key": key}).status == 400


@pytest.mark.parametrize("etag", ["1", '"x"', "*", '"1'])
def test_an_if_match_that_is_no_etag_is_refused(api: Client, etag: str) -> None:
    api.post("/v1/projects", {"name": "hello"})

    assert api("PUT", "/v1/projects/hello", {"description": ""}, headers={"if-match": etag}).status == 400


def test_requests_at_the_same_time_are_not_mixed_up(api: Client) -> None:
    seen: dict[int, str] = {}

    def ask(number: int) -> None:
        body = {"text": f"version: 1\nname: app-{number}\nservices:\n  web: {{}}\n"}
        seen[number] = api.post("/v1/app-files/check", body).json["app"]["name"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {number: f"app-{number}" for number in range(16)}


def test_config_values_are_never_part_of_a_problem(api: Client, hello: str) -> None:
    refused = api("PATCH", f"{hello}/config", {"set": {"bad name": "s3cret-canary"}})

    assert refused.status == 422
    assert "s3cret-canary" not in json.dumps(refused.json)

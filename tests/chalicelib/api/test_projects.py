from __future__ import annotations

import pytest

from tests.support.world import Client


def test_a_new_project_begins_with_the_environment_prod(api: Client) -> None:
    made = api.post("/v1/projects", {"name": "hello", "description": "Says hello."})

    assert made.status == 201
    assert made.headers["location"] == "/v1/projects/hello"
    assert api.get("/v1/projects/hello/environments/prod").status == 200


def test_a_taken_name_is_a_conflict_that_says_so(api: Client) -> None:
    api.post("/v1/projects", {"name": "hello"})

    again = api.post("/v1/projects", {"name": "hello"})

    assert (again.status, again.json["code"]) == (409, "conflict")
    assert "exists already" in again.json["detail"]


def test_the_same_idempotency_key_creates_once_and_answers_alike(api: Client) -> None:
    key = {"idempotency-key": "k-1"}

    first = api.post("/v1/projects", {"name": "hello"}, headers=key)
    second = api.post("/v1/projects", {"name": "hello"}, headers=key)

    assert first.status == second.status == 201
    assert first.json == second.json


def test_an_idempotency_key_cannot_be_used_for_another_request(api: Client) -> None:
    key = {"idempotency-key": "k-1"}
    api.post("/v1/projects", {"name": "hello"}, headers=key)

    other = api.post("/v1/projects", {"name": "hello", "description": "changed"}, headers=key)

    assert (other.status, other.json["code"]) == (409, "idempotency-key-reused")


def test_projects_come_in_pages_by_name(api: Client) -> None:
    for name in ("c", "a", "b"):
        api.post("/v1/projects", {"name": name})

    first = api.get("/v1/projects", query={"limit": "2"}).json
    second = api.get("/v1/projects", query={"limit": "2", "cursor": first["next_cursor"]}).json

    assert [each["name"] for each in first["items"] + second["items"]] == ["a", "b", "c"]
    assert second["next_cursor"] is None


def test_an_update_needs_the_newest_etag(api: Client) -> None:
    etag = api.post("/v1/projects", {"name": "hello"}).headers["etag"]

    changed = api("PUT", "/v1/projects/hello", {"description": "new"}, headers={"if-match": etag})
    stale = api("PUT", "/v1/projects/hello", {"description": "newer"}, headers={"if-match": etag})
    blind = api("PUT", "/v1/projects/hello", {"description": "newest"})

    assert (changed.status, changed.json["description"]) == (200, "new")
    assert (stale.status, stale.json["code"]) == (412, "stale-version")
    assert blind.status == 400


def test_a_project_with_a_service_is_not_deleted(api: Client, hello: str) -> None:
    assert api("DELETE", "/v1/projects/hello").status == 409
    assert api.get(hello).status == 200


def test_an_empty_project_is_deleted_with_its_environments(api: Client) -> None:
    api.post("/v1/projects", {"name": "hello"})

    assert api("DELETE", "/v1/projects/hello").status == 204
    assert api.get("/v1/projects/hello").status == 404
    assert api.get("/v1/projects/hello/environments/prod").status == 404


@pytest.mark.parametrize("name", ["", "Hello", "hello--x", "-a", "a" * 31, "a_b", "1a"])
def test_a_bad_name_is_refused_and_named(api: Client, name: str) -> None:
    refused = api.post("/v1/projects", {"name": name})

    assert refused.status == 422
    assert refused.json["errors"][0]["field"] == "body.name"


def test_what_is_listed_below_something_absent_is_not_found(api: Client) -> None:
    assert api.get("/v1/projects/nope/environments").status == 404
    assert api.get("/v1/projects/nope/environments/prod/services").status == 404
    assert api.post("/v1/projects/nope/environments", {"name": "staging"}).status == 404
    assert api.post("/v1/projects/nope/environments/prod/services", {"name": "web"}).status == 404

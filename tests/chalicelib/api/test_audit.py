"""Every change leaves one line that says who did what, in the change's own commit; refused attempts leave one, too."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from threading import Lock, Thread
from typing import Any

import pytest
from botocore.client import BaseClient

from chalicelib.audit.models import HEAD, HeadRecord, LineRecord, line_sk, lines_pk, linked_of
from chalicelib.audit.rules import CHUNK, Linked, faults
from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from tests.support.world import TEAM, Client


def lines(api: Client, **query: str) -> list[dict[str, Any]]:
    """All lines that a query finds, newest first."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = api.get("/v1/audit", query=query | ({"cursor": cursor} if cursor else {})).json
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def stored(now: Any) -> list[str]:
    """What is wrong with the trail as it lies in the table."""
    store = team_store(TEAM)
    head = store.fetch(HeadRecord, f"TEAM#{TEAM}", HEAD)
    assert head is not None
    found: list[Linked] = []
    for chunk in range(int(head.seq) // CHUNK + 1):
        cursor: str | None = None
        while True:
            records, cursor = store.page(LineRecord, lines_pk(TEAM, chunk), "L", cursor=cursor, limit=500)
            found += [linked_of(record) for record in records]
            if cursor is None:
                break
    return [each.sentence for each in faults(found, head_seq=int(head.seq), head_digest=head.digest, now=now)]


def test_a_change_says_who_did_what_on_what_and_from_where(api: Client) -> None:
    api.post("/v1/projects", {"name": "hello", "description": "first"})
    api("PUT", "/v1/projects/hello", {"description": "second"}, headers={"if-match": '"1"'})

    changed, made = lines(api)

    assert (made["actor"], made["actor_kind"], made["operation"]) == ("admin", "operator", "create_project")
    assert (made["resource"], made["outcome"], made["source"]) == ("projects/hello", "done", "127.0.0.1")
    assert (made["request"], made["before"]) == ("req-1", "")
    assert (changed["resource"], changed["operation"]) == ("projects/hello", "describe_project")
    assert changed["before"]
    assert changed["before"] != changed["after"]
    assert changed["previous"] == made["digest"]
    assert stored(api.fakes.clock()) == []


def test_what_gets_an_id_is_named_by_it(api: Client, hello: str) -> None:
    made = api.post("/v1/projects/hello/sources", {"sha256": "0" * 64, "size": 3}).json

    assert lines(api)[0]["resource"] == f"projects/hello/sources/{made['id']}"


def test_a_request_that_changes_nothing_leaves_no_line(api: Client, hello: str) -> None:
    before = len(lines(api))

    api.get(hello)
    api.post("/v1/projects", {"name": "hello"})
    api.post("/v1/projects", {"name": "BAD"})
    api.post("/v1/app-files/check", {"text": "version: 1"})

    assert len(lines(api)) == before


def test_the_same_request_twice_is_one_line(api: Client) -> None:
    for _ in range(2):
        assert api.post("/v1/projects", {"name": "hello"}, headers={"idempotency-key": "k"}).status == 201

    assert [each["operation"] for each in lines(api)] == ["create_project"]


def test_a_change_and_its_line_are_written_together_or_not_at_all(api: Client) -> None:
    api.post("/v1/projects", {"name": "hello"})
    store = team_store(TEAM)
    dynamodb().put_item(
        TableName="cygni-audit", Item={"pk": {"S": lines_pk(TEAM, 0)}, "sk": {"S": line_sk(2)}, "actor": {"S": "squatter"}}
    )

    refused = api.post("/v1/projects", {"name": "second"})

    assert refused.status == 409
    assert api.get("/v1/projects/second").status == 404
    assert store.page(LineRecord, lines_pk(TEAM, 0), line_sk(3), cursor=None, limit=1)[0] == []


def test_an_altered_a_missing_and_an_added_line_show(api: Client) -> None:
    for name in ("one", "two", "three"):
        api.post("/v1/projects", {"name": name})
    key = {"pk": {"S": lines_pk(TEAM, 0)}, "sk": {"S": line_sk(2)}}
    kept = dynamodb().get_item(TableName="cygni-audit", Key=key)["Item"]

    dynamodb().put_item(TableName="cygni-audit", Item={**kept, "actor": {"S": "usr_someone-else"}})
    altered = stored(api.fakes.clock())
    dynamodb().delete_item(TableName="cygni-audit", Key=key)
    missing = stored(api.fakes.clock())

    assert altered == ["The line was altered: its digest does not match what it says."]
    assert missing == ["Lines 2 to 2 are missing."]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"operation": "create_service"}, ["projects/hello/environments/prod/services/web"]),
        ({"resource": "projects/hello/environments/prod"}, ["projects/hello/environments/prod/services/web"]),
        ({"resource": "projects/hel"}, []),
        ({"actor": "usr_nobody"}, []),
        ({"outcome": "refused"}, []),
        ({"until": "2026-01-02T03:04:06Z", "actor": "admin"}, ["projects/hello"]),
        ({"since": "2026-01-02T03:04:06"}, ["projects/later", "projects/hello/environments/prod/services/web"]),
    ],
)
def test_lines_are_found_by_actor_operation_resource_outcome_and_time(
    api: Client, query: dict[str, str], expected: list[str]
) -> None:
    api.post("/v1/projects", {"name": "hello"})
    api.fakes.clock.sleep(10)
    api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
    api.fakes.clock.sleep(10)
    api.post("/v1/projects", {"name": "later"})

    assert [each["resource"] for each in lines(api, **query)] == expected


def test_pages_follow_each_other_over_the_ends_of_partitions(api: Client) -> None:
    head = HeadRecord(f"TEAM#{TEAM}", HEAD, seq=CHUNK - 2, revoked={})
    team_store(TEAM).commit([Put(head)])
    for number in range(5):
        api.post("/v1/projects", {"name": f"p{number}"})

    assert [each["seq"] for each in lines(api, limit="2")] == [CHUNK + 3 - number for number in range(5)]
    assert [each["seq"] for each in lines(api)] == [CHUNK + 3 - number for number in range(5)]


@pytest.mark.parametrize(
    "query", [{"since": "2026-01-02", "until": "2026-01-01"}, {"since": "yesterday"}, {"until": "0.5"}, {"outcome": "odd"}]
)
def test_a_query_that_makes_no_sense_is_refused_and_named(api: Client, query: dict[str, str]) -> None:
    refused = api.get("/v1/audit", query=query)

    assert refused.status == 422
    assert refused.json["errors"][0]["field"].startswith("query.")


@pytest.mark.parametrize("cursor", ["x", "eyJzZXEiOi0xfQ", "eyJzZXEiOnRydWV9", "eyJzZXEiOiIxIn0"])
def test_a_foreign_cursor_is_refused(api: Client, cursor: str) -> None:
    assert api.get("/v1/audit", query={"cursor": cursor}).status == 400


def test_the_trail_is_exported_as_json_and_as_csv(api: Client) -> None:
    for name in ("one", "two", "three"):
        api.post("/v1/projects", {"name": name})

    first = api.get("/v1/audit/export", query={"format": "csv", "limit": "2"})
    rest = api.get("/v1/audit/export", query={"format": "json", "cursor": first.headers["x-next-cursor"]})

    rows = list(csv.DictReader(io.StringIO(first.text)))
    assert first.headers["content-type"].startswith("text/csv")
    assert [row["resource"] for row in rows] == ["projects/three", "projects/two"]
    assert [each["resource"] for each in rest.json["items"]] == ["projects/one"]
    assert "x-next-cursor" not in rest.headers


def test_the_head_is_the_newest_line(api: Client) -> None:
    assert api.get("/v1/audit/head").json == {"team": TEAM, "seq": 0, "digest": "0" * 64}

    api.post("/v1/projects", {"name": "hello"})

    newest = lines(api)[0]
    assert api.get("/v1/audit/head").json == {"team": TEAM, "seq": 1, "digest": newest["digest"]}


def test_a_line_expires_when_the_installation_says(api: Client) -> None:
    api.post("/v1/projects", {"name": "hello"})

    days = timedelta(days=api.fakes.settings.audit_retention)
    assert lines(api)[0]["expires"] == int((api.fakes.clock() + days).timestamp())


@pytest.fixture
def one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator loses writes of calls that run at once, which DynamoDB does not; requests still come between each other."""
    lock, original = Lock(), BaseClient._make_api_call

    def alone(*given: Any) -> Any:
        with lock:
            return original(*given)

    monkeypatch.setattr(BaseClient, "_make_api_call", alone)


@pytest.mark.usefixtures("one_call_at_a_time")
def test_changes_at_the_same_moment_are_all_in_the_chain(api: Client) -> None:
    threads = [Thread(target=api.post, args=("/v1/projects", {"name": f"p{number}"})) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made = {each["name"] for each in api.get("/v1/projects").json["items"]}
    assert {each["resource"].removeprefix("projects/") for each in lines(api)} == made
    assert stored(api.fakes.clock()) == []

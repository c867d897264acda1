"""The function that migrates: what CloudFormation, an operator, and a version of itself ask of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.client import BaseClient

from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.errors import InvalidInput, MigrationFailed
from chalicelib.platform.packing import pack
from chalicelib.platform.store import Store
from chalicelib.platform.table import Put
from chalicelib.upgrades.models import OWNER, PK, PREFIX, MigrationRecord
from functions.migrate import NAME, handler
from tests.support.store import memory_store

MIGRATION = "0001-pack-specs"
LONG, SHORT = 900_000, 0


class Context:
    """As Lambda gives it to a published version."""

    def __init__(self, left: int = LONG, version: str = "1") -> None:
        self.function_version, self._left = version, left

    def get_remaining_time_in_millis(self) -> int:
        return self._left


@pytest.fixture
def sent() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Versions of itself that were invoked, and with what, on a table with one release that was written as text."""
    calls: list[tuple[str, dict[str, Any]]] = []
    original = BaseClient._make_api_call

    def call(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        if operation != "Invoke":
            return original(client, operation, asked)
        assert (asked["FunctionName"], asked["InvocationType"]) == (NAME, "Event")
        calls.append((asked["Qualifier"], json.loads(asked["Payload"])))
        return {"StatusCode": 202}

    BaseClient._make_api_call = call
    try:
        with memory_store():
            release()
            yield calls
    finally:
        BaseClient._make_api_call = original


def release(number: int = 1, text: str = "{}") -> None:
    key = {"pk": {"S": "TEAM#t#RELEASES#p#e#s"}, "sk": {"S": f"RELEASE#{number:06d}"}}
    dynamodb().put_item(TableName="cygni", Item={**key, "spec": {"S": text}, "version": {"N": "1"}})


def others(count: int) -> None:
    """Records that no migration concerns, before those that one does."""
    for number in range(count):
        dynamodb().put_item(TableName="cygni", Item={"pk": {"S": "TEAM#t"}, "sk": {"S": f"PROJECT#{number}"}})


def spec() -> dict[str, Any]:
    key = {"pk": {"S": "TEAM#t#RELEASES#p#e#s"}, "sk": {"S": "RELEASE#000001"}}
    return dict(dynamodb().get_item(TableName="cygni", Key=key)["Item"]["spec"])


@contextmanager
def stack() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where a stack listens, and what it is told."""
    told: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/answer?signed", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked_by_stack(url: str, *migrations: str, kind: str = "Update", phase: str = "after") -> dict[str, Any]:
    names = {"StackId": "stack", "RequestId": "request", "LogicalResourceId": "Migrations"}
    return {
        **names,
        "RequestType": kind,
        "ResponseURL": url,
        "ResourceProperties": {"Phase": phase, "Migrations": list(migrations)},
    }


def test_a_stack_that_asks_is_told_when_all_is_applied(sent: list[Any]) -> None:
    with stack() as (url, told):
        handler(asked_by_stack(url, MIGRATION), Context())

    assert [(each["Status"], each["PhysicalResourceId"]) for each in told] == [("SUCCESS", "Migrations")]
    assert spec() == {"B": pack({})}


def test_a_stack_that_is_rolled_back_has_them_taken_back(sent: list[Any]) -> None:
    with stack() as (url, told):
        handler(asked_by_stack(url, MIGRATION), Context())
        handler(asked_by_stack(url), Context())

    assert [each["Status"] for each in told] == ["SUCCESS", "SUCCESS"]
    assert spec() == {"S": "{}"}


def test_another_phase_changes_nothing(sent: list[Any]) -> None:
    with stack() as (url, told):
        handler(asked_by_stack(url, phase="before"), Context())

    assert [each["Status"] for each in told] == ["SUCCESS"]
    assert spec() == {"S": "{}"}


def test_a_stack_that_is_removed_leaves_the_records_as_they_are(sent: list[Any]) -> None:
    with stack() as (url, told):
        handler(asked_by_stack(url, MIGRATION), Context())
        handler(asked_by_stack(url, kind="Delete"), Context())

    assert [each["Status"] for each in told] == ["SUCCESS", "SUCCESS"]
    assert spec() == {"B": pack({})}


def test_a_record_that_cannot_be_changed_fails_the_stack_with_its_name(sent: list[Any]) -> None:
    release(text="no json")

    with stack() as (url, told):
        handler(asked_by_stack(url, MIGRATION), Context())

    assert told[0]["Status"] == "FAILED"
    assert "TEAM#t#RELEASES#p#e#s RELEASE#000001" in told[0]["Reason"]
    assert "no json" not in told[0]["Reason"]
    with pytest.raises(MigrationFailed):
        handler({}, Context())


def test_what_there_was_no_time_for_is_sent_to_the_same_version_and_the_stack_waits(sent: list[Any]) -> None:
    others(250)

    with stack() as (url, told):
        assert handler(asked_by_stack(url, MIGRATION), Context(SHORT))["left"]
        assert told == []
        while sent:
            version, event = sent.pop()
            assert version == "1"
            handler(event, Context(SHORT))

    assert [each["Status"] for each in told] == ["SUCCESS"]
    assert spec() == {"B": pack({})}


def test_what_a_newer_version_applied_is_handed_to_that_version(sent: list[Any]) -> None:
    applied("0002-newer", by="2")

    with stack() as (url, told):
        event = asked_by_stack(url, MIGRATION)
        assert handler(event, Context(version="1")) == {"left": True, "by": "2"}

    assert sent == [("2", event)]
    assert told == []


def test_an_operator_hears_how_far_it_is_and_what_it_would_change(sent: list[Any]) -> None:
    (tried,) = handler({"dry_run": True}, Context())["migrations"]
    assert (tried["seen"], tried["changed"], tried["done"]) == (1, 1, True)
    assert handler({"status": True}, Context()) == {"migrations": []}

    handler({}, Context())

    (noted,) = handler({"status": True}, Context())["migrations"]
    assert (noted["name"], noted["direction"], noted["done"], noted["by"], noted["changed"]) == (MIGRATION, "up", True, "1", 1)


def test_a_dry_run_without_time_goes_on_from_its_cursor(sent: list[Any]) -> None:
    others(250)

    first = handler({"dry_run": True}, Context(SHORT))
    last = handler({"dry_run": True, "cursor": first["cursor"]}, Context(SHORT))

    assert (first["left"], last["left"]) == (True, False)
    assert last["migrations"][0]["changed"] == 1


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"phase": "during"}, "phase: must be before or after, not 'during'"),
        ({"migrations": ["0009-none"]}, "there is no 0009-none; there are 0001-pack-specs"),
        ({"dryrun": True}, "dryrun: no such field; known are again, cursor, dry_run"),
    ],
    ids=["phase", "name", "field"],
)
def test_an_event_that_is_wrong_is_refused_with_what_may_be_there(sent: list[Any], event: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        handler(event, Context())


def test_one_that_waits_is_told_what_is_unknown_and_nothing_is_sent(sent: list[Any]) -> None:
    applied("0002-newer", by="")

    answer = handler({"wait": True}, None)

    assert (answer["left"], answer["strangers"]) == (False, ["0002-newer"])
    assert sent == []
    assert spec() == {"B": pack({})}


def applied(name: str, *, by: str) -> None:
    from chalicelib.platform.clock import utc_now

    record = MigrationRecord(PK, PREFIX + name, phase="after", direction="up", done=True, by=by, begun_at=utc_now())
    Store((OWNER,)).commit([Put(record)])

"""What is secret stays where it was put: canaries in every input, and no sink that sings.

Sinks are the answers, the log, workflows' input, calls of other functions, builds, and everything stored, the audit trail
included. A config value may be in the config it was set in, in its record, and in the answer to whoever may read it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.api.resources import RESOURCES
from chalicelib.api.routes import Route
from chalicelib.identity.rules import Grant, Role
from chalicelib.platform.aws import client
from functions.catalog import TABLES
from tests.chalicelib.api.requests import ASKS, Furnished, ask, furnished_store
from tests.support.world import Client

CANARY = "canary-s3cr3t-0123456789abcdef"
ROUTES = [route for resource in RESOURCES for route in resource.routes]
ASKED = [route for route in ROUTES if not route.public]


@pytest.fixture
def own() -> Iterator[Furnished]:
    with furnished_store() as furnished:
        yield furnished


def stored() -> dict[str, str]:
    """Everything that lies in the tables and in the bucket, by place."""
    found: dict[str, str] = {}
    for table in TABLES:
        for item in client("dynamodb").scan(TableName=table.name)["Items"]:
            found[f"{table.name}/{item['pk']['S']}/{item['sk']['S']}"] = json.dumps(item, default=str)
    for each in client("s3").list_objects_v2(Bucket="cygni").get("Contents", []):
        body = client("s3").get_object(Bucket="cygni", Key=each["Key"])["Body"].read()
        found[f"bucket/{each['Key']}"] = body.decode("utf-8", "replace")
    return found


def handed_on(own: Furnished) -> str:
    """What other parts of Cygni were given."""
    fakes = own.stage.fakes
    return repr((fakes.workflows.started, fakes.workflows.answers, fakes.functions.calls, fakes.builders.started))


def sings(text: str) -> bool:
    return CANARY in text


def hostile(route: Route) -> list[dict[str, Any]]:
    """Requests that carry a canary where it does not belong: each is the arguments of a client's call."""
    body = {"canary": CANARY, "name": {"x": CANARY}, "set": {"bad name": CANARY}, "source": [CANARY]}
    return [
        {"headers": {"authorization": f"Bearer {CANARY}"}},
        {"headers": {"authorization": f"Basic {CANARY}"}},
        {"headers": {"cookie": f"session={CANARY}", "x-api-key": CANARY, "if-match": CANARY}},
        {"body": body},
        {"raw": f'{{"unfinished": "{CANARY}'},
        {"query": {"token": CANARY}},
        {"query": {"cursor": CANARY, "limit": CANARY}},
    ]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_was_sent_in_a_wrong_place_is_repeated_nowhere(
    own: Furnished, route: Route, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    path = route.path.format(**own.names)

    answers = [own.owner(route.method, path, each.pop("body", None), **each) for each in hostile(route)]

    out = capsys.readouterr()
    assert [answer.status for answer in answers if sings(answer.text + repr(answer.headers))] == []
    assert not sings(caplog.text + out.out + out.err)
    assert not sings(handed_on(own))
    assert [place for place, text in stored().items() if sings(text)] == []


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.name)
def test_a_config_value_is_in_no_answer_but_its_own_and_in_nothing_that_is_handed_on(
    own: Furnished, route: Route, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    path = "/v1/projects/hello/environments/prod/services/web/config"
    assert own.owner("PATCH", path, {"set": {"API_TOKEN": CANARY}}).status == 200
    ASKS[route.name].before(own)

    answer = ask(own.owner, route, own)

    out = capsys.readouterr()
    assert answer.status < 400, answer.text
    assert sings(answer.text) == (route.name in {"get_config", "change_config"})
    assert not sings(caplog.text + out.out + out.err)
    assert not sings(handed_on(own))
    assert [place for place, text in stored().items() if sings(text) and "#CONFIG#" not in place] == []


def test_a_viewer_reads_no_config_value(own: Furnished) -> None:
    viewer = Client(own.stage.fakes, grant=Grant(Role.VIEWER))

    assert viewer.get("/v1/projects/hello/environments/prod/services/web/config").status == 403


def test_the_canary_would_be_heard(own: Furnished) -> None:
    """These tests can fail: a description is no secret, and is found in the store, in the answer, and in a hand-over."""
    own.owner("PUT", "/v1/projects/hello", {"description": CANARY}, headers={"if-match": '"1"'})
    own.stage.fakes.functions.send("x", {"value": CANARY})

    assert sings(own.owner.get("/v1/projects/hello").text)
    assert [place for place, text in stored().items() if sings(text)]
    assert sings(handed_on(own))

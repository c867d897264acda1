"""A region that stands by does nothing, and a failover moves the work: over two regions' tables in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.platform import duty as duties
from chalicelib.platform.clock import utc_now
from chalicelib.platform.duty import Duty
from chalicelib.platform.duty_rules import Term
from chalicelib.platform.errors import Conflict, LostRace, RegionPassive
from chalicelib.platform.settings import Settings, settings
from cygni.local.cloud.resources import table_request
from functions import standby
from functions.catalog import FUNCTIONS, PAIR_FUNCTIONS, REGIONAL_TABLES
from tests.infra.pair import Context
from tests.infra.recorder import ACCOUNT, recording
from tests.support.store import memory_store
from tests.support.world import Client, Fakes

HERE, THERE = "us-east-1", "us-west-2"
NOTHING = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'


@pytest.fixture(autouse=True)
def regions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is the home region's; the other has a table as well."""
    for name, value in {"REGION": HERE, "ACCOUNT": ACCOUNT, "OWN_REGION": HERE, "OTHER_REGION": THERE}.items():
        monkeypatch.setenv(f"CYGNI_{name}", value)
    settings.cache_clear()
    duties.duty.cache_clear()
    with memory_store():
        for region in (HERE, THERE):
            boto3.client("dynamodb", region_name=region).create_table(**table_request(REGIONAL_TABLES[0]))
        boto3.client("stepfunctions", region_name=HERE).create_state_machine(
            name="cygni-deploy", definition=NOTHING, roleArn=f"arn:aws:iam::{ACCOUNT}:role/states"
        )
        yield
    monkeypatch.undo()
    settings.cache_clear()
    duties.duty.cache_clear()


def lose_the_other() -> None:
    boto3.client("dynamodb", region_name=THERE).delete_table(TableName=duties.TABLE)


def order(number: int, region: str, *, there: bool, since: datetime | None = None) -> None:
    duties.write(Term(number, since or utc_now() - timedelta(seconds=1), region), settings(), there=there)


def call(name: str, event: Any = None) -> Any:
    return standby.run(event or {}, Context(name))


def test_what_a_schedule_starts_ends_quietly_where_the_other_region_acts() -> None:
    assert call("cygni-sweep") == {"started": 0}
    duties.duty.cache_clear()
    order(1, THERE, there=True)

    assert call("cygni-sweep") == {"passive": f"This is {HERE}; {THERE} acts."}


def test_no_function_runs_in_a_region_that_stands_by() -> None:
    order(1, THERE, there=False)

    for function in FUNCTIONS:
        if function.schedule or function.events:
            assert "passive" in call(function.name)
        elif function.name == "cygni-migrate":  # a deploy of this region's stack waits for its answer
            assert call(function.name) == {"left": False, "passive": True}
        else:
            with pytest.raises(RegionPassive):
                call(function.name)


def test_the_others_copy_relieves_a_region_whose_own_says_that_it_acts() -> None:
    order(1, HERE, there=False)
    order(2, THERE, there=True)

    with pytest.raises(RegionPassive):
        Duty(settings()).require()


def test_a_region_whose_pair_is_away_goes_by_its_own_copy() -> None:
    lose_the_other()

    Duty(settings()).require()


def test_a_move_tells_both_and_begins_when_what_was_begun_is_over() -> None:
    answer = call("cygni-fail-over", {"to": THERE})

    copies = duties.read(settings())
    assert copies.here == copies.there
    assert (answer["acts"], answer["term"], answer["both_told"]) == (THERE, 1, True)
    assert datetime.fromisoformat(answer["since"]) - utc_now() > timedelta(seconds=400)
    assert call("cygni-fail-over", {"to": THERE}) == answer


def test_a_region_that_takes_over_waits_and_says_for_how_long() -> None:
    order(1, HERE, there=False, since=utc_now() + timedelta(seconds=90))

    with pytest.raises(RegionPassive, match=f"{HERE} takes over in (90|[1-8][0-9]) s"):
        Duty(settings()).require()


def test_a_lost_region_is_left_only_by_somebody_who_says_so() -> None:
    order(1, THERE, there=False)
    lose_the_other()

    with pytest.raises(Conflict, match=f"{THERE} acts and does not answer"):
        call("cygni-fail-over")
    answer = call("cygni-fail-over", {"lost": True})

    assert (answer["acts"], answer["term"], answer["both_told"]) == (HERE, 2, False)
    Duty(settings()).require()


def test_of_two_who_move_the_work_at_once_one_is_refused() -> None:
    order(5, THERE, there=False)

    with pytest.raises(LostRace, match="Somebody else moved the work"):
        order(5, HERE, there=False)


def test_an_installation_of_one_region_asks_nobody() -> None:
    with recording() as recorder, recorder.running("cygni-api"):
        Duty(Settings()).require()

    assert recorder.calls == []


def test_the_api_refuses_where_the_other_region_acts_but_says_that_it_lives() -> None:
    order(1, THERE, there=False)

    api = Client(Fakes(duty=Duty(settings())))
    replies = {path: api.get(path) for path in ("/v1/health", "/v1/openapi.json", "/v1/ready", "/v1/projects")}

    assert {path: reply.status for path, reply in replies.items()} == {
        "/v1/health": 200,
        "/v1/openapi.json": 200,
        "/v1/ready": 503,
        "/v1/projects": 503,
    }
    assert replies["/v1/projects"].json["code"] == "region-passive"
    assert replies["/v1/projects"].headers["retry-after"]


def test_readiness_asks_its_records_at_most_every_few_seconds() -> None:
    api = Client(Fakes(duty=Duty(settings())))

    with recording() as recorder, recorder.running("cygni-api"):
        assert [api.get("/v1/ready").status for _ in range(5)] == [200] * 5

    assert [call.action for call in recorder.calls] == ["dynamodb:GetItem"] * 3  # the term here and there, then the records


def test_every_function_of_a_pair_is_known_to_the_guard() -> None:
    assert {standby.guarded(each).handler for each in (*FUNCTIONS, *PAIR_FUNCTIONS)} == {standby.HANDLER}

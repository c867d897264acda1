"""What a deploy, a call and an idle month cost: that all that is billed is counted, the aims, and what the page says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench import cost, idle
from bench.entered import enter
from bench.metering import PACE, PLATFORM_LINES, Meter, Metering, metering
from bench.priced import AIMS, Found, dated, judged, prices_of, stated, table
from bench.standing import FOLDER, STAGES, UNITS, standing
from bench.store_count import read_units
from functions.catalog import FUNCTIONS
from tests.support.store import BUCKET, memory_store

DATED = dated()
PRICES = prices_of(DATED)
ANALYSIS = next(each for each in FUNCTIONS if each.name == "cygni-rollout-analyse")


@pytest.fixture(scope="module")
def deploys() -> list[Found]:
    return cost.deploys()


@pytest.fixture(scope="module")
def calls() -> Found:
    return cost.calls()


def counted(text: str) -> dict[str, str]:
    """Units and counts of a table. The bytes of a log line differ with the line it is written in, and are left to the bench."""
    rows = dict(re.findall(r"^\| ([a-z0-9 ]+) \| ([0-9,]+) \|", text, re.MULTILINE))
    return {unit: count for unit, count in rows.items() if unit != "log byte"}


def section(title: str) -> str:
    """What the page says below a title."""
    return re.split(r"\n###? ", cost.PAGE.read_text().partition(f"### {title}\n")[2])[0].partition(cost.END)[0]


def assert_written(found: Found) -> None:
    """The page has what the bench counts, and a total that is no cent off."""
    said = section(found.title)

    assert counted(said) == counted(table(found, PRICES)), f"{found.title}: python -m bench.cost --write"
    total = float(re.findall(r"\*\*([0-9.]+)\*\*", said)[0])
    assert total == pytest.approx(found.dollars(PRICES), abs=0.011)


@pytest.mark.slow
def test_a_deploy_is_mostly_watching_and_costs_no_more_than_its_aim(deploys: list[Found]) -> None:
    in_a_row, alone, _ = deploys
    costs = in_a_row.meter.costs(PRICES)

    assert max(costs, key=lambda unit: costs[unit]) == "lambda_gb_second"
    assert in_a_row.meter.units["lambda_gb_second"] > 1000 * 600 * ANALYSIS.memory / 1024
    assert in_a_row.meter.units["state_transition"] == 20_000
    assert in_a_row.meter.units["lambda_request"] == 11_000
    assert in_a_row.dollars(PRICES) <= AIMS["deploy"]
    assert alone.meter.units["lambda_gb_second"] > in_a_row.meter.units["lambda_gb_second"], "what begins cold computes more"


@pytest.mark.slow
def test_of_a_deploy_every_unit_is_counted(deploys: list[Found]) -> None:
    orchestration = {
        *("api_request", "lambda_gb_second", "lambda_request", "log_byte", "metric_hour", "state_transition", "trace"),
        *("dynamodb_read_unit", "dynamodb_write_unit", "kms_request", "secret_request", "event", "s3_read"),
    }

    assert set(deploys[0].meter.units) == orchestration
    assert {"build_minute_small", "s3_write", "s3_read", "state_transition"} <= set(deploys[2].meter.units)
    assert deploys[1].meter.units["secret_request"] == 6000, "each function that reaches the cluster reads its credential once"


@pytest.mark.slow
def test_a_call_costs_no_more_than_its_aim_whoever_makes_it(calls: Found) -> None:
    assert calls.meter.units["api_request"] == calls.meter.units["lambda_request"] == 1
    assert calls.meter.units["dynamodb_read_unit"] == 1.5, "one read with a token, two with a key"
    assert 0 < calls.meter.units["secret_request"] < 0.05, "the signing keys are read anew now and then"
    assert calls.dollars(PRICES) <= AIMS["calls"]


@pytest.mark.slow
def test_the_page_has_the_tables_that_the_bench_writes(deploys: list[Found], calls: Found) -> None:
    for found in (*deploys, calls):
        assert_written(found)
    assert stated(PACE) in cost.PAGE.read_text()


@pytest.mark.slow
def test_an_idle_month_is_within_its_aim_in_each_stage_and_the_page_says_what_it_is() -> None:
    used = idle.idle()

    assert used.dollars(PRICES) <= 1.2, "what stands takes 3.40 in dev, and 4.40 in prod"
    if not all([*(FOLDER / stage).glob("*.template.json")] for stage in STAGES):
        pytest.skip("the rest is about templates: make synth")
    for stage in STAGES:
        found = cost.idle_month(stage, used)
        assert found.dollars(PRICES) <= AIMS[f"idle {stage}"]
        assert_written(found)


def test_every_unit_has_a_price_a_source_and_a_page_that_can_be_looked_at() -> None:
    for unit, each in DATED["prices"].items():
        assert each["dollars"] > 0, unit
        assert each["source"].startswith("aws.amazon.com/"), unit
        assert "compared" not in each or re.match(r"2026-\d\d, (after )?[a-z0-9.-]+/\S+", each["compared"]), unit
    assert set(UNITS.values()) <= set(PRICES)


def test_an_aim_that_is_missed_is_told_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    dear = Found("A call", Meter(), 1, "calls")
    dear.meter.add("api_request", 2_000_000)

    assert judged([dear], PRICES) == 1
    assert "MISSED" in capsys.readouterr().out
    assert judged([Found("A call", Meter(), 1, "calls")], PRICES) == 0


@pytest.mark.parametrize(("schedule", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 day)", 86_400)])
def test_a_schedule_is_so_many_seconds(schedule: str, seconds: float) -> None:
    assert idle.every(schedule) == seconds


def test_reads_are_billed_by_four_kib_and_what_they_promise() -> None:
    item = {"pk": {"S": "x" * 5000}}

    assert read_units("GetItem", {"ConsistentRead": True}, {"Item": item}) == 2
    assert read_units("GetItem", {}, {"Item": item}) == 1
    assert read_units("GetItem", {"ConsistentRead": True}, {}) == 1
    assert read_units("TransactGetItems", {}, {"Responses": [{"Item": item}, {}]}) == 6
    assert read_units("Query", {}, {"Items": [item, item]}) == 1.5
    assert read_units("PutItem", {}, {}) == 0


def test_states_are_counted_along_the_way_that_the_answers_lead() -> None:
    answers = {"Prepare": "Done", "AwaitReady": "Done"}

    assert enter("rollout", lambda task: {"next": answers[task]}) == 4  # both tasks, the choice, the end
    with pytest.raises(SystemExit, match="RolledBack"):
        enter("rollout", lambda task: {"next": "Done" if task == "RollBack" else "RollBack"})


class Account:
    """A function that asks things of AWS in memory, at a time that is set."""

    def __init__(self, found: Metering) -> None:
        self.found = found

    def ask(self, service: str, operation: str, **asked: Any) -> dict[str, float]:
        """What one invocation with one call is billed for, but for its own seconds and lines."""
        from chalicelib.platform.aws import client

        self.found.begin()
        with self.found.invoked(ANALYSIS):
            getattr(client(service), operation)(**asked)
        own = {"lambda_gb_second", "lambda_request", "log_byte"}
        return {unit: amount for unit, amount in self.found.meter.units.items() if unit not in own and amount}


@pytest.fixture
def now() -> list[datetime]:
    return [datetime(2026, 1, 2, tzinfo=UTC)]


@pytest.fixture
def account(now: list[datetime]) -> Any:
    with memory_store(), metering(lambda: now[0]) as found:
        yield Account(found)


def test_an_object_costs_its_request_and_once_in_a_while_the_key_of_its_bucket(account: Account, now: list[datetime]) -> None:
    put = {"Bucket": BUCKET, "Key": "a", "Body": b"x"}

    assert account.ask("s3", "put_object", **put) == {"s3_write": 1, "kms_request": 1}
    assert account.ask("s3", "get_object", Bucket=BUCKET, Key="a") == {"s3_read": 1}
    now[0] = datetime(2026, 1, 2, 0, 5, tzinfo=UTC)
    assert account.ask("s3", "get_object", Bucket=BUCKET, Key="a") == {"s3_read": 1, "kms_request": 1}


def test_a_secret_costs_its_read_and_its_decryption_each_time(account: Account) -> None:
    assert account.ask("secretsmanager", "create_secret", Name="a", SecretString="b") == {"secret_request": 1, "kms_request": 1}
    for _ in range(2):
        assert account.ask("secretsmanager", "get_secret_value", SecretId="a") == {"secret_request": 1, "kms_request": 1}


def test_a_write_whose_condition_fails_is_billed_and_changes_nothing_that_is_known(account: Account) -> None:
    item = {"pk": {"S": "a"}, "sk": {"S": "b"}, "text": {"S": "x" * 3000}}
    asked = {"TableName": "cygni", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}

    first = account.ask("dynamodb", "put_item", **asked)
    with pytest.raises(Exception, match="conditional request failed"):
        account.ask("dynamodb", "put_item", **asked)

    assert first["dynamodb_write_unit"] == 3
    assert account.found.meter.units["dynamodb_write_unit"] == 3


def test_a_function_with_less_than_a_processor_computes_longer_and_longest_when_it_begins(account: Account) -> None:
    seconds = []
    for _ in range(2):
        account.found.begin()
        with account.found.invoked(ANALYSIS):
            pass
        seconds.append(account.found.meter.units["lambda_gb_second"] * 1024 / ANALYSIS.memory)

    assert seconds[1] == pytest.approx(PACE.working * 1769 / ANALYSIS.memory)
    assert seconds[0] - seconds[1] == pytest.approx(PACE.loading * 1769 / ANALYSIS.memory)
    assert account.found.meter.units["log_byte"] > PLATFORM_LINES


def test_what_a_stage_has_is_counted_and_a_kind_that_nobody_priced_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    path = tmp_path / "dev" / "a.template.json"
    kinds = ["AWS::KMS::Key", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm", "AWS::Lambda::Function", "AWS::WAFv2::WebACL"]
    path.write_text(json.dumps({"Resources": {f"R{n}": {"Type": kind} for n, kind in enumerate(kinds)}}))

    assert standing("dev", tmp_path).units == {"kms_key_month": 1, "alarm_month": 2}
    path.write_text(json.dumps({"Resources": {"R": {"Type": "AWS::EC2::NatGateway"}}}))
    with pytest.raises(SystemExit, match="AWS::EC2::NatGateway"):
        standing("dev", tmp_path)
    with pytest.raises(SystemExit, match="make synth"):
        standing("prod", tmp_path)

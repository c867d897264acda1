"""What Cygni itself costs: every billable unit of a deploy, of API calls and of an idle month, priced from `prices.toml`.

Flows are run against the fakes with the real handlers. Counted are state transitions (each state that the definitions enter),
read and write units by the size of items, the seconds that a function would be busy (what it computes here, what it waits, and
a round trip to the table for each call), and the bytes that it would log. Builds are not in it.

usage: python -m bench.cost [--write]       # --write puts the tables into docs/cost.md
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
import tomllib
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

from bench.figures import verdict
from bench.store_calls import build
from bench.store_count import Counter, counting, read_units
from chalicelib.deployments.tasks import Ports
from chalicelib.platform.logs import bound
from chalicelib.platform.metrics import NAMESPACE
from chalicelib.platform.settings import settings
from chalicelib.projects.service import ServiceSpec
from cygni.local.cloud.lambdas import Context
from functions.catalog import API_FUNCTION, FUNCTIONS, Function
from functions.observed import observed
from tests.support.rollout import SPEC, TASKS, Stage
from tests.support.store import memory_store
from tests.support.world import Client, Fakes

PRICES = Path(__file__).with_name("prices.toml")
PAGE = Path(__file__).parent.parent / "docs" / "cost.md"
BEGIN, END = "<!-- written by bench.cost: begin -->", "<!-- written by bench.cost: end -->"
ROUND_TRIP = 0.005
"""Seconds that a call to the table takes from a function."""
STARTS = 30.0
"""Seconds that a release takes to become ready."""
PLATFORM_LINES = 320
"""Bytes that Lambda logs of each invocation: its start, its end, its report."""
ACCESS_LINE = 350
"""Bytes that API Gateway logs of each request."""
BY_NAME = {each.name: each for each in (API_FUNCTION, *FUNCTIONS)}
FUNCTION_OF = {name: f"cygni-rollout-{kebab}" for name, kebab in (
    ("Prepare", "prepare"), ("AwaitReady", "await-ready"), ("Shift", "shift"), ("Analyse", "analyse"),
    ("Promote", "promote"), ("Settle", "settle"), ("RollBack", "roll-back"),
)}  # fmt: skip
CANARY = {"steps": [{"weight": 20, "for": "5m"}, {"weight": 50, "for": "5m"}], "interval": "5s"}
IDS = {"request": "0" * 36, "correlation_id": "0" * 36, "team": "team_" + "0" * 26, "deployment": "dep_" + "0" * 26}
MONTH = 30 * 86_400
BUSY = {"cygni-reconcile": 4.0, "cygni-check-clusters": 1.0}
"""Seconds of a run with one registered cluster, where they are more than a query takes that finds nothing."""
AIMS = {"deploy": 2.0, "calls": 5.0, "idle": 5.0}
"""Dollars: of 1,000 deploys, of a million calls, of an idle month without the web ACL."""


@dataclass
class Meter:
    """Billable units by their names in `prices.toml`."""

    units: Tally[str] = field(default_factory=Tally)

    def add(self, unit: str, amount: float) -> None:
        self.units[unit] += amount  # type: ignore[assignment]

    @contextmanager
    def invoked(self, function: Function, clock: Callable[[], datetime], counter: Counter, log: io.StringIO) -> Iterator[None]:
        """One invocation: what passes on the fake clock is waiting, the processor's time is computing."""
        waited, computed, calls, logged = clock(), time.process_time(), len(counter.calls), log.tell()
        context = Context(function, "arn", "0" * 36)
        with redirect_stdout(log), bound(**IDS, function_name=function.name):  # ids as long as those of AWS
            yield
            if function is not API_FUNCTION:
                observed(lambda _event, _context: None)(dict(IDS), context)
        busy = (clock() - waited).total_seconds() + time.process_time() - computed + ROUND_TRIP * (len(counter.calls) - calls)
        self.add("lambda_gb_second", busy * function.memory / 1024)
        self.add("lambda_request", 1)
        self.add("log_byte", log.tell() - logged + PLATFORM_LINES)

    def costs(self, prices: dict[str, float]) -> dict[str, float]:
        """Dollars by unit."""
        return {unit: amount * prices[unit] for unit, amount in self.units.items()}


class OnAws(Stage):
    """A stage whose tasks have the slices of time that they have on AWS."""

    def ports(self) -> Ports:
        """With the settings' own slices."""
        return replace(super().ports(), settings=self.fakes.settings)


@contextmanager
def metered() -> Iterator[tuple[OnAws, Counter, Meter, io.StringIO]]:
    """The API on an empty store, with everything counted that is read, written and logged."""
    log, meter = io.StringIO(), Meter()
    os.environ["CYGNI_METRICS_NAMESPACE"] = NAMESPACE
    settings.cache_clear()
    original = BaseClient._make_api_call

    def read(client: Any, name: str, asked: dict[str, Any]) -> Any:
        answer = original(client, name, asked)
        meter.add("dynamodb_read_unit", read_units(name, asked, answer))
        return answer

    BaseClient._make_api_call = read
    try:
        with memory_store(), counting() as counter:
            fakes = Fakes()
            yield OnAws(Client(fakes), fakes), counter, meter, log
    finally:
        BaseClient._make_api_call = original
        del os.environ["CYGNI_METRICS_NAMESPACE"]
        settings.cache_clear()


def deploy() -> Meter:
    """A canary of two steps of five minutes beside a live release, its build apart."""
    with metered() as (stage, counter, meter, log):
        stage.api.post("/v1/projects", {"name": "hello"})
        stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        stage.deploy()
        source = stage.source()
        meter.units.clear()
        counter.clear()
        clock = stage.fakes.clock

        def invoked(name: str) -> Any:
            return meter.invoked(BY_NAME[name], clock, counter, log)

        with invoked("cygni-api"):
            made = stage.api.post(f"{stage.path}/deployments", {"source": source}).json["id"]
        with invoked("cygni-deploy-begin"):
            stage.begin(made)
        before = dict(meter.units), counter.units
        build(stage, made, source)
        meter.units, counter.units = Tally(before[0]), before[1]
        spec = {**SPEC.model_dump(mode="json", by_alias=True), "rollout": CANARY}
        stage.built(made, ServiceSpec.model_validate(spec), digit="b")
        states = _rollout(stage, made, meter, invoked)
        with invoked("cygni-deploy-finish"):
            stage.finish(made)
        ended = stage.read(made)
        if ended["state"] != "promoted":
            raise SystemExit(f"the deployment is {ended['state']}: {ended['outcome']}")
        meter.add("api_request", 1)
        meter.add("dynamodb_write_unit", counter.units)
        meter.add("state_transition", states + 7)  # Begin, its choice, Build, Rollout, Finish, its choice, Promoted
        return meter


def _rollout(stage: OnAws, made: str, meter: Meter, invoked: Callable[[str], Any]) -> int:
    """Runs the tasks; the states that were entered: each task, the choice behind it, and the end."""
    task, entered = "Prepare", 0
    while task != "Done":
        with invoked(FUNCTION_OF[task]):
            if task == "AwaitReady":  # which looks at the record every second until then
                stage.fakes.clock.sleep(STARTS)
                meter.add("dynamodb_read_unit", STARTS)
                stage.make_ready()
            task = TASKS[task](stage.event(made), stage.ports())["next"]
        entered += 2
    return entered + 1


def calls(times: int = 200) -> Meter:
    """One call of the API: the mean of reading a service, a deployment and its timeline, as whoever follows one does."""
    with metered() as (stage, counter, meter, log):
        stage.api.post("/v1/projects", {"name": "hello"})
        stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        made = stage.deploy()["id"]
        paths = [stage.path, f"{stage.path}/deployments/{made}", f"{stage.path}/deployments/{made}/timeline"]
        for path in paths:
            stage.api.get(path)
        meter.units.clear()
        for number in range(times):
            with meter.invoked(API_FUNCTION, stage.fakes.clock, counter, log):
                stage.api.get(paths[number % len(paths)])
            meter.add("api_request", 1)
            meter.add("log_byte", ACCESS_LINE)
        return Meter(Tally({unit: amount / times for unit, amount in meter.units.items()}))  # type: ignore[arg-type]


def idle() -> Meter:
    """A month in which nobody deploys, with one registered cluster: schedules, the key, secrets, alarms."""
    meter = Meter()
    for function in FUNCTIONS:
        if function.schedule is None:
            continue
        times = MONTH / every(function.schedule)
        meter.add("lambda_request", times)
        meter.add("scheduler_invocation", times)
        meter.add("lambda_gb_second", times * BUSY.get(function.name, 0.05) * function.memory / 1024)
        meter.add("dynamodb_read_unit", times)
        meter.add("log_byte", times * PLATFORM_LINES)
    for unit, count in standing().items():
        meter.add(unit, count)
    meter.add("secret_month", 1)  # the cluster's credential
    return meter


def every(schedule: str) -> float:
    """Seconds between two runs at `rate(5 minutes)`."""
    number, unit = schedule.removeprefix("rate(").rstrip(")").split()
    return int(number) * {"minute": 60, "hour": 3600, "day": 86_400}[unit.rstrip("s")]


def standing() -> dict[str, int]:
    """What is billed by the month though nobody uses it, as the synthesized templates of dev have it."""
    folder = PAGE.parents[1] / "build" / "cdk" / "dev"
    kinds = Tally(
        each["Type"]
        for path in folder.glob("*.template.json")
        for each in json.loads(path.read_text()).get("Resources", {}).values()
    )
    if not kinds:
        raise SystemExit(f"{folder} has no templates: run `make synth` first.")
    names = {
        "kms_key_month": "AWS::KMS::Key",
        "secret_month": "AWS::SecretsManager::Secret",
        "alarm_month": "AWS::CloudWatch::Alarm",
    }
    return {unit: kinds[name] for unit, name in names.items()}


def table(meter: Meter, prices: dict[str, float], times: int) -> str:
    """Units and dollars, the dearest first."""
    lines = ["| unit | count | dollars |", "| --- | ---: | ---: |"]
    for unit, cost in sorted(meter.costs(prices).items(), key=lambda each: -each[1]):
        lines.append(f"| {unit.replace('_', ' ')} | {meter.units[unit] * times:,.0f} | {cost * times:.2f} |")
    return "\n".join([*lines, f"| **all** | | **{sum(meter.costs(prices).values()) * times:.2f}** |"])


def page(found: dict[str, tuple[Meter, int, str]], dated: dict[str, Any]) -> str:
    """The part of docs/cost.md that is written by this."""
    parts = [f"Prices of {dated['region']}, {dated['date']}, without free tiers (`bench/prices.toml`)."]
    for name, (meter, times, title) in found.items():
        total = sum(meter.costs(dated["prices"]).values()) * times
        met = "met" if total <= AIMS[name] else "**missed**"
        parts += [f"### {title}", table(meter, dated["prices"], times), f"Aim: at most ${AIMS[name]:.2f}; {met}."]
    return "\n\n".join(parts)


def main() -> None:
    """Prints the tables and the aims; with --write, into the page too."""
    logging.disable(logging.NOTSET)
    dated = tomllib.loads(PRICES.read_text())
    found = {
        "deploy": (deploy(), 1000, "1,000 deploys with a canary of ten minutes, builds apart"),
        "calls": (calls(), 1_000_000, "A million calls of the API"),
        "idle": (idle(), 1, "A month in which nobody deploys, with one registered cluster, without the web ACL"),
    }
    text = page(found, dated)
    print(text)
    for name, (meter, times, title) in found.items():
        print(verdict(f"dollars of {title}", sum(meter.costs(dated["prices"]).values()) * times, AIMS[name]))
    if "--write" in sys.argv:
        head, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()

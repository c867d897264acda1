"""What AWS bills of a flow: units are counted from the calls that botocore sends meanwhile, each by the function that made it.

1. Only what happens while a function runs is counted; what a bench prepares is not.
2. A call of a service that nobody here has met raises KeyError: it needs its line, and its price.
3. Seconds are stated (`Pace`), never measured: so that the page is the same wherever it is written. The bench says beside them
   what this machine took.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from bench.store_count import Counter
from chalicelib.platform.logs import bound
from cygni.local.cloud.lambdas import Context
from functions.catalog import API_FUNCTION, Function
from functions.observed import observed

_TAKEN = re.compile(r'"ms": ?\d+')
"""What a line says of how long something took, which differs from machine to machine."""
Prices = Mapping[str, float]
WHOLE = 1769
"""MB of memory with which a function has one whole processor; with less it has that much less of one."""
KEY_WINDOW = 300
"""Seconds for which DynamoDB and S3 keep the key of a table or a bucket for one caller, before they ask KMS for it again."""
PLATFORM_LINES = 340
"""Bytes that Lambda logs of each invocation: its start and its report, in JSON."""
ACCESS_LINE = 350
"""Bytes that API Gateway logs of each request."""
IDS = {"request": "0" * 36, "correlation_id": "0" * 36, "team": "team_" + "0" * 26, "deployment": "dep_" + "0" * 26}


@dataclass(frozen=True, slots=True)
class Pace:
    """Stated seconds. `aws` and `cluster` are what a call waits for its answer; the others are of one whole processor."""

    aws: float = 0.005
    cluster: float = 0.02
    serving: float = 0.006
    working: float = 0.03
    loading: float = 0.8
    watching: float = 1.75
    starting: float = 30.0
    building: float = 120.0


SENTENCES = {
    "aws": "a call of AWS waits",
    "cluster": "a call of a cluster waits",
    "serving": "a request computes",
    "working": "any other invocation computes",
    "loading": "a function that begins cold computes before that",
    "watching": "looks at what changed in a cluster wait for their bookmarks, all side by side",
    "starting": "a release takes to become ready",
    "building": "an image takes to be built",
}
PACE = Pace()


@dataclass
class Meter:
    """Billable units by their names in `prices.toml`."""

    units: Tally[str] = field(default_factory=Tally)

    def add(self, unit: str, amount: float) -> None:
        """Counts so much more of a unit."""
        self.units[unit] += amount  # type: ignore[assignment]

    def times(self, number: float) -> Meter:
        """The same so many times."""
        return Meter(Tally({unit: amount * number for unit, amount in self.units.items()}))  # type: ignore[arg-type]

    def with_(self, other: Meter) -> Meter:
        """Both."""
        return Meter(self.units + other.units)

    def costs(self, prices: Prices) -> dict[str, float]:
        """Dollars by unit."""
        return {unit: amount * prices[unit] for unit, amount in self.units.items()}

    def dollars(self, prices: Prices) -> float:
        """Dollars of all."""
        return sum(self.costs(prices).values())


@dataclass
class Metering:
    """Counts into `meter` what the function that runs asks for. `clock` is that of the flow, which says what is waited."""

    clock: Callable[[], datetime]
    meter: Meter = field(default_factory=Meter)
    counter: Counter = field(default_factory=Counter)
    log: io.StringIO = field(default_factory=io.StringIO)
    told: set[tuple[str, ...]] = field(default_factory=set)
    """Metrics that were told, with their dimensions: each is billed by the hours in which it is."""
    calls: int = 0
    asked: Callable[[], int] = lambda: 0
    """Calls of the cluster until now."""
    computed: Tally[str] = field(default_factory=Tally)
    """Seconds of a processor that each function took on this machine: beside what is stated."""
    _caller: str = ""
    _warm: set[str] = field(default_factory=set)
    _keys: set[tuple[str, str, int]] = field(default_factory=set)

    def begin(self) -> None:
        """A new account of units; processes stay as warm as they are."""
        self.meter = Meter()
        self.told.clear()

    @contextmanager
    def invoked(self, function: Function, *, waits: float = 0.0) -> Iterator[None]:
        """One invocation, which also waits for so many seconds that no clock here shows."""
        began, calls, asked, logged, used = self.clock(), self.calls, self.asked(), self.log.tell(), time.process_time()
        with redirect_stdout(self.log), bound(**IDS, function_name=function.name):  # ids as long as those of AWS
            self._caller = function.name
            try:
                yield
            finally:
                self._caller = ""
            if function is not API_FUNCTION:
                observed(lambda _event, _context: None)(dict(IDS), Context(function, "arn", "0" * 36))
        self.computed[function.name] += time.process_time() - used  # type: ignore[assignment]
        answers = PACE.aws * (self.calls - calls) + PACE.cluster * (self.asked() - asked)
        waited = max((self.clock() - began).total_seconds(), answers) + waits  # who watches asks in the time that it watches
        computes = PACE.serving if function is API_FUNCTION else PACE.working
        computes += 0 if function.name in self._warm else PACE.loading
        self._warm.add(function.name)
        self.meter.add("lambda_gb_second", (waited + computes * max(1.0, WHOLE / function.memory)) * function.memory / 1024)
        self.meter.add("lambda_request", 1)
        told = _TAKEN.sub('"ms":100', self.log.getvalue()[logged:])
        self.meter.add("log_byte", len(told) + PLATFORM_LINES)
        self._hear_metrics(told)

    def heard(self, service: str, operation: str, asked: dict[str, Any], answer: dict[str, Any] | None) -> None:
        """Counts one call; without an answer it was refused, which a condition that failed is billed for."""
        if not self._caller:
            if service == "dynamodb" and answer is not None and operation != "DescribeTable":
                self.counter.call(operation, asked, answer)  # what is stored decides what later writes cost
            return
        self.calls += 1
        for unit, amount in _SERVICES[service](Call(self, operation, asked, answer)).items():
            if amount:
                self.meter.add(unit, amount)

    def fetches_key(self, holder: str) -> bool:
        """Whether KMS is asked for the key of a table or a bucket: not, if this caller has had it a while ago."""
        one = (self._caller, holder, int(self.clock().timestamp()) // KEY_WINDOW)
        fetches = one not in self._keys
        self._keys.add(one)
        return fetches

    def forget_keys(self) -> None:
        """As after such a while."""
        self._keys.clear()

    def _hear_metrics(self, told: str) -> None:
        for line in told.splitlines():
            said = json.loads(line)
            for directive in said.get("_aws", {}).get("CloudWatchMetrics", ()):
                for each in directive["Metrics"]:
                    names = directive["Dimensions"][0]
                    self.told.add((each["Name"], *(str(said[name]) for name in names)))


Units = dict[str, float]


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it is billed; without an answer it was refused."""

    metering: Metering
    operation: str
    asked: dict[str, Any]
    answer: dict[str, Any] | None


def _dynamodb(call: Call) -> Units:
    if call.operation == "DescribeTable":
        return {}
    counter = call.metering.counter
    if call.answer is None:
        counter = Counter(stored=dict(counter.stored))  # what was refused is stored nowhere
    before = len(counter.touches)
    counter.call(call.operation, call.asked, call.answer)
    touches = counter.touches[before:]
    tables = {each.table.partition("/")[0] for each in touches}
    return {
        "dynamodb_read_unit": sum(each.read for each in touches),
        "dynamodb_write_unit": sum(each.written for each in touches),
        "kms_request": sum(call.metering.fetches_key(each) for each in sorted(tables)),
    }


def _s3(call: Call) -> Units:
    kinds = {"PutObject": "s3_write", "ListObjectsV2": "s3_write", "GetObject": "s3_read", "HeadObject": "s3_read"}
    found: Units = {} if call.operation == "DeleteObject" else {kinds[call.operation]: 1}
    return found | {"kms_request": call.metering.fetches_key(f"bucket {call.asked['Bucket']}")}


def _secrets(call: Call) -> Units:
    return {"secret_request": 1, "kms_request": call.operation in {"GetSecretValue", "PutSecretValue", "CreateSecret"}}


def _events(call: Call) -> Units:
    return {"event": len(call.asked["Entries"])}


def _free(_: Call) -> Units:
    """Nothing by the call: executions pay by their states, functions by their invocations, builds by the minute."""
    return {}


_SERVICES: dict[str, Callable[[Call], Units]] = {
    "dynamodb": _dynamodb,
    "s3": _s3,
    "secretsmanager": _secrets,
    "events": _events,
    "stepfunctions": _free,
    "lambda": _free,
    "codebuild": _free,
    "sts": _free,
}


@contextmanager
def metering(clock: Callable[[], datetime]) -> Iterator[Metering]:
    """Hears every call of every client of this process."""
    found, original = Metering(clock), BaseClient._make_api_call

    def make(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        service = client.meta.service_model.service_name
        try:
            answer = original(client, operation, asked)
        except ClientError:
            found.heard(service, operation, asked, None)
            raise
        found.heard(service, operation, asked, answer)
        return answer

    BaseClient._make_api_call = make
    try:
        yield found
    finally:
        BaseClient._make_api_call = original

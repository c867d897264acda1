"""The API's ports as fakes that keep what was asked of them, and a client that speaks to the app as API Gateway does."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from chalicelib.api.application import create_app
from chalicelib.api.world import World
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.providers import Providers, Web
from chalicelib.identity.rotation import rotate
from chalicelib.identity.service import Authenticator, Grant, Kind, Principal
from chalicelib.platform.duty import Duty
from chalicelib.platform.errors import MetricsUnavailable, RateLimited
from chalicelib.platform.ids import encode
from chalicelib.platform.settings import Settings
from chalicelib.platform.storage import Storage
from chalicelib.platform.traffic import Reading
from chalicelib.platform.webhooks import Answer
from tests.fakes.secrets import FakeSecrets

KEY = "cyg_test-key"
TEAM = "team_01J00000000000000000000000"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is moved; `sleep` moves it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Ids:
    """Ids that count up."""

    count: int = 0

    def __call__(self, prefix: str, now: datetime) -> str:
        self.count += 1
        return f"{prefix}_{encode(int(now.timestamp() * 1000), self.count)}"


@dataclass
class FakeWorkflows:
    """Keeps started executions by name, and answers given to tokens."""

    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)

    def start(self, machine: str, name: str, value: Mapping[str, Any]) -> bool:
        if name in self.started:
            return False
        self.started[name] = {"machine": machine, **value}
        self.statuses[name] = "RUNNING"
        return True

    def status(self, machine: str, name: str) -> str | None:
        return self.statuses.get(name)

    def running(self, machine: str) -> Iterator[str]:
        yield from [name for name, status in self.statuses.items() if status == "RUNNING"]

    def succeed(self, token: str, value: Mapping[str, Any]) -> None:
        self.answers.append((token, "succeeded"))

    def fail(self, token: str, error: str, cause: str) -> None:
        self.answers.append((token, error))


@dataclass
class FakeFunctions:
    """Keeps calls to other functions; `answers` gives what a call returns."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, event: Mapping[str, Any]) -> Any:
        self.calls.append((name, dict(event)))
        return self.answers[name]

    def send(self, name: str, event: Mapping[str, Any]) -> None:
        self.calls.append((name, dict(event)))


@dataclass
class FakeBus:
    """Keeps what was published."""

    published: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def publish(self, kind: str, detail: Mapping[str, Any], at: datetime) -> None:
        self.published.append((kind, dict(detail)))


@dataclass
class FakeBuilders:
    """Keeps builds that were started and stopped."""

    started: dict[str, dict[str, str]] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def start(self, token: str, variables: Mapping[str, str], *, buildspec: str, timeout: int) -> str:
        self.started[token] = dict(variables)
        return f"cygni-build:{token}"

    def stop(self, build_id: str) -> None:
        self.stopped.append(build_id)

    def log(self, build_id: str, token: str | None) -> tuple[list[str], str | None]:
        start = int(token or 0)
        return self.lines[start:], str(len(self.lines))


@dataclass
class FakeMetrics:
    """Readings by backend name, as a gateway would have counted them; one that is not `timed` knows no latency."""

    timed: bool = True
    readings: dict[str, Reading] = field(default_factory=dict)
    values: dict[str, float | None] = field(default_factory=dict)

    def value(self, expression: str) -> float | None:
        if expression not in self.values:
            raise MetricsUnavailable(f"Nobody knows {expression}.")
        return self.values[expression]

    def read(self, namespace: str, backends: Sequence[str]) -> Mapping[str, Reading]:
        return {name: self.readings[name] for name in backends if name in self.readings}

    def serve(self, backend: str, requests: int, *, errors: int = 0, slow: int = 0) -> None:
        """Counts requests on a backend: `slow` of them took 0.9 s, the others 10 ms."""
        before = self.readings.get(backend, Reading(0, 0, ()))
        quick, whole = (before.buckets[0][1] if before.buckets else 0) + requests - slow, before.requests + requests
        buckets = ((0.01, quick), (0.5, quick), (1.0, whole), (float("inf"), whole))
        self.readings[backend] = Reading(whole, before.errors + errors, buckets if self.timed else ())


@dataclass
class FakeLimits:
    """Counts requests by caller; refuses a caller that is in `over`."""

    counts: dict[str, int] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)

    def admit(self, caller: str, now: datetime, *, per_minute: int | None = None) -> None:
        self.counts[caller] = self.counts.get(caller, 0) + 1
        if caller in self.over:
            raise RateLimited("More than 1 requests came within a minute.", retry_after=30)


@dataclass
class FakeWebhooks:
    """Answers by address, and keeps what was asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def ask(self, url: str, question: Mapping[str, Any]) -> Answer:
        self.asked.append((url, dict(question)))
        return self.answers.get(url, Answer(None, "Nobody is there."))


@dataclass
class Fakes:
    """Everything a test may look at or set."""

    clock: Clock = field(default_factory=Clock)
    ids: Ids = field(default_factory=Ids)
    workflows: FakeWorkflows = field(default_factory=FakeWorkflows)
    functions: FakeFunctions = field(default_factory=FakeFunctions)
    bus: FakeBus = field(default_factory=FakeBus)
    builders: FakeBuilders = field(default_factory=FakeBuilders)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    limits: FakeLimits = field(default_factory=FakeLimits)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    web: Web = field(default_factory=Web)
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    duty: Duty = field(default_factory=lambda: Duty(Settings()))
    settings: Settings = field(
        default_factory=lambda: Settings(
            admin_key_sha256=hashlib.sha256(KEY.encode()).hexdigest(), admin_team=TEAM, apps_port=8080, apps_scheme="http"
        )
    )

    @cached_property
    def keys(self) -> LiveKeys:
        """The keys that sign access tokens; the first is made when it is needed."""
        name = self.settings.signing_secret

        def read() -> str | None:
            if name not in self.secrets.values and not self.secrets.away:
                rotate(self.secrets, name, self.clock.now)
            return self.secrets.read(name)

        return LiveKeys(read, self.clock)

    @cached_property
    def providers(self) -> Providers:
        """The providers that people sign in with, as the fake secrets hold them."""
        return Providers(lambda: self.secrets.read(self.settings.sign_in_secret), self.web, self.clock)

    def world(self, grant: Grant | None = None) -> World:
        """The ports as the API takes them; with a `grant`, whoever holds the key has that in place of the Owner's."""
        known = Authenticator(self.settings, self.keys)

        def authenticate(authorization: str | None, now: datetime) -> Principal:
            who = known(authorization, now)
            return who if grant is None else replace(who, kind=Kind.USER, subject="usr_tester", grant=grant)

        return World(
            settings=self.settings,
            clock=self.clock,
            make_id=self.ids,
            storage=Storage("cygni"),
            workflows=self.workflows,  # type: ignore[arg-type]
            functions=self.functions,  # type: ignore[arg-type]
            builders=self.builders,  # type: ignore[arg-type]
            metrics=self.metrics,
            authenticate=authenticate,
            limits=self.limits,
            keys=self.keys,
            providers=self.providers,
            secrets=self.secrets,
            duty=self.duty,
        )


@dataclass
class Reply:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Client:
    """Calls the app with API Gateway's REST proxy event."""

    def __init__(self, fakes: Fakes, key: str | None = KEY, *, grant: Grant | None = None) -> None:
        self.fakes, self.key = fakes, key
        self.app = create_app(fakes.world if grant is None else lambda: fakes.world(grant))
        self.patterns = [
            (re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$"), path) for path in self.app.routes
        ]

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: str | None = None,
    ) -> Reply:
        resource, values = self._route(path)
        sent = {"content-type": "application/json", **(headers or {})}
        if self.key is not None:
            sent.setdefault("authorization", f"Bearer {self.key}")
        event = {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "pathParameters": values or None,
            "multiValueQueryStringParameters": (
                {name: [value] if isinstance(value, str) else list(value) for name, value in query.items()} if query else None
            ),
            "requestContext": {
                "httpMethod": method,
                "resourcePath": resource,
                "requestId": "req-1",
                "identity": {"sourceIp": "127.0.0.1"},
            },
            "body": raw if raw is not None else (json.dumps(body) if body is not None else None),
            "isBase64Encoded": False,
            "stageVariables": None,
        }
        answer = self.app(event, None)
        flat = {name.lower(): value for name, value in answer["headers"].items()}
        many = {name.lower(): ", ".join(values) for name, values in answer.get("multiValueHeaders", {}).items()}
        return Reply(answer["statusCode"], many | flat, answer["body"])

    def get(self, path: str, **more: Any) -> Reply:
        return self("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Reply:
        return self("POST", path, body, **more)

    def _route(self, path: str) -> tuple[str, dict[str, str]]:
        for pattern, resource in sorted(self.patterns, key=lambda each: each[1].count("{")):
            match = pattern.match(path)
            if match:
                return resource, match.groupdict()
        raise AssertionError(f"no route for {path}")

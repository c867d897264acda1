"""Services that sleep when nobody asks for them, and the request that wakes them."""

from __future__ import annotations

import asyncio
import json

import pytest

from cygni.local.gateway.exchange import Limits
from cygni.local.gateway.objects import read_service
from cygni.local.gateway.sleep import Sleepers
from cygni.local.gateway.table import Backend, Table
from tests.cygni.local.gateway.builders import Thing, pod, route, rule, service, table
from tests.cygni.local.gateway.world import App, in_loop, until, world


class Recorder:
    """A scaler that keeps what it was asked, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.failures = failures

    def wake(self, namespace: str, name: str) -> None:
        self.asked.append(("wake", namespace, name))
        if self.failures:
            self.failures -= 1
            raise OSError("the API server is away")

    def sleep(self, namespace: str, name: str) -> None:
        self.asked.append(("sleep", namespace, name))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


WAKE = ("wake", "shop", "web-r1")


# the request that wakes


@in_loop
async def test_the_first_requests_are_held_wake_the_service_once_and_are_answered_by_it() -> None:
    app, scaler = App(), Recorder()
    async with world(app, scaler=scaler) as here:
        here.put("Service", service(idle="300"))
        here.gateway.inventory.remove("Pod", pod("pod-web-r1"))
        here.put("Pod")
        asked = [asyncio.create_task(here.ask("POST", "/", b"body")) for _ in range(3)]
        await until(lambda: scaler.asked == [WAKE])
        assert not any(each.done() for each in asked)

        here.put("Pod", pod("pod-new", app="web-r1", port=app.port))
        replies = [await each for each in asked]

    assert [each.status for each in replies] == [200, 200, 200]
    assert [each.body for each in app.requests] == [b"body"] * 3
    assert scaler.asked == [WAKE]


@in_loop
async def test_a_request_is_held_no_longer_than_it_may_be_and_told_so() -> None:
    scaler = Recorder()
    async with world(App(), limits=Limits(drain=0.2, wake=0.05), scaler=scaler) as here:
        here.put("Service", service(idle="300"))
        here.gateway.inventory.remove("Pod", pod("pod-web-r1"))
        here.put("Pod")
        reply = await here.ask()

    assert reply.status == 503
    assert "no ready pods" in json.loads(reply.body)["detail"]
    assert scaler.asked == [WAKE]


@in_loop
async def test_a_held_request_ends_when_its_service_is_gone() -> None:
    scaler = Recorder()
    async with world(App(), scaler=scaler) as here:
        here.put("Service", service(idle="300"))
        here.gateway.inventory.remove("Pod", pod("pod-web-r1"))
        here.put("Pod")
        asked = asyncio.create_task(here.ask())
        await until(lambda: scaler.asked == [WAKE])
        here.gateway.inventory.remove("Service", service())
        here.put("Pod")
        reply = await asked

    assert reply.status == 503


@in_loop
async def test_a_service_that_does_not_sleep_is_not_waited_for() -> None:
    scaler = Recorder()
    async with world(App(), scaler=scaler) as here:
        here.gateway.inventory.remove("Pod", pod("pod-web-r1"))
        here.put("Pod")
        reply = await here.ask()

    assert (reply.status, scaler.asked) == (503, [])


# who is put to sleep


def sleepers(found: Table) -> tuple[Sleepers, Clock, Backend]:
    """Who sleeps in a table, its clock, and the backend web-r1."""
    clock = Clock()
    made = Sleepers(Recorder(), 60.0, clock)
    made.table_replaced(found)
    return made, clock, next(each for key, each in found.backends().items() if key.backend == "web-r1")


def one(*pods: Thing, weights: dict[str, int] | None = None, idle: str = "300") -> Table:
    services = [service(name, idle=idle) for name in (weights or {"web-r1": 100})]
    found = [*pods] or [pod(name, app=name) for name in (weights or {"web-r1": 100})]
    return table(route(rule(weights)), services=services, pods=found)


@in_loop
async def test_a_cluster_that_is_away_is_asked_again() -> None:
    scaler, asleep = Recorder(failures=1), one(pod(ready=False))
    who = Sleepers(scaler, 60.0, asyncio.get_running_loop().time, again=0.01)
    who.table_replaced(asleep)
    waking = asyncio.create_task(who.wake(next(iter(asleep.backends().values()))))
    await until(lambda: len(scaler.asked) >= 2)
    who.table_replaced(one())
    awake = await waking

    assert awake is not None
    assert awake.endpoints


@in_loop
async def test_a_service_sleeps_once_it_was_idle_for_as_long_as_it_says() -> None:
    who, clock, backend = sleepers(one())
    who.began(backend)
    clock.now += 1000
    assert who.due() == []

    who.ended(backend)
    clock.now += 299
    assert who.due() == []
    clock.now += 1
    assert who.due() == [("shop", "web-r1")]


@in_loop
async def test_a_pod_that_comes_up_has_the_whole_of_its_time() -> None:
    who, clock, _ = sleepers(one(pod(ready=False)))
    clock.now += 1000
    who.table_replaced(one())

    assert who.due() == []
    clock.now += 300
    assert who.due() == [("shop", "web-r1")]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (one(weights={"web-r1": 90, "web-r2": 10}), "a rollout is under way"),
        (one(pod(ready=False)), "it sleeps already"),
        (one(idle="0"), "it never sleeps"),
        (one(idle="soon"), "it does not say when"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
@in_loop
async def test_a_service_stays_as_it_is(found: Table, why: str) -> None:
    who, clock, _ = sleepers(found)
    clock.now += 10_000

    assert who.due() == [], why


@in_loop
async def test_a_release_that_is_kept_without_traffic_beside_it_keeps_nobody_awake() -> None:
    who, clock, _ = sleepers(one(weights={"web-r1": 100, "web-r2": 0}))
    clock.now += 300

    assert who.due() == [("shop", "web-r1")]


@in_loop
async def test_who_is_due_is_put_to_sleep_and_left_alone_for_as_long_again() -> None:
    scaler, clock = Recorder(), Clock()
    who = Sleepers(scaler, 60.0, clock)
    who.table_replaced(one())
    clock.now += 300
    tending = asyncio.create_task(who.tend(0.001))
    await until(lambda: scaler.asked == [("sleep", "shop", "web-r1")])
    await asyncio.sleep(0.02)
    tending.cancel()

    assert scaler.asked == [("sleep", "shop", "web-r1")]


def test_what_a_service_says_is_read() -> None:
    assert read_service(service(idle="30")).idle == 30.0
    assert read_service(service()).idle == 0.0

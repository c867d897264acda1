from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientSession

from cygni.local.gateway.exchange import Limits
from cygni.local.gateway.inventory import READERS
from cygni.local.gateway.server import Gateway, Options
from tests.cygni.local.gateway.builders import gateway, listener, pod, route, rule
from tests.cygni.local.gateway.world import App, Request, Wire, World, hello, in_loop, until, world


async def page(running: Gateway, path: str) -> tuple[int, str, str]:
    """Status, content type and body of an admin page."""
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{running.admin_port}{path}") as reply:
        return reply.status, reply.headers["Content-Type"], await reply.text()


async def routes(here: World) -> Any:
    return json.loads((await page(here.gateway, "/routes"))[2])


@in_loop
async def test_the_metrics_page_is_prometheus_text() -> None:
    async with world(App()) as here:
        await here.ask()
        status, kind, text = await page(here.gateway, "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'cygni_gateway_requests_total{backend="web-r1",code="2xx",namespace="shop",route="web"} 1.0' in text


@in_loop
async def test_it_is_ready_when_every_kind_was_listed() -> None:
    running = Gateway(Options(port=0))
    await running.start()
    for kind in READERS:
        assert (await page(running, "/readyz"))[0] == 503
        running.inventory.replace(kind, [])
    await until(running.ready)
    assert (await page(running, "/readyz"))[0] == 200
    assert (await page(running, "/healthz"))[0] == 200
    await running.stop()


@in_loop
async def test_before_the_first_table_requests_are_told_to_come_back() -> None:
    running = Gateway(Options(port=0))
    await running.start()
    here = World(running)
    reply = await here.ask()
    assert (reply.status, b"does not know the routes yet" in reply.body) == (503, True)
    await running.stop()


@in_loop
async def test_routes_tell_where_requests_go() -> None:
    async with world(App()) as here:
        (shown,) = (await routes(here))["hosts"]["shop.localhost"]
        port = here.gateway.proxy.table.endpoints()
    assert shown["route"] == "shop/web"
    assert shown["backends"][0]["service"] == "web-r1"
    assert shown["backends"][0]["endpoints"] == [f"127.0.0.1:{each.port}" for each in port]


@in_loop
async def test_routes_tell_what_cannot_be_served_and_what_cannot_be_read() -> None:
    async with world(App()) as here:
        broken = pod("broken")
        broken["metadata"]["annotations"] = {"cygni.dev/host-ports": "{"}
        here.put("Pod", broken)
        here.put("HTTPRoute", route(rule(filters=[{"type": "URLRewrite"}])))
        shown = await routes(here)
    assert shown["problems"] == ["shop/web: filter URLRewrite is not supported"]
    assert list(shown["unreadable"]) == ["Pod shop/broken"]


@in_loop
async def test_a_gateways_listeners_bound_what_is_served() -> None:
    async with world(App()) as here:
        here.put("Gateway", gateway(listener(hostname="*.localhost")))
        assert (await here.ask()).status == 200
        here.put("Gateway", gateway(listener(hostname="*.example.com")))
        assert (await here.ask()).status == 404


@in_loop
async def test_at_the_end_requests_in_flight_are_answered_and_no_new_connection_is_taken() -> None:
    gate = asyncio.Event()

    async def wait(wire: Wire, request: Request) -> None:
        await gate.wait()
        await hello(wire, request)

    app = App(wait)
    async with world(app, limits=Limits(drain=60)) as here:
        client, idle = await here.client(), await here.client()
        client.send()
        await until(lambda: app.requests)
        ending = asyncio.ensure_future(here.gateway.stop())
        assert await idle.reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await here.client()
        gate.set()
        assert (await client.receive()).body == b"hello"
        await ending


@in_loop
async def test_the_end_does_not_wait_for_ever() -> None:
    async def silence(wire: Wire, request: Request) -> None:
        await wire.reader.read()

    app = App(silence)
    async with world(app, limits=Limits(drain=0.1)) as here:
        client = await here.client()
        client.send()
        await until(lambda: app.requests)
        await asyncio.wait_for(here.gateway.stop(), 30)
        assert await client.reader.read() == b""


@in_loop
async def test_objects_may_be_told_from_another_thread() -> None:
    async with world(App()) as here:
        sink = here.gateway.sink()
        await asyncio.to_thread(sink.put, "Pod", pod("pod-web-r1", ready=False))
        await until(lambda: not here.gateway.proxy.table.endpoints())
        await asyncio.to_thread(sink.remove, "HTTPRoute", route())
        await until(lambda: not here.gateway.proxy.table.hosts)
        await asyncio.to_thread(sink.replace, "HTTPRoute", [route()])
        await until(lambda: here.gateway.proxy.table.hosts)

"""A gateway on loopback, apps that answer as a test says, and a client that sees every byte."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec

from prometheus_client.parser import text_string_to_metric_families

from cygni.local.gateway.exchange import Limits
from cygni.local.gateway.server import Gateway, Options
from cygni.local.gateway.sleep import Scaler
from tests.cygni.local.gateway.builders import Thing, pod, route, rule, service
from tests.support import patience

P = ParamSpec("P")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs a test in an event loop of its own, whose clock does not count the time in which the machine was busy."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        patience.run(test(*args, **kwargs))

    return run


async def until(holds: Callable[[], object]) -> None:
    """Waits until `holds` does, for up to thirty seconds."""
    deadline = asyncio.get_running_loop().time() + 30
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not come about in time"
        await asyncio.sleep(0.005)


@dataclass
class Request:
    """What an app got."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Wire:
    """An app's side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def close(self) -> None:
        self.writer.close()


Answer = Callable[[Wire, Request], Awaitable[None]]


async def hello(wire: Wire, request: Request) -> None:
    """Answers 200 `hello`."""
    await wire.send(OK)


@dataclass
class App:
    """A pod's process: answers each request as `answer` says and remembers it. `read_body` off leaves bodies to `answer`."""

    answer: Answer = hello
    read_body: bool = True
    requests: list[Request] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    port: int = 0
    ended: int = 0

    async def __aenter__(self) -> App:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for wire in self.wires:
            wire.writer.transport.abort()
        await until(lambda: self.ended == len(self.wires))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, len(self.wires))
        self.wires.append(wire)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError):
            while True:
                request = await self._read(wire)
                self.requests.append(request)
                await self.answer(wire, request)
                if request.headers.get("connection") == "close":
                    break
        writer.close()
        self.ended += 1

    async def _read(self, wire: Wire) -> Request:
        head = (await wire.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head[:-4].split("\r\n")
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        body = await read_body(wire.reader, headers) if self.read_body else b""
        return Request(line, headers, body, wire.number)


async def read_body(reader: asyncio.StreamReader, headers: Mapping[str, str], *, to_end: bool = False) -> bytes:
    """The body that these headers announce."""
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return body
    if "content-length" not in headers and to_end:
        return await reader.read()
    return await reader.readexactly(int(headers.get("content-length", 0)))


@dataclass
class Reply:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Client:
    """One connection to the gateway. `send` and `receive` are apart, so that a test can look in between."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, method: str = "GET", target: str = "/", body: bytes = b"", **headers: str) -> None:
        """Writes a request; a header named with underscores has hyphens."""
        fields = {"Host": "shop.localhost"} | {name.replace("_", "-"): value for name, value in headers.items()}
        if body and "Transfer-Encoding" not in fields:
            fields.setdefault("Content-Length", str(len(body)))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def head(self) -> Reply:
        """Reads a status line and its fields."""
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = raw[:-4].split("\r\n")
        fields = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        return Reply(int(line.split(" ")[1]), fields)

    async def receive(self, *, bodiless: bool = False) -> Reply:
        """Reads a whole answer."""
        reply = await self.head()
        if not bodiless and reply.status not in (204, 304):
            reply.body = await read_body(self.reader, reply.headers, to_end=True)
        return reply

    async def ask(self, method: str = "GET", target: str = "/", body: bytes = b"", **headers: str) -> Reply:
        """Sends a request and reads its answer."""
        self.send(method, target, body, **headers)
        return await self.receive(bodiless=method == "HEAD")

    def close(self) -> None:
        """Leaves, at once and without a word."""
        self.writer.transport.abort()


class World:
    """A running gateway with the route shop.localhost to the given apps, one revision each."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._clients: list[Client] = []

    async def client(self) -> Client:
        """A new connection to the public port."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.gateway.port, limit=2**20)
        self._clients.append(Client(reader, writer))
        return self._clients[-1]

    async def ask(self, method: str = "GET", target: str = "/", body: bytes = b"", **headers: str) -> Reply:
        """A request on a connection of its own."""
        client = await self.client()
        reply = await client.ask(method, target, body, **headers)
        client.close()
        return reply

    def put(self, kind: str, *things: Thing) -> None:
        """Tells the gateway of objects and routes by them at once."""
        for thing in things:
            self.gateway.inventory.put(kind, thing)
        self.gateway.proxy.replace_table(self.gateway.inventory.table(("cygni-system", "cygni")))

    def counts(self, backend: str = "web-r1", metric: str = "cygni_gateway_requests_total") -> dict[str, float]:
        """The counters of a backend that are not zero, by code."""
        families = text_string_to_metric_families(self.gateway.metrics.page().decode())
        samples = [each for family in families for each in family.samples if each.name == metric]
        mine = [each for each in samples if each.labels.get("backend", backend) == backend and each.value]
        return {each.labels.get("code", ""): each.value for each in mine}

    def close(self) -> None:
        for client in self._clients:
            client.close()


@contextlib.asynccontextmanager
async def world(
    *apps: App, weights: Mapping[str, int] | None = None, limits: Limits | None = None, scaler: Scaler | None = None
) -> AsyncIterator[World]:
    """A world of these apps: `web-r1`, `web-r2`, … with the given weights (all equal where not given)."""
    names = [f"web-r{number}" for number in range(1, len(apps) + 1)]
    async with contextlib.AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app)
        gateway = Gateway(Options(port=0, limits=limits or Limits(drain=0.2, keepalive=30)), scaler)
        await gateway.start()
        running = World(gateway)
        stack.push_async_callback(gateway.stop)
        stack.callback(running.close)
        gateway.inventory.replace("Gateway", [])
        gateway.inventory.replace("Service", [service(name, revision=name[4:]) for name in names])
        pods = [pod(f"pod-{name}", app=name, port=app.port) for name, app in zip(names, apps, strict=True)]
        gateway.inventory.replace("Pod", pods)
        gateway.inventory.replace("HTTPRoute", [route(rule(weights or dict.fromkeys(names, 1)))] if names else [])
        running.put("Pod")
        yield running

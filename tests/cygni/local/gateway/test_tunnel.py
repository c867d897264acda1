from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web

from cygni.local.gateway.exchange import Limits
from tests.cygni.local.gateway.builders import pod
from tests.cygni.local.gateway.world import App, Request, Wire, World, hello, in_loop, until, world

SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
CODES = web.AppKey("codes", list[int | None])


async def chat(request: web.Request) -> web.WebSocketResponse:
    """Echoes; on `bye` closes with code 4001, on `ping` pings and tells that the pong came."""
    socket = web.WebSocketResponse(protocols=("chat.v2",), autoping=False)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.PONG:
            await socket.send_str("ponged")
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.data == "bye":
            await socket.close(code=4001, message=b"so long")
        elif message.data == "ping":
            await socket.ping(b"p")
        else:
            await socket.send_str(message.data.upper())
    request.app[CODES].append(socket.close_code)
    return socket


class Chat:
    """A world whose pod is a WebSocket server, and a client's session."""

    def __init__(self, here: World, session: ClientSession, codes: list[int | None]) -> None:
        self.here = here
        self.codes = codes
        self._session = session

    async def join(self) -> ClientWebSocketResponse:
        url = f"http://127.0.0.1:{self.here.gateway.port}/chat"
        return await self._session.ws_connect(url, headers={"Host": "shop.localhost"}, protocols=("chat.v1", "chat.v2"))


@contextlib.asynccontextmanager
async def chatting(limits: Limits | None = None) -> AsyncIterator[Chat]:
    app = web.Application()
    app[CODES] = codes = []
    app.router.add_get("/chat", chat)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with world(App(), limits=limits) as here, ClientSession() as session:
        here.put("Pod", pod("pod-web-r1", port=runner.addresses[0][1]))
        yield Chat(here, session, codes)
    await runner.cleanup()


@in_loop
async def test_frames_go_both_ways_whatever_their_size() -> None:
    async with chatting() as room:
        socket = await room.join()
        await socket.send_str("hi")
        assert await socket.receive_str() == "HI"
        big = bytes(range(256)) * 4000
        await socket.send_bytes(big)
        assert await socket.receive_bytes() == big
        await socket.close()


@in_loop
async def test_the_subprotocol_is_agreed_between_client_and_pod() -> None:
    async with chatting() as room:
        socket = await room.join()
        assert socket.protocol == "chat.v2"
        await socket.close()


@in_loop
async def test_the_pods_close_code_reaches_the_client() -> None:
    async with chatting() as room:
        socket = await room.join()
        await socket.send_str("bye")
        message = await socket.receive()
        assert (message.data, message.extra) == (4001, "so long")


@in_loop
async def test_the_clients_close_code_reaches_the_pod() -> None:
    async with chatting() as room:
        socket = await room.join()
        await socket.close(code=4002)
        await until(lambda: room.codes)
        assert room.codes == [4002]


@in_loop
async def test_pings_and_pongs_pass() -> None:
    async with chatting() as room:
        socket = await room.join()
        await socket.send_str("ping")
        assert await socket.receive_str() == "ponged"
        await socket.close()


@in_loop
async def test_an_upgrade_is_counted_when_it_is_made_and_active_until_it_ends() -> None:
    async with chatting() as room:
        socket = await room.join()
        assert room.here.counts() == {"1xx": 1}
        assert room.here.counts(metric="cygni_gateway_active_requests") == {"": 1}
        await socket.close()
        await until(lambda: not room.here.counts(metric="cygni_gateway_active_requests"))
        assert room.here.counts() == {"1xx": 1}


@in_loop
async def test_what_a_client_said_before_it_left_still_reaches_the_pod() -> None:
    got: list[bytes] = []

    async def listen(wire: Wire, request: Request) -> None:
        await wire.send(SWITCH)
        got.append(await wire.reader.read())

    async with world(App(listen)) as here:
        client = await here.client()
        client.send(Connection="Upgrade", Upgrade="websocket")
        await client.head()
        client.writer.write(b"last words")
        client.writer.close()
        await until(lambda: got)
        assert got == [b"last words"]
        await until(lambda: not here.counts(metric="cygni_gateway_active_requests"))


@in_loop
async def test_a_silent_tunnel_ends() -> None:
    async with chatting(Limits(idle=0.1, drain=0.2)) as room:
        socket = await room.join()
        assert (await socket.receive()).type is WSMsgType.CLOSED


@in_loop
async def test_a_tunnel_is_not_silent_while_the_client_speaks() -> None:
    async def listen(wire: Wire, request: Request) -> None:
        await wire.send(SWITCH)
        got = b""
        while len(got) < 10:
            got += await wire.reader.read(100)
        await wire.send(b"bye")

    async with world(App(listen), limits=Limits(idle=0.2, drain=0.2)) as here:
        client = await here.client()
        client.send(Connection="Upgrade", Upgrade="websocket")
        assert (await client.head()).status == 101
        for _ in range(10):
            await asyncio.sleep(0.04)
            client.writer.write(b"x")
        assert await client.reader.readexactly(3) == b"bye"


@in_loop
async def test_bytes_sent_along_with_the_upgrade_are_not_lost() -> None:
    async def echo(wire: Wire, request: Request) -> None:
        await wire.send(SWITCH + b"from-pod ")
        await wire.send(await wire.reader.readexactly(5))
        wire.close()

    async with world(App(echo)) as here:
        client = await here.client()
        client.send(Connection="keep-alive, Upgrade", Upgrade="WebSocket")
        client.writer.write(b"early")
        reply = await client.head()
        assert (reply.status, reply.headers["upgrade"], reply.headers["x-cygni-revision"]) == (101, "websocket", "r1")
        assert await client.reader.read() == b"from-pod early"


@in_loop
async def test_a_flood_in_a_tunnel_waits_for_a_slow_pod() -> None:
    gate = asyncio.Event()
    total = 64 * 2**20

    async def wait(wire: Wire, request: Request) -> None:
        await wire.send(SWITCH)
        await gate.wait()
        got = 0
        while got < total:
            got += len(await wire.reader.read(2**20))
        await wire.send(b"all")

    async with world(App(wait)) as here:
        client = await here.client()
        client.send(Connection="Upgrade", Upgrade="websocket")
        await client.head()
        flooding = asyncio.ensure_future(flood(client.writer, total))
        done, _ = await asyncio.wait([flooding], timeout=0.5)
        assert not done
        gate.set()
        assert await client.reader.readexactly(3) == b"all"


async def flood(writer: asyncio.StreamWriter, total: int) -> None:
    for _ in range(total // 2**20):
        writer.write(bytes(2**20))
        await writer.drain()


@in_loop
async def test_an_upgrade_that_the_pod_declines_is_an_ordinary_answer() -> None:
    async with world(App(hello)) as here:
        client = await here.client()
        reply = await client.ask(Connection="Upgrade", Upgrade="websocket")
        assert (reply.status, reply.body) == (200, b"hello")
        assert (await client.ask()).status == 200


@in_loop
async def test_an_upgrade_to_an_unknown_host_is_a_404() -> None:
    async with chatting() as room:
        url = f"http://127.0.0.1:{room.here.gateway.port}/chat"
        with pytest.raises(WSServerHandshakeError, match="404"):
            await room._session.ws_connect(url, headers={"Host": "nobody"})


@in_loop
async def test_any_other_upgrade_is_not_passed_on() -> None:
    app = App()
    async with world(app) as here:
        reply = await here.ask(Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMA")
    assert reply.status == 200
    assert not {"upgrade", "http2-settings"} & set(app.requests[0].headers)

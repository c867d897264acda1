from __future__ import annotations

import asyncio
import socket
import time

import pytest

from cygni.local.gateway.exchange import Limits
from tests.cygni.local.gateway.builders import pod
from tests.cygni.local.gateway.world import OK, App, Request, Wire, in_loop, read_body, until, world

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
MEGABYTE = bytes(range(256)) * 4096


@in_loop
async def test_an_answer_arrives_as_the_pod_sends_it() -> None:
    step = asyncio.Event()

    async def slowly(wire: Wire, request: Request) -> None:
        await wire.send(CHUNKED + b"3\r\none\r\n")
        await step.wait()
        await wire.send(b"3\r\ntwo\r\n0\r\nX-Trailer: 1\r\n\r\n")

    async with world(App(slowly)) as here:
        client = await here.client()
        client.send()
        assert (await client.head()).headers["transfer-encoding"] == "chunked"
        assert await client.reader.readexactly(8) == b"3\r\none\r\n"
        step.set()
        assert await client.reader.readexactly(13) == b"3\r\ntwo\r\n0\r\n\r\n"
        assert (await client.ask()).body == b"onetwo"


@in_loop
async def test_a_request_arrives_as_the_client_sends_it() -> None:
    got: list[bytes] = []

    async def listen(wire: Wire, request: Request) -> None:
        got.append(await wire.reader.readexactly(3))
        got.append(await wire.reader.readexactly(3))
        await wire.send(OK)

    async with world(App(listen, read_body=False)) as here:
        client = await here.client()
        client.send("POST", Content_Length="6")
        client.writer.write(b"one")
        await until(lambda: got)
        client.writer.write(b"two")
        assert (await client.receive()).body == b"hello"
    assert got == [b"one", b"two"]


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="the system cannot be asked to acknowledge at once")
@in_loop
async def test_a_pod_that_writes_head_and_body_apart_is_not_held_up() -> None:
    async def apart(wire: Wire, request: Request) -> None:
        wire.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        await wire.send(OK[:-5])
        await wire.send(OK[-5:])

    async with world(App(apart)) as here:
        client = await here.client()
        took = []
        for _ in range(40):
            started = time.monotonic()
            assert (await client.ask()).body == b"hello"
            took.append(time.monotonic() - started)
    assert min(took[20:]) < 0.04  # what each of them would take at the least, however fast the machine


@pytest.mark.parametrize("chunked", [False, True])
@in_loop
async def test_large_bodies_pass_unchanged_both_ways(chunked: bool) -> None:
    async def echo(wire: Wire, request: Request) -> None:
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(request.body)
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(request.body), request.body) if chunked else request.body
        await wire.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (framing, body))

    async with world(App(echo)) as here:
        client = await here.client()
        if chunked:
            client.send("PUT", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(MEGABYTE), MEGABYTE), Transfer_Encoding="chunked")
        else:
            client.send("PUT", body=MEGABYTE)
        assert (await client.receive()).body == MEGABYTE
        assert here.counts() == {"2xx": 1}


@in_loop
async def test_a_client_that_does_not_read_holds_the_pod_up_instead_of_filling_memory() -> None:
    sent = 0

    async def flood(wire: Wire, request: Request) -> None:
        nonlocal sent
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * len(MEGABYTE)))
        for _ in range(64):
            await wire.send(MEGABYTE)
            sent += 1

    async with world(App(flood)) as here:
        client = await here.client()
        client.send()
        await client.head()
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        assert sent < 40
        assert len(await client.reader.readexactly(64 * len(MEGABYTE))) == 64 * len(MEGABYTE)


@in_loop
async def test_a_pod_that_does_not_read_holds_the_client_up() -> None:
    gate = asyncio.Event()

    async def wait(wire: Wire, request: Request) -> None:
        await gate.wait()
        assert len(await read_body(wire.reader, request.headers)) == 64 * len(MEGABYTE)
        await wire.send(OK)

    async with world(App(wait, read_body=False)) as here:
        client = await here.client()
        client.send("POST", Content_Length=str(64 * len(MEGABYTE)))
        writing = asyncio.ensure_future(feed(client.writer))
        done, _ = await asyncio.wait([writing], timeout=0.5)
        assert not done
        gate.set()
        assert (await client.receive()).status == 200


async def feed(writer: asyncio.StreamWriter) -> None:
    for _ in range(64):
        writer.write(MEGABYTE)
        await writer.drain()


@in_loop
async def test_an_answer_without_length_becomes_chunks() -> None:
    async def until_close(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.0 200 OK\r\n\r\nhello")
        wire.close()

    async with world(App(until_close)) as here:
        client = await here.client()
        replies = [await client.ask() for _ in range(2)]
    assert [each.body for each in replies] == [b"hello", b"hello"]
    assert replies[0].headers["transfer-encoding"] == "chunked"


@in_loop
async def test_an_old_client_gets_no_chunks() -> None:
    async def chunks(wire: Wire, request: Request) -> None:
        await wire.send(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n")

    async with world(App(chunks)) as here:
        client = await here.client()
        client.writer.write(b"GET / HTTP/1.0\r\nHost: shop.localhost\r\n\r\n")
        reply = await client.receive()
    assert "transfer-encoding" not in reply.headers
    assert (reply.body, reply.headers["connection"]) == (b"hello", "close")


@in_loop
async def test_an_old_client_that_asks_for_it_keeps_its_connection() -> None:
    async with world(App()) as here:
        client = await here.client()
        for _ in range(2):
            client.writer.write(b"GET / HTTP/1.0\r\nHost: shop.localhost\r\nConnection: keep-alive\r\n\r\n")
            assert (await client.receive()).headers["connection"] == "keep-alive"


@in_loop
async def test_head_keeps_the_length_and_has_no_body() -> None:
    async def head(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")

    app = App(head)
    async with world(app) as here:
        client = await here.client()
        for _ in range(2):
            assert (await client.ask("HEAD")).headers["content-length"] == "5"
    assert [each.connection for each in app.requests] == [0, 0]


@pytest.mark.parametrize("status", [204, 304])
@in_loop
async def test_answers_without_body_keep_the_connection(status: int) -> None:
    async def empty(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.1 %d Empty\r\nETag: x\r\n\r\n" % status)

    async with world(App(empty)) as here:
        client = await here.client()
        for _ in range(2):
            assert (await client.ask()).status == status


@in_loop
async def test_an_empty_post_still_tells_its_length() -> None:
    app = App()
    async with world(app) as here:
        await here.ask("POST", Content_Length="0")
    assert app.requests[0].headers["content-length"] == "0"


@in_loop
async def test_a_client_that_waits_for_100_continue_is_asked_for_its_body() -> None:
    app = App()
    async with world(app) as here:
        client = await here.client()
        client.send("POST", Content_Length="4", Expect="100-continue")
        assert (await client.head()).status == 100
        client.writer.write(b"body")
        assert (await client.receive()).status == 200
    assert (app.requests[0].body, "expect" in app.requests[0].headers) == (b"body", False)


@in_loop
async def test_a_client_that_waits_for_100_continue_is_refused_before_it_sends() -> None:
    async with world(App()) as here:
        here.put("Pod", pod("pod-web-r1", ready=False))
        client = await here.client()
        client.send("POST", Content_Length="4", Expect="100-continue")
        reply = await client.receive()
    assert (reply.status, reply.headers["connection"]) == (503, "close")


@in_loop
async def test_any_other_expectation_is_refused() -> None:
    async with world(App()) as here:
        assert (await here.ask(Expect="miracles")).status == 417


@in_loop
async def test_a_pod_may_answer_before_the_request_is_whole() -> None:
    async def refuse(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")

    async with world(App(refuse, read_body=False)) as here:
        client = await here.client()
        client.send("POST", Content_Length="1000000")
        client.writer.write(b"x" * 1000)
        reply = await client.receive()
        assert here.counts() == {"4xx": 1}
    assert (reply.status, reply.body, reply.headers["connection"]) == (413, b"big", "close")


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CHUNKED + b"4\r\nhalf\r\n"])
@in_loop
async def test_an_answer_cut_short_is_cut_short_for_the_client_and_the_pods_error(head: bytes) -> None:
    begun = asyncio.Event()

    async def half(wire: Wire, request: Request) -> None:
        await wire.send(head)
        await begun.wait()
        wire.close()

    async with world(App(half)) as here:
        client = await here.client()
        client.send()
        assert (await client.head()).status == 200
        begun.set()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(20)
        assert here.counts() == {"5xx": 1}


@in_loop
async def test_an_answer_that_stalls_is_cut() -> None:
    async def stall(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await wire.reader.read()

    async with world(App(stall), limits=Limits(idle=0.1, drain=0.2)) as here:
        client = await here.client()
        client.send()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(500)
        assert here.counts() == {"5xx": 1}


@in_loop
async def test_a_request_that_stalls_is_the_clients_error() -> None:
    async with world(App(), limits=Limits(idle=0.1, drain=0.2)) as here:
        client = await here.client()
        client.send("POST", Content_Length="10")
        client.writer.write(b"half")
        assert (await client.receive()).status == 408
        assert here.counts("") == {"4xx": 1}


@in_loop
async def test_a_malformed_chunk_is_not_the_pods_error() -> None:
    async with world(App(), limits=Limits(idle=0.1, drain=0.2)) as here:
        client = await here.client()
        client.send("POST", Transfer_Encoding="chunked")
        client.writer.write(b"2\r\nab\r\nzz\r\n")
        assert (await client.receive()).status in (400, 408)
        assert here.counts("web-r1") == {}


@in_loop
async def test_a_client_that_stops_reading_is_let_go_and_is_not_the_pods_error() -> None:
    async def flood(wire: Wire, request: Request) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * len(MEGABYTE)))
        for _ in range(64):
            await wire.send(MEGABYTE)

    async with world(App(flood), limits=Limits(idle=0.15, drain=0.2)) as here:
        client = await here.client()
        client.send()
        await client.head()
        await until(here.counts)
        assert here.counts() == {"4xx": 1}
        assert here.counts(metric="cygni_gateway_client_disconnects_total") == {"": 1}


@in_loop
async def test_a_client_that_leaves_in_the_middle_of_its_body_ends_the_request_at_the_pod() -> None:
    ended = asyncio.Event()

    async def listen(wire: Wire, request: Request) -> None:
        await wire.reader.read()
        ended.set()

    app = App(listen, read_body=False)
    async with world(app) as here:
        client = await here.client()
        client.send("POST", Content_Length="10")
        client.writer.write(b"half")
        await until(lambda: app.requests)
        client.close()
        await ended.wait()
        await until(here.counts)
        assert here.counts() == {"4xx": 1}

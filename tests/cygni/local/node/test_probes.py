from __future__ import annotations

import asyncio
import socket

import pytest

from cygni.local.node.probes import Answer, ask
from cygni.local.node.spec import Action, Exec, HttpGet, Sleep, TcpSocket


async def run(command: tuple[str, ...], timeout: float) -> tuple[int | None, str]:
    return {"ok": (0, "fine"), "bad": (3, "not well\n"), "slow": (None, "")}[command[0]]


def answer(action: Action, response: bytes | None = b"", timeout: float = 30.0) -> tuple[Answer, bytes]:
    """The answer to a probe of a server that sends this, and what the server was sent. None: it never answers."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(action, HttpGet):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
        if response is None:
            await reader.read()
        else:
            writer.write(response)
        writer.close()

    async def scenario() -> Answer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await ask(action, timeout, lambda name: port if name == "http" else None, run)

    return asyncio.run(scenario()), b"".join(heard)


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (204, True), (302, True), (399, True), (400, False), (503, False)]
)
def test_an_http_probe_takes_2xx_and_3xx_for_success(status: int, ok: bool) -> None:
    found, _ = answer(HttpGet("http"), f"HTTP/1.1 {status} So\r\n\r\n".encode())

    assert found.ok is ok
    assert found.message == ("" if ok else f"HTTP probe failed with statuscode: {status}")


def test_the_request_carries_the_path_and_the_headers_of_the_probe() -> None:
    _, heard = answer(
        HttpGet("http", path="/up?x=1", headers=(("X-Who", "me"), ("user-agent", "mine"))), b"HTTP/1.0 200 OK\r\n\r\n"
    )

    lines = heard.decode().split("\r\n")
    assert lines[0] == "GET /up?x=1 HTTP/1.1"
    assert "X-Who: me" in lines
    assert [line for line in lines if line.lower().startswith("user-agent")] == ["user-agent: mine"]


@pytest.mark.parametrize("response", [b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_not_http_is_a_failure(response: bytes) -> None:
    found, _ = answer(HttpGet("http"), response)

    assert (found.ok, found.message) == (False, "the answer is not HTTP")


def test_an_answer_that_does_not_come_in_time_is_a_failure() -> None:
    found, _ = answer(HttpGet("http"), None, timeout=0.1)

    assert not found.ok
    assert found.message.endswith("within 0.1s")


def test_a_body_without_end_does_not_hold_up_the_answer() -> None:
    found, _ = answer(HttpGet("http"), b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000)

    assert found.ok


def test_a_connection_that_opens_is_all_a_tcp_probe_asks() -> None:
    assert answer(TcpSocket("http"))[0].ok


@pytest.mark.parametrize("action", [HttpGet("http"), TcpSocket("http")], ids=str)
def test_a_refused_connection_is_told_from_other_failures(action: Action) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        found = asyncio.run(ask(action, 30, lambda _: port, run))

    assert found.refused
    assert found.port == port


def test_a_port_that_no_one_declared_is_named() -> None:
    assert answer(TcpSocket("admin"))[0] == Answer(False, "the container declares no port named admin")


@pytest.mark.parametrize(
    ("word", "ok", "message"), [("ok", True, ""), ("bad", False, "not well"), ("slow", False, "command timed out after 1s")]
)
def test_a_command_succeeds_by_its_exit_code(word: str, ok: bool, message: str) -> None:
    assert answer(Exec((word,)), timeout=1)[0] == Answer(ok, message)


def test_a_sleep_is_no_longer_than_there_is_time() -> None:
    assert answer(Sleep(60), timeout=0.01)[0].ok


def test_a_header_cannot_smuggle_a_line() -> None:
    found, heard = answer(HttpGet("http", headers=(("X", "a\r\nEvil: b"),)))

    assert not found.ok
    assert heard == b""

"""Asks a container one question: an HTTP GET, a TCP connection or a command, and says what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cygni.local.node.spec import Action, Exec, HttpGet, Sleep, TcpSocket

MESSAGE_BYTES = 512
HEAD_BYTES = 65_536
BODY_SECONDS, BODY_CHUNKS = 0.2, 8

RunCommand = Callable[[tuple[str, ...], float], Awaitable[tuple[int | None, str]]]
"""(command, timeout) → (exit code or None when time ran out, output)."""

ResolvePort = Callable[[int | str], int | None]
"""A probe's port → the host port, or None for a name that no port has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe found. `refused`: nothing listens on `port`."""

    ok: bool
    message: str = ""
    refused: bool = False
    port: int | None = None


async def ask(action: Action, timeout: float, resolve: ResolvePort, run: RunCommand) -> Answer:
    """Performs a probe's or a hook's action within `timeout` seconds; never raises for what the container does."""
    match action:
        case Exec():
            code, output = await run(action.command, timeout)
            if code is None:
                return Answer(False, f"command timed out after {timeout:g}s")
            return Answer(code == 0, output.strip()[:MESSAGE_BYTES] if code else "")
        case Sleep():
            await asyncio.sleep(min(action.seconds, timeout))
            return Answer(True)
        case HttpGet() | TcpSocket():
            return await _network(action, timeout, resolve)


async def _network(action: HttpGet | TcpSocket, timeout: float, resolve: ResolvePort) -> Answer:
    port = resolve(action.port)
    if port is None:
        return Answer(False, f"the container declares no port named {action.port}")
    host = action.host or "127.0.0.1"
    try:
        async with asyncio.timeout(timeout):
            ok, message = await (_get(action, host, port) if isinstance(action, HttpGet) else _connect(host, port))
    except TimeoutError:
        return Answer(False, f"no answer from {host}:{port} within {timeout:g}s", port=port)
    except ConnectionRefusedError:
        return Answer(False, f"dial tcp {host}:{port}: connect: connection refused", refused=True, port=port)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        return Answer(False, f"{host}:{port}: {error or type(error).__name__}", port=port)
    return Answer(ok, message, port=port)


async def _connect(host: str, port: int) -> tuple[bool, str]:
    _, writer = await asyncio.open_connection(host, port)
    await _close(writer)
    return True, ""


async def _get(action: HttpGet, host: str, port: int) -> tuple[bool, str]:
    context = _any_certificate() if action.scheme.upper() == "HTTPS" else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=HEAD_BYTES)
    try:
        writer.write(_request(action, host, port))
        await writer.drain()
        status_line = (await reader.readline()).decode("latin-1").split(None, 2)
        if len(status_line) < 2 or not status_line[0].startswith("HTTP/") or not status_line[1].isdecimal():
            return False, "the answer is not HTTP"
        status = int(status_line[1])
        await _take_rest(reader)
        if 200 <= status <= 399:
            return True, ""
        return False, f"HTTP probe failed with statuscode: {status}"
    finally:
        await _close(writer)


async def _take_rest(reader: asyncio.StreamReader) -> None:
    """Reads the answer's body, within reason, so that the application is not cut off while it writes."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(BODY_SECONDS):
            for _ in range(BODY_CHUNKS):
                if not await reader.read(HEAD_BYTES):
                    return


def _request(action: HttpGet, host: str, port: int) -> bytes:
    path = action.path if action.path.startswith("/") else f"/{action.path}"
    headers = {"Host": f"{host}:{port}", "User-Agent": "kube-probe/cygni", "Accept": "*/*", "Connection": "close"}
    for name, value in action.headers:
        headers = {known: text for known, text in headers.items() if known.lower() != name.lower()} | {name: value}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("the probe's path or headers hold a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _any_certificate() -> ssl.SSLContext:
    """A context that trusts any certificate: a probe asks whether the container answers, not who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()

"""The provider as one thing to start and stop: routes, the guard before them, and HTTP on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from cygni.local.files import kept
from cygni.local.idp.actions import Actions
from cygni.local.idp.clients import Client
from cygni.local.idp.github import GitHub
from cygni.local.idp.keys import load_key
from cygni.local.idp.oidc import Oidc
from cygni.local.idp.provider import Clock, Provider

LOG = logging.getLogger("idp")

HOST = "127.0.0.1"
BODY_LIMIT = 64 * 1024
_NAMES = (HOST, "localhost")
_REFUSAL = "This identity provider is for programs and pages of this machine, by the name 127.0.0.1 or localhost.\n"


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. `state` is the folder of the keys, made when it is missing; port 0 takes a free one."""

    state: Path
    client: Client
    port: int = 0
    now: Clock = time.time

    @property
    def request_token_file(self) -> Path:
        """Holds what a job of a workflow would have as ACTIONS_ID_TOKEN_REQUEST_TOKEN."""
        return self.state / "actions-request-token"


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keeps the pages of other sites out, whatever name they gave this address."""
    host, origin = request.host, request.headers.get("Origin")
    if host.rpartition(":")[0] not in _NAMES or origin not in (None, f"http://{host}"):
        return web.Response(status=403, text=_REFUSAL)
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:  # broad: whatever went wrong, the caller hears no more than that
        LOG.exception("%s %s failed", request.method, request.path)
        return web.Response(status=500, text="This should not have happened; the log of the identity provider says more.\n")


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not no-referrer: a browser then sends `Origin: null` with our own form, which the guard refuses.
    response.headers["Referrer-Policy"] = "same-origin"


def application(provider: Provider) -> web.Application:
    """All routes, behind the guard."""
    app = web.Application(middlewares=[guard], client_max_size=BODY_LIMIT)
    app.on_response_prepare.append(_add_headers)
    for part in (Oidc(provider), GitHub(provider), Actions(provider)):
        app.add_routes(part.routes)
    return app


@contextlib.asynccontextmanager
async def running(options: Options) -> AsyncIterator[Provider]:
    """Serves inside an `async with`. Raises OSError when the port is taken, KeyFileError when a key cannot be read."""
    options.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    listener = socket.create_server((HOST, options.port))
    with contextlib.closing(listener):
        provider = Provider(
            issuer=f"http://{HOST}:{listener.getsockname()[1]}",
            client=options.client,
            key=load_key(options.state / "key.pem"),
            workflow_key=load_key(options.state / "actions-key.pem"),
            request_token=kept(options.request_token_file, _new_request_token).decode().strip(),
            now=options.now,
        )
        runner = web.AppRunner(application(provider), access_log=None, logger=_quiet(), shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield provider
        finally:
            await runner.cleanup()


@contextlib.contextmanager
def running_in_thread(options: Options) -> Iterator[Provider]:
    """Serves in a thread of this process, for tests."""
    started, ready = threading.Event(), list[Provider]()
    failures: list[BaseException] = []
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with running(options) as provider:
            ready.append(provider)
            started.set()
            await stop.wait()

    def target() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:  # noqa: BLE001 - the starting thread must hear of it, whatever it is
            failures.append(error)
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=target, name="cygni-idp", daemon=True)
    thread.start()
    started.wait()
    if failures:
        raise failures[0]
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=60)


def _new_request_token() -> bytes:
    return secrets.token_urlsafe(32).encode()


def _quiet() -> logging.Logger:
    """A logger for the HTTP server that says nothing: it would write malformed requests down, with the secrets in them."""
    logger = logging.getLogger(f"{__name__}.http")
    logger.setLevel(logging.CRITICAL + 1)
    return logger

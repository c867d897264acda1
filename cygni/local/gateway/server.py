"""The gateway put together: two ports, a table that follows the API, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

from cygni.local.gateway.admin import admin_app, describe
from cygni.local.gateway.exchange import Limits
from cygni.local.gateway.inventory import Inventory, Sink, Thing
from cygni.local.gateway.metrics import Metrics
from cygni.local.gateway.proxy import Proxy
from cygni.local.gateway.sleep import Scaler
from cygni.local.gateway.upstream import Pool

log = logging.getLogger(__name__)

_COALESCE = 0.002
_SWEEP = 0.5
_TEND = 0.5
_MAX_LINE = 16 * 1024
_MAX_FIELDS = 128
_LINGER = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """Where the gateway listens (port 0: any free one), the Gateway it serves (namespace, name), and its limits."""

    host: str = "127.0.0.1"
    port: int = 8080
    admin_port: int = 0
    serving: tuple[str, str] = ("cygni-system", "cygni")
    trust_forwarded: bool = False
    limits: Limits = field(default_factory=Limits)


class Gateway:
    """A running gateway, from `start` to `stop`. `inventory` takes objects, from the loop's thread; see also `sink`."""

    def __init__(self, options: Options, scaler: Scaler | None = None) -> None:
        self.options = options
        self.metrics = Metrics()
        self.pool = Pool(connect_timeout=options.limits.connect, keepalive=options.limits.keepalive)
        self.proxy = Proxy(self.pool, self.metrics, options.limits, trust_forwarded=options.trust_forwarded, scaler=scaler)
        self.inventory = Inventory(self._changed)
        self.port = self.admin_port = 0
        self._loop = asyncio.get_running_loop()
        self._rebuild: asyncio.TimerHandle | None = None
        self._spent = 0.0
        self._server: asyncio.Server | None = None
        self._http: web.Server | None = None
        self._admin: web.AppRunner | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._tender: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Opens both ports; raises OSError when one is taken."""
        options = self.options
        self._http = web.Server(
            self.proxy.handle,
            handler_cancellation=True,
            access_log=None,
            logger=_quiet(),
            auto_decompress=False,
            keepalive_timeout=options.limits.client_keepalive,
            lingering_time=_LINGER,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            max_headers=_MAX_FIELDS,
        )
        self._server = await self._loop.create_server(self._http, options.host, options.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        self._admin = web.AppRunner(admin_app(self.metrics, self.ready, self._describe), access_log=None)
        await self._admin.setup()
        site = web.TCPSite(self._admin, options.host, options.admin_port)
        await site.start()
        self.admin_port = self._admin.addresses[0][1]
        self._sweeper = self._loop.create_task(self._sweep())
        self._tender = self._loop.create_task(self.proxy.sleepers.tend(_TEND))

    async def stop(self) -> None:
        """Takes no more connections, lets requests in flight end for up to `limits.drain` seconds, then closes."""
        self.proxy.closing = True
        if self._server is not None:
            self._server.close()
        if self._http is not None:
            await self._drain(self._http)
        for task in (self._sweeper, self._tender):
            if task is not None:
                task.cancel()
        if self._rebuild is not None:
            self._rebuild.cancel()
        self.pool.close()
        if self._admin is not None:
            await self._admin.cleanup()

    def ready(self) -> bool:
        """Whether the first full list of every kind was seen, and the end has not begun."""
        return self.inventory.complete and self._rebuild is None and not self.proxy.closing

    def sink(self) -> Sink:
        """A Sink for other threads."""
        return _FromThreads(self.inventory, self._loop)

    async def _drain(self, http: web.Server) -> None:
        """Closes idle connections at once, the others when their request has ended or the time is up."""
        for connection in http.connections:
            if connection not in self.proxy.busy:
                connection.force_close()
        deadline = self._loop.time() + self.options.limits.drain
        while self.proxy.busy and self._loop.time() < deadline:
            await asyncio.sleep(0.01)
        await http.shutdown(timeout=0.1)

    def _changed(self) -> None:
        """Plans a new table: at once for one change, in step for a storm, so that at most a tenth of the time goes there."""
        if self._rebuild is None and self.inventory.complete:
            self._rebuild = self._loop.call_later(max(_COALESCE, 9 * self._spent), self._replace_table)

    def _replace_table(self) -> None:
        self._rebuild = None
        started = self._loop.time()
        self.proxy.replace_table(self.inventory.table(self.options.serving))
        self._spent = self._loop.time() - started

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP)
            self.pool.sweep()

    def _describe(self) -> dict[str, object]:
        return describe(self.proxy.table, self.inventory.unreadable)


class _FromThreads:
    """A Sink that hands everything over to the loop's thread, in order."""

    def __init__(self, inventory: Inventory, loop: asyncio.AbstractEventLoop) -> None:
        self._inventory = inventory
        self._loop = loop

    def replace(self, kind: str, things: Iterable[Thing]) -> None:
        self._hand_over(lambda: self._inventory.replace(kind, things))

    def put(self, kind: str, thing: Thing) -> None:
        self._hand_over(lambda: self._inventory.put(kind, thing))

    def remove(self, kind: str, thing: Thing) -> None:
        self._hand_over(lambda: self._inventory.remove(kind, thing))

    def _hand_over(self, job: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(job)


def _quiet() -> logging.Logger:
    """A logger for the HTTP server that says nothing: what it would report, with a stack, is clients' malformed requests."""
    logger = logging.getLogger(f"{__name__}.http")
    logger.setLevel(logging.CRITICAL + 1)
    return logger

"""Follows one request: match, choose, carry, count. Whatever happens to it, it is counted once, and its caller is told."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass

from aiohttp import web

from cygni.local.gateway import answers, headers, rules
from cygni.local.gateway.answers import NOBODY, Refusal
from cygni.local.gateway.asked import Asked, read_request
from cygni.local.gateway.exchange import AnswerCut, Exchange, Limits
from cygni.local.gateway.headers import Fields, Framing
from cygni.local.gateway.metrics import Metrics, PodKey
from cygni.local.gateway.objects import Redirect
from cygni.local.gateway.sleep import Nobody, Scaler, Sleepers
from cygni.local.gateway.table import Backend, Rule, SeriesKey, Table
from cygni.local.gateway.upstream import Pool

log = logging.getLogger(__name__)


class _Answered(web.StreamResponse):
    """Tells the HTTP server that the answer has been written already, and whether the connection goes on."""

    def __init__(self, keep: bool) -> None:
        super().__init__()
        self._goes_on = keep

    @property
    def keep_alive(self) -> bool:
        return self._goes_on

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""


_KEEP = _Answered(keep=True)
_CLOSE = _Answered(keep=False)


@dataclass(slots=True)
class _Call:
    """What is known of a request so far, for counting it."""

    started: float
    key: SeriesKey = NOBODY
    status: int = 500
    left: bool = False
    counted: bool = False
    request_id: bytes = b""
    pod: str = ""


class Proxy:
    """The handler of the public port. `table` may be replaced between any two requests; `closing` lets connections end.

    `busy` holds the connections of clients whose request is in flight.
    """

    def __init__(
        self, pool: Pool, metrics: Metrics, limits: Limits, *, trust_forwarded: bool = False, scaler: Scaler | None = None
    ) -> None:
        self.table = Table()
        self.closing = False
        self._informed = False
        self.busy: set[object] = set()
        self._pool = pool
        self._metrics = metrics
        self._limits = limits
        self._trusted = trust_forwarded
        self._points: dict[tuple[str, str, int], float] = {}
        self._loop = asyncio.get_running_loop()
        self.sleepers = Sleepers(scaler or Nobody(), limits.wake, self._loop.time)
        metrics.count_active(lambda: len(self.busy))

    def replace_table(self, table: Table) -> None:
        """Routes all requests from now on by `table`; those in flight go on to their end."""
        self.table = table
        self._informed = True
        backends = table.backends()
        pods = (
            PodKey(key.namespace, key.backend, endpoint.uid)
            for key, backend in backends.items()
            for endpoint in backend.endpoints
        )
        self._metrics.table_replaced(backends, self._loop.time(), pods=pods)
        self._pool.retain(table.endpoints())
        self.sleepers.table_replaced(table)
        live = {candidate.rule.key for each in table.hosts.values() for candidate in each}
        self._points = {key: point for key, point in self._points.items() if key in live}

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answers one request."""
        call = _Call(self._loop.time())
        self.busy.add(http.protocol)
        try:
            return await self._follow(http, call)
        except Refusal as refusal:
            call.status, call.key = refusal.status, refusal.key
            return await self._refuse(http, call, refusal)
        except AnswerCut:
            call.status = 502
            raise
        except (ConnectionError, asyncio.CancelledError):
            call.left = True
            raise
        except Exception:  # a fault of ours must not look like silence: it is logged, counted and answered
            log.exception("a request could not be handled")
            call.status = 500
            return await self._refuse(http, call, Refusal(500, "The gateway failed to handle the request."))
        finally:
            self.busy.discard(http.protocol)
            self._count(call)

    async def _follow(self, http: web.BaseRequest, call: _Call) -> web.StreamResponse:
        asked = read_request(http, trusted=self._trusted)
        call.request_id = asked.caller.request_id
        rule = self._match(asked)
        call.key = SeriesKey(rule.key[0], rule.key[1], "")
        if rule.redirect is not None and not rule.problem:
            call.status = rule.redirect.status
            return await self._redirect(asked, rule.redirect, call)
        backend = self._choose(rule)
        call.key = backend.key
        if backend.idle and not backend.endpoints:
            backend = await self.sleepers.wake(backend) or backend
        endpoint = rules.pick(backend.endpoints, self._pool.active, random.random(), random.random())
        if endpoint is None:
            raise _unserved(backend)
        exchange = Exchange(asked, rule, backend, endpoint, self._pool, self._limits)
        call.pod = endpoint.uid
        self._pool.began(endpoint)
        self.sleepers.began(backend)
        try:
            keep = await exchange.run(self._metrics, closing=self.closing)
            call.status = exchange.status
            if exchange.status == 101:
                self._count(call)
                await exchange.tunnel()
        finally:
            self._pool.ended(endpoint)
            self.sleepers.ended(backend)
        return _KEEP if keep else _CLOSE

    def _match(self, asked: Asked) -> Rule:
        match = self.table.match(asked.host, asked.path, asked.http.method, asked.http.headers, asked.query)
        if match.rule is not None:
            return match.rule
        if not self._informed:
            raise Refusal(503, "The gateway has just started and does not know the routes yet.")
        if match.known_host:
            raise Refusal(404, f"No route of {asked.host} takes {asked.http.method} {asked.path}.")
        raise Refusal(404, f"No application is served at {asked.host or 'this host'}.")

    def _choose(self, rule: Rule) -> Backend:
        """The backend of this request, by weight: an even sequence for each rule, begun at a random point."""
        namespace, route, _ = rule.key
        nobody = SeriesKey(namespace, route, "")
        if rule.problem:
            raise Refusal(500, f"HTTPRoute {route} in {namespace} cannot be served: {rule.problem}.", nobody)
        point = self._points.get(rule.key)
        point = random.random() if point is None else rules.next_point(point)
        self._points[rule.key] = point
        backend = rule.choose(point)
        if backend is None:
            raise Refusal(503, f"HTTPRoute {route} in {namespace} gives no backend any weight.", nobody)
        return backend

    async def _redirect(self, asked: Asked, redirect: Redirect, call: _Call) -> web.StreamResponse:
        where = answers.location(redirect, asked.caller.host.decode("utf-8", "surrogateescape"), asked.target)
        field = (b"Location", where.encode("utf-8", "surrogateescape"))
        return await self._say(asked.http, call, redirect.status, [field], b"")

    async def _refuse(self, http: web.BaseRequest, call: _Call, refusal: Refusal) -> web.StreamResponse:
        kind, body = answers.refusal_body(refusal, call.request_id.decode("latin-1"), http.headers.get("Accept", ""))
        fields = [(b"Content-Type", kind), (b"Cache-Control", b"no-store")]
        return await self._say(http, call, refusal.status, fields, body, refusal.revision)

    async def _say(
        self, http: web.BaseRequest, call: _Call, status: int, fields: Fields, body: bytes, revision: str = ""
    ) -> web.StreamResponse:
        """Writes an answer of the gateway's own. The connection goes on unless part of a body is still to come on it."""
        keep = http.keep_alive and not self.closing and not http.can_read_body
        head = headers.response_head(
            status,
            answers.reason(status).encode(),
            fields,
            Framing(length=len(body)),
            revision=revision,
            request_id=call.request_id,
            connection=b"" if keep and http.version >= (1, 1) else b"keep-alive" if keep else b"close",
        )
        await http.writer.write(head if http.method == "HEAD" else head + body)
        return _KEEP if keep else _CLOSE

    def _count(self, call: _Call) -> None:
        if call.counted:
            return
        call.counted = True
        series = self._metrics.series(call.key)
        seconds = self._loop.time() - call.started
        if call.left:
            series.client_gone(seconds)
        else:
            series.observe(call.status, seconds)
            if call.pod:
                self._metrics.count_pod(PodKey(call.key.namespace, call.key.backend, call.pod), call.status)


def _unserved(backend: Backend) -> Refusal:
    if backend.problem:
        return Refusal(500, f"The route's backend cannot be served: {backend.problem}.", backend.key)
    said = f"Service {backend.key.backend} in {backend.key.namespace} has no ready pods."
    return Refusal(503, said, backend.key, backend.revision)

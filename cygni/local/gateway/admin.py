"""The gateway's own pages, on a port apart from the public one: /metrics, /healthz, /readyz and /routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from cygni.local.gateway.metrics import Metrics
from cygni.local.gateway.table import Candidate, Table


def admin_app(metrics: Metrics, ready: Callable[[], bool], routes: Callable[[], Mapping[str, Any]]) -> web.Application:
    """The application of the admin port."""

    async def show_metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=metrics.page(), headers=headers)

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if ready() else web.Response(status=503, text="the first lists are not complete\n")

    async def show_routes(_: web.Request) -> web.Response:
        return web.json_response(routes())

    app = web.Application()
    app.router.add_get("/metrics", show_metrics)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/routes", show_routes)
    return app


def describe(table: Table, unreadable: Mapping[str, str]) -> dict[str, Any]:
    """The table as JSON, for people who want to know why a request went where it went."""
    return {
        "hosts": {host or "*": [_candidate(each) for each in found] for host, found in sorted(table.hosts.items())},
        "problems": list(table.problems),
        "unreadable": dict(unreadable),
    }


def _candidate(each: Candidate) -> dict[str, Any]:
    match, rule = each.match, each.rule
    return {
        "route": "/".join(rule.key[:2]),
        "path": match.path,
        "exact": match.exact,
        "method": match.method,
        "headers": dict(match.headers),
        "query": dict(match.query),
        "problem": rule.problem,
        "backends": [
            {
                "service": backend.key.backend,
                "weight": backend.weight,
                "revision": backend.revision,
                "problem": backend.problem,
                "endpoints": [f"{endpoint.host}:{endpoint.port}" for endpoint in backend.endpoints],
            }
            for backend in rule.backends
        ],
    }

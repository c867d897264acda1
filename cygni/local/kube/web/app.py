"""The HTTP server: who may ask, which verb a request is, and how refusals are told."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from cygni.local.kube import errors
from cygni.local.kube.errors import ApiError
from cygni.local.kube.objects import Obj
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.storage.watch import Watch
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.scaling import read_scale
from cygni.local.kube.web import discovery, openapi, pods, reading, writing
from cygni.local.kube.web.request import Target, parse_body, parse_path
from cygni.local.kube.web.respond import error_answer, json_answer, object_answer

_log = logging.getLogger(__name__)
_OPEN = frozenset({"/healthz", "/readyz", "/livez", "/version"})
_MAX_BODY = 3 * 1024 * 1024
_WRITERS = {"PUT": writing.replace, "PATCH": writing.patch, "DELETE": writing.delete}
_COLLECTION_WRITERS = {"POST": writing.create, "DELETE": writing.delete_collection}


class Server:
    """Answers for a cluster. `token` is the one bearer token that is let in."""

    def __init__(self, cluster: Cluster, token: str) -> None:
        self._cluster = cluster
        self._token = token.encode()
        self._watches: set[Watch] = set()
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """The aiohttp application, to be run in the loop in which the store is used."""
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_route("*", "/{path:.*}", self._handle)
        application.on_shutdown.append(self._end_watches)
        application.on_cleanup.append(self._close)
        return application

    async def _end_watches(self, _application: web.Application) -> None:
        for watch in list(self._watches):
            self._watches.discard(watch)
            watch.wake()

    async def _close(self, _application: web.Application) -> None:
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.path not in _OPEN and not self._is_known(request):
                return error_answer(errors.unauthorized())
            return await self._route(request)
        except ApiError as error:
            return error_answer(error)
        except web.HTTPRequestEntityTooLarge:
            return error_answer(ApiError(413, "RequestEntityTooLarge", "limit is 3145728"))
        except Exception as error:  # noqa: BLE001 - a client gets a Status whatever goes wrong, the log the trace
            _log.exception("%s %s failed", request.method, request.path)
            return error_answer(errors.internal(f"{type(error).__name__}: {error}"))

    def _is_known(self, request: web.Request) -> bool:
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        given = credential.strip().encode()
        if scheme.lower() == "basic":  # kubectl sends no bearer token without TLS, see `kubeconfig`
            given = _password(given)
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given, self._token)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        target = parse_path(request.path)
        if target is not None:
            return await self._object(request, target)
        parts = [part for part in request.path.split("/") if part]
        if request.path in _OPEN - {"/version"}:
            return web.Response(text="ok")
        if parts == ["version"]:
            return json_answer(dict(discovery.VERSION))
        if parts[:2] == ["openapi", "v3"]:
            return self._openapi(parts[2:])
        found = discovery.answer(request, self._cluster.catalog, parts) if parts else None
        if found is not None:
            return found
        raise errors.no_such_path()

    def _openapi(self, parts: list[str]) -> web.Response:
        catalog = self._cluster.catalog
        if not parts:
            return json_answer(openapi.index(catalog))
        group, version = ("", parts[1]) if parts[0] == "api" and len(parts) == 2 else ("/".join(parts[1:-1]), parts[-1])
        found = openapi.document(catalog, group, version)
        if found is None:
            raise errors.no_such_path()
        return json_answer(found)

    async def _object(self, request: web.Request, target: Target) -> web.StreamResponse:
        if target.group == "authorization.k8s.io":
            return await _review(request, target)
        resource = self._cluster.catalog.find(target.group, target.version, target.plural)
        if resource is None or (target.namespace and not resource.namespaced):
            raise errors.no_such_path()
        if target.subresource:
            return await self._subresource(request, resource, target)
        if request.method == "GET":
            return await self._read(request, resource, target)
        writers = _WRITERS if target.name else _COLLECTION_WRITERS
        writer = writers.get(request.method)
        if writer is None or (resource.namespaced and not target.namespace and request.method == "POST"):
            raise errors.method_not_allowed()
        return await writer(self._cluster, request, resource, target)

    async def _read(self, request: web.Request, resource: Resource, target: Target) -> web.StreamResponse:
        if reading.is_true(request, "watch"):
            return await reading.watch_objects(self._cluster, request, resource, target, self._watches)
        if not target.name:
            return reading.list_objects(self._cluster, request, resource, target)
        obj = self._cluster.get(resource, target.namespace, target.name)
        return object_answer(request, resource, reading.shown(resource, obj))

    async def _subresource(self, request: web.Request, resource: Resource, target: Target) -> web.StreamResponse:
        verb = (request.method, target.subresource)
        if target.subresource not in resource.subresources:
            if resource.custom:  # a real server tells the two apart so: of a custom resource it misses the object
                raise errors.not_found(resource.plural, resource.group, target.name)
            raise errors.no_such_path()
        if verb == ("GET", "log"):
            return await pods.log(self._cluster, request, resource, target, self._client())
        if verb == ("GET", "scale"):
            return json_answer(read_scale(resource, self._cluster.get(resource, target.namespace, target.name)))
        if verb == ("GET", "status"):
            return object_answer(request, resource, self._cluster.get(resource, target.namespace, target.name))
        handlers: dict[tuple[str, str], Callable[..., Awaitable[web.StreamResponse]]] = {
            ("POST", "binding"): pods.bind,
            ("POST", "eviction"): pods.evict,
            ("PUT", "finalize"): writing.replace,
        }
        if target.subresource in {"status", "scale"}:
            handlers |= {("PUT", target.subresource): writing.replace, ("PATCH", target.subresource): writing.patch}
        handler = handlers.get(verb)
        if handler is None:
            raise errors.method_not_allowed()
        return await handler(self._cluster, request, resource, target)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


def _password(credential: bytes) -> bytes:
    try:
        return base64.b64decode(credential, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


async def _review(request: web.Request, target: Target) -> web.Response:
    """Access reviews: whoever has the token may do everything."""
    if (request.method, target.plural) != ("POST", "selfsubjectaccessreviews"):
        raise errors.no_such_path()
    body: Obj = parse_body(await request.read()) or {}
    return json_answer({**body, "status": {"allowed": True, "reason": "the bearer of the token may do everything"}}, 201)

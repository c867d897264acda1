"""Facts read from Kubernetes API objects (plain JSON as the API sends it), with all that routing does not need left out.

Each `read_*` takes one object and is pure. An object that lacks what the API guarantees raises KeyError, TypeError,
ValueError or AttributeError (`UNREADABLE`); the caller skips that object and keeps the others. A part of a route that
the gateway does not support is kept as the rule's `problem`: its requests get an error that says so, since a filter
that is silently skipped would be worse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cygni.local.gateway.cookies import cookies_of

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
IDLE_SECONDS = "cygni.dev/idle-seconds"
REVISION_LABEL = "cygni.dev/revision"
HOST_PORTS = "cygni.dev/host-ports"
_DURATION = re.compile(r"([0-9]{1,5})(ms|h|m|s)")
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+: [\t\x20-\x7e]*")
_UNIT = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener of a Gateway. An empty `hostname` takes every host; `same_namespace` admits only its own namespace."""

    name: str
    hostname: str
    same_namespace: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class GatewayFact:
    """A Gateway and its listeners."""

    namespace: str
    name: str
    listeners: tuple[Listener, ...]


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of a Service; `target` is a container port's name or number."""

    port: int
    target: int | str


@dataclass(frozen=True, slots=True)
class ServiceFact:
    """A Service: whom it selects, and the release it stands for. An empty selector selects nobody.

    `idle` is after how many seconds without a request the Deployment of its name may go to sleep; 0 is never.
    """

    namespace: str
    name: str
    selector: tuple[tuple[str, str], ...]
    ports: tuple[ServicePort, ...]
    revision: str
    idle: float = 0.0


@dataclass(frozen=True, slots=True)
class PodFact:
    """A pod. `ready` also means: not being deleted. `host_ports` maps a declared container port to the port that serves it."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    address: str
    ports: Mapping[str, int]
    host_ports: Mapping[int, int]
    ready: bool


@dataclass(frozen=True, slots=True)
class RequestMatch:
    """One match of a rule; all that is said must hold. Header names are lower case; an empty method is any method.

    `cookies` are those that must be among the request's.
    """

    path: str = "/"
    exact: bool = False
    method: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BackendRef:
    """A Service that gets `weight` shares of a rule's requests."""

    namespace: str
    name: str
    port: int
    weight: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class HeaderChange:
    """A header modifier. Names are lower case; `add` appends to what is there, `put` replaces it."""

    put: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a rule sends its callers; empty parts stay as the request had them."""

    status: int
    scheme: str = ""
    host: str = ""
    port: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class RuleFact:
    """One rule of a route. `timeout` is seconds, 0 for the gateway's own. `problem` says why it cannot be served as written."""

    matches: tuple[RequestMatch, ...]
    backends: tuple[BackendRef, ...]
    request_headers: HeaderChange | None = None
    response_headers: HeaderChange | None = None
    redirect: Redirect | None = None
    timeout: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ParentRef:
    """The Gateway a route asks to hang from; an empty `section` means all its listeners."""

    namespace: str
    name: str
    section: str


@dataclass(frozen=True, slots=True)
class RouteFact:
    """An HTTPRoute. `created` is the RFC 3339 time of creation, which sorts as text."""

    namespace: str
    name: str
    created: str
    hostnames: tuple[str, ...]
    parents: tuple[ParentRef, ...]
    rules: tuple[RuleFact, ...] = field(default=())


def read_gateway(thing: Mapping[str, Any]) -> GatewayFact:
    """The facts of a gateway.networking.k8s.io/v1 Gateway."""
    meta = thing["metadata"]
    return GatewayFact(meta["namespace"], meta["name"], tuple(_listener(each) for each in _list(thing["spec"], "listeners")))


def _listener(raw: Mapping[str, Any]) -> Listener:
    allowed = ((raw.get("allowedRoutes") or {}).get("namespaces") or {}).get("from", "All")
    problem = "" if allowed in ("All", "Same") else f"allowedRoutes.namespaces.from {allowed} is not supported"
    return Listener(raw["name"], str(raw.get("hostname") or "").lower(), allowed == "Same", problem)


def read_service(thing: Mapping[str, Any]) -> ServiceFact:
    """The facts of a core/v1 Service."""
    meta, spec = thing["metadata"], thing["spec"]
    ports = tuple(ServicePort(int(each["port"]), each.get("targetPort") or int(each["port"])) for each in _list(spec, "ports"))
    selector = tuple(sorted((spec.get("selector") or {}).items()))
    revision = (meta.get("labels") or {}).get(REVISION_LABEL, "")
    idle = (meta.get("annotations") or {}).get(IDLE_SECONDS, "0")
    return ServiceFact(
        meta["namespace"], meta["name"], selector, ports, revision, float(idle) if idle.isascii() and idle.isdigit() else 0.0
    )


def read_pod(thing: Mapping[str, Any]) -> PodFact:
    """The facts of a core/v1 Pod. An unreadable host-port annotation raises ValueError."""
    meta, status = thing["metadata"], thing.get("status") or {}
    containers = _list(thing.get("spec") or {}, "containers")
    named = {
        port["name"]: int(port["containerPort"]) for each in containers for port in _list(each, "ports") if port.get("name")
    }
    annotation = (meta.get("annotations") or {}).get(HOST_PORTS, "{}")
    host_ports = {int(declared): int(served) for declared, served in json.loads(annotation).items()}
    condition = any(each["type"] == "Ready" and each["status"] == "True" for each in _list(status, "conditions"))
    ready = condition and not meta.get("deletionTimestamp") and bool(status.get("podIP"))
    labels = dict(meta.get("labels") or {})
    return PodFact(
        meta["namespace"], meta["name"], meta.get("uid", ""), labels, status.get("podIP") or "", named, host_ports, ready
    )


def read_route(thing: Mapping[str, Any]) -> RouteFact:
    """The facts of a gateway.networking.k8s.io/v1 HTTPRoute."""
    meta, spec = thing["metadata"], thing["spec"]
    namespace = meta["namespace"]
    parents = tuple(
        ParentRef(each.get("namespace") or namespace, each["name"], each.get("sectionName") or "")
        for each in _list(spec, "parentRefs")
        if each.get("kind", "Gateway") == "Gateway"
    )
    hostnames = tuple(str(each).lower() for each in _list(spec, "hostnames"))
    rules = tuple(_rule(each, namespace) for each in _list(spec, "rules"))
    return RouteFact(namespace, meta["name"], meta.get("creationTimestamp") or "", hostnames, parents, rules)


def _rule(raw: Mapping[str, Any], namespace: str) -> RuleFact:
    problems: list[str] = []
    matches = tuple(filter(None, (_match(each, problems) for each in _list(raw, "matches") or [{}])))
    request, response, redirect = _filters(_list(raw, "filters"), problems)
    backends = tuple(_backend(each, namespace) for each in _list(raw, "backendRefs"))
    return RuleFact(matches, backends, request, response, redirect, _timeout(raw.get("timeouts") or {}), "; ".join(problems))


def _match(raw: Mapping[str, Any], problems: list[str]) -> RequestMatch | None:
    """A match, or None with a problem noted: a pattern of a tenant's could hold up everybody's requests for seconds."""
    path = raw.get("path") or {}
    kind = path.get("type", "PathPrefix")
    cookies, headers = cookies_of(_list(raw, "headers"))
    queries = _list(raw, "queryParams")
    if kind not in ("Exact", "PathPrefix") or any(each.get("type", "Exact") != "Exact" for each in [*headers, *queries]):
        problems.append("a match by regular expression is not supported")
        return None
    value = path.get("value", "/")
    return RequestMatch(
        path=value if kind == "Exact" else value.rstrip("/") or "/",
        exact=kind == "Exact",
        method=raw.get("method") or "",
        headers=tuple((each["name"].lower(), each["value"]) for each in headers),
        query=tuple((each["name"], each["value"]) for each in queries),
        cookies=cookies,
    )


def _backend(raw: Mapping[str, Any], namespace: str) -> BackendRef:
    problem = ""
    if raw.get("kind", "Service") != "Service" or raw.get("group"):
        problem = f"backend {raw['name']} is not a Service"
    elif raw.get("namespace", namespace) != namespace:
        problem = f"backend {raw['name']} is in another namespace"
    elif raw.get("filters"):
        problem = f"backend {raw['name']} has filters of its own, which are not supported"
    weight = raw.get("weight")
    return BackendRef(namespace, raw["name"], int(raw.get("port") or 0), 1 if weight is None else max(0, int(weight)), problem)


def _filters(
    raw: list[Mapping[str, Any]], problems: list[str]
) -> tuple[HeaderChange | None, HeaderChange | None, Redirect | None]:
    request = response = redirect = None
    for each in raw:
        match each["type"]:
            case "RequestHeaderModifier":
                request = _change(each["requestHeaderModifier"])
            case "ResponseHeaderModifier":
                response = _change(each["responseHeaderModifier"])
            case "RequestRedirect" if _simple_path(each["requestRedirect"]):
                redirect = _redirect(each["requestRedirect"])
            case other:
                problems.append(f"filter {other} is not supported" + (" in this form" if other == "RequestRedirect" else ""))
    return request, response, redirect


def _change(raw: Mapping[str, Any]) -> HeaderChange:
    pairs = {kind: tuple((each["name"].lower(), each["value"]) for each in _list(raw, kind)) for kind in ("set", "add")}
    if any(not _FIELD.fullmatch(f"{name}: {value}") for name, value in pairs["set"] + pairs["add"]):
        raise ValueError("a header modifier holds a malformed name or value")
    return HeaderChange(pairs["set"], pairs["add"], frozenset(each.lower() for each in _list(raw, "remove")))


def _simple_path(raw: Mapping[str, Any]) -> bool:
    return bool((raw.get("path") or {"type": "ReplaceFullPath"})["type"] == "ReplaceFullPath")


def _redirect(raw: Mapping[str, Any]) -> Redirect:
    path = (raw.get("path") or {}).get("replaceFullPath", "")
    return Redirect(
        int(raw.get("statusCode") or 302), raw.get("scheme") or "", raw.get("hostname") or "", int(raw.get("port") or 0), path
    )


def _timeout(raw: Mapping[str, Any]) -> float:
    """The shorter of both time-outs in seconds; 0 when none is set, and a duration of zero sets none."""
    given = [_seconds(raw[kind]) for kind in ("request", "backendRequest") if raw.get(kind)]
    return min((each for each in given if each > 0), default=0.0)


def _seconds(duration: str) -> float:
    """Seconds of a Gateway API duration such as `1m30s` or `500ms`; ValueError for anything else."""
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"not a duration: {duration!r}")
    return float(sum(int(number) * _UNIT[unit] for number, unit in parts))


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    return list(raw.get(key) or [])

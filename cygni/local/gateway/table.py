"""The routing table: an immutable answer to "who serves this request", built from facts by one pure function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cygni.local.gateway import rules
from cygni.local.gateway.objects import (
    BackendRef,
    GatewayFact,
    HeaderChange,
    Listener,
    PodFact,
    Redirect,
    RequestMatch,
    RouteFact,
    RuleFact,
    ServiceFact,
    ServicePort,
)

_ANY = Listener("", "", same_namespace=False)


class Endpoint(NamedTuple):
    """Where a pod answers. The pod's uid belongs to it: another pod on the same port is another endpoint."""

    host: str
    port: int
    uid: str


class SeriesKey(NamedTuple):
    """Whose requests a metric counts; empty parts where nobody was chosen."""

    namespace: str
    route: str
    backend: str


@dataclass(frozen=True, slots=True)
class Backend:
    """A Service behind a rule, with the pods that can answer now. `problem` says why it cannot be served.

    `idle` is after how many seconds without a request it may go to sleep; 0 is never.
    """

    key: SeriesKey
    weight: int
    endpoints: tuple[Endpoint, ...] = ()
    revision: str = ""
    problem: str = ""
    idle: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a route, ready to be followed. `key` is stable across tables; `totals` are running totals of weights."""

    key: tuple[str, str, int]
    backends: tuple[Backend, ...]
    totals: tuple[int, ...]
    request_headers: HeaderChange | None = None
    response_headers: HeaderChange | None = None
    redirect: Redirect | None = None
    timeout: float = 0.0
    problem: str = ""

    def choose(self, point: float) -> Backend | None:
        """The backend whose share of the unit interval holds `point`; None when nobody has a weight."""
        index = rules.choose(self.totals, point)
        return None if index is None else self.backends[index]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One match of one rule under one hostname."""

    match: RequestMatch
    rule: Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The answer of a table: a rule, or None with `known_host` telling whether any route has this host."""

    rule: Rule | None
    known_host: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Routes by hostname pattern (the empty pattern takes every host), each a list with the most precise match first.

    `problems` names, for people, the routes and rules that cannot be served as written.
    """

    hosts: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def match(self, host: str, path: str, method: str, headers: Mapping[str, str], query: str = "") -> Match:
        """Who serves this request. `host` is bare (see `rules.split_host`); any text is answered, nothing raises."""
        known = False
        for pattern in (host, *rules.host_suffixes(host), ""):
            candidates = self.hosts.get(pattern)
            if candidates is None:
                continue
            known = True
            for each in candidates:
                if rules.request_matches(each.match, path, method, headers, query):
                    return Match(each.rule, known_host=True)
        return Match(None, known)

    def backends(self) -> dict[SeriesKey, Backend]:
        """Every backend that a served rule refers to."""
        return {
            backend.key: backend for each in self.hosts.values() for candidate in each for backend in candidate.rule.backends
        }

    def alone(self) -> frozenset[tuple[str, str]]:
        """Services (namespace, name) that have all the traffic of every rule that sends them any: no rollout is under way."""
        shared: set[tuple[str, str]] = set()
        whole: set[tuple[str, str]] = set()
        for rule in (candidate.rule for each in self.hosts.values() for candidate in each):
            weighted = {(each.key.namespace, each.key.backend) for each in rule.backends if each.weight > 0}
            (whole if len(weighted) == 1 else shared).update(weighted)
        return frozenset(whole - shared)

    def endpoints(self) -> frozenset[Endpoint]:
        """Every endpoint that may get a request."""
        return frozenset(endpoint for backend in self.backends().values() for endpoint in backend.endpoints)


def build_table(
    routes: Iterable[RouteFact],
    services: Iterable[ServiceFact],
    pods: Iterable[PodFact],
    gateways: Iterable[GatewayFact] = (),
    serving: tuple[str, str] = ("cygni-system", "cygni"),
) -> Table:
    """The table of all routes that hang from the Gateway `serving` (namespace, name); routes of other Gateways are ignored.

    While that Gateway itself does not exist, its routes are served as if it had one listener for every host.
    """
    backends = _Backends(services, pods)
    known = {(each.namespace, each.name): each for each in gateways}
    hosts: dict[str, list[tuple[tuple[object, ...], Candidate]]] = defaultdict(list)
    problems = []
    for route in routes:
        parents = [each for each in route.parents if (each.namespace, each.name) == serving]
        if not parents:
            continue
        patterns = _patterns(route, known.get(serving), {each.section for each in parents})
        if not patterns:
            problems.append(f"{route.namespace}/{route.name}: no listener of the Gateway takes it")
        problems.extend(f"{route.namespace}/{route.name}: {each.problem}" for each in route.rules if each.problem)
        for order, rule in enumerate(_rules(route, backends)):
            for match in route.rules[order].matches:
                rank = (*rules.precision(match), route.created, route.namespace, route.name, order)
                for pattern in patterns:
                    hosts[pattern].append((rank, Candidate(match, rule)))
    ordered = {
        pattern: tuple(candidate for _, candidate in sorted(ranked, key=lambda each: each[0]))
        for pattern, ranked in hosts.items()
    }
    return Table(ordered, tuple(problems))


def _patterns(route: RouteFact, gateway: GatewayFact | None, sections: set[str]) -> frozenset[str]:
    listeners = (_ANY,) if gateway is None else gateway.listeners
    admitted = [
        each
        for each in listeners
        if not each.problem
        and (gateway is None or "" in sections or each.name in sections)
        and (gateway is None or not each.same_namespace or gateway.namespace == route.namespace)
    ]
    shared = (rules.common_host(host, each.hostname) for host in route.hostnames or ("",) for each in admitted)
    return frozenset(each for each in shared if each is not None)


def _rules(route: RouteFact, backends: _Backends) -> list[Rule]:
    return [
        _rule(each, (route.namespace, route.name, order), tuple(backends.find(ref, route.name) for ref in each.backends))
        for order, each in enumerate(route.rules)
    ]


def _rule(fact: RuleFact, key: tuple[str, str, int], backends: tuple[Backend, ...]) -> Rule:
    return Rule(
        key=key,
        backends=backends,
        totals=rules.cumulative([each.weight for each in backends]),
        request_headers=fact.request_headers,
        response_headers=fact.response_headers,
        redirect=fact.redirect,
        timeout=fact.timeout,
        problem=fact.problem,
    )


class _Backends:
    """Services joined with their ready pods, each looked up once per namespace and not once per route."""

    def __init__(self, services: Iterable[ServiceFact], pods: Iterable[PodFact]) -> None:
        self._services = {(each.namespace, each.name): each for each in services}
        self._pods: dict[str, list[PodFact]] = defaultdict(list)
        for pod in pods:
            if pod.ready:
                self._pods[pod.namespace].append(pod)

    def find(self, ref: BackendRef, route: str) -> Backend:
        key = SeriesKey(ref.namespace, route, ref.name)
        service = self._services.get((ref.namespace, ref.name))
        if ref.problem or service is None:
            return Backend(key, ref.weight, problem=ref.problem or f"Service {ref.name} does not exist")
        port = next((each for each in service.ports if each.port == ref.port), None)
        if port is None:
            return Backend(key, ref.weight, revision=service.revision, problem=f"Service {ref.name} has no port {ref.port}")
        found = (_endpoint(pod, port) for pod in self._pods[service.namespace] if _selects(service, pod))
        ready = tuple(sorted(each for each in found if each is not None))
        return Backend(key, ref.weight, ready, service.revision, idle=service.idle)


def _selects(service: ServiceFact, pod: PodFact) -> bool:
    return bool(service.selector) and all(pod.labels.get(name) == value for name, value in service.selector)


def _endpoint(pod: PodFact, port: ServicePort) -> Endpoint | None:
    target = port.target if isinstance(port.target, int) else pod.ports.get(port.target)
    return None if target is None else Endpoint(pod.address, pod.host_ports.get(target, target), pod.uid)

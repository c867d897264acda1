"""The adapter to the framework: everything that knows Chalice is here.

A request goes: region acts → authenticate → limit → authorize → validate → handler → present. It is taken from the middleware,
never from `app.current_request`: that is one slot for the whole process, and a threaded server would mix requests up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalice import Blueprint, Chalice, Response
from pydantic import BaseModel

from chalicelib.api.journal import READING, tell_refusal, trail_of
from chalicelib.api.pages import error_page, page_headers
from chalicelib.api.problems import Problem, as_oauth, headers_of, problem_of, unexpected
from chalicelib.api.reading import read_body, read_if_match, read_once, read_query, read_sender
from chalicelib.api.rights import needs_approval, verdict_of
from chalicelib.api.routes import Answer, AnyCall, Call, Nothing, Resource, Route
from chalicelib.api.world import World
from chalicelib.identity.principal import Principal
from chalicelib.platform.cold import is_cold
from chalicelib.platform.errors import CygniError, Forbidden, MethodNotAllowed, NotFound
from chalicelib.platform.logs import bind, bound, log
from chalicelib.platform.metrics import COLD_STARTS, emit
from chalicelib.platform.tracing import recorder

_request: ContextVar[Any] = ContextVar("request")
_FUNCTION = "cygni-api"
_PATH_VALUE = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


def keep_request(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Middleware: keeps the request for the view that runs within it."""
    _request.set(event)
    return get_response(event)


def mount(app: Chalice, resources: Iterable[Resource], world: Callable[[], World]) -> None:
    """Registers every resource as a blueprint of the app."""
    app.middleware("http")(keep_request)
    for resource in resources:
        blueprint = Blueprint(f"chalicelib.api.{resource.tag}")
        for route in resource.routes:
            blueprint.route(route.path, methods=[route.method], name=route.name, content_types=["*/*"])(_view(route, world))
        app.register_blueprint(blueprint)


def _view(route: Route, world: Callable[[], World]) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        request = _request.get()
        request_id = str(request.context.get("requestId") or "unknown")
        cold = is_cold(_FUNCTION)
        with bound(correlation_id=request_id, function_name=_FUNCTION, cold_start=cold):
            if cold:
                recorder()
                emit({COLD_STARTS: 1})
            answer = _answered(route, request, request_id, path, world)
            if route.method not in READING:  # those are in the access log, under the same id
                log().info("request", extra={"route": route.name, "status": answer.status_code})
            return answer

    return view


def _answered(route: Route, request: Any, request_id: str, path: dict[str, str], world: Callable[[], World]) -> Response:
    try:
        return _present(route, _serve(route, request, path, world()))
    except CygniError as error:
        known = as_oauth(error) if route.oauth else error
        return _refuse(route, problem_of(known, request_id), headers_of(known))
    except Exception:  # noqa: BLE001 - the last resort of the edge: the caller gets a problem, the log the trace
        log().exception("unexpected error", extra={"route": route.name})
        return _refuse(route, unexpected(request_id), {"Content-Type": "application/problem+json"})


def _serve(route: Route, request: Any, path: dict[str, str], world: World) -> Any:
    now = world.clock()
    if not route.anywhere:
        world.duty.require()
    if route.public:
        return route.handler(_call(route, request, path, world, now, world.nobody))
    who = world.authenticate(request.headers.get("authorization"), now)
    bind(team=who.team)
    world.limits.admit(who.subject, now)
    call = _call_or_refusal(route, request, path, world, now, who)
    try:
        return route.handler(call)
    except Forbidden as refused:
        if who.team and route.method not in READING:
            tell_refusal(who, trail_of(route, call, request), refused)
        raise


def _call_or_refusal(route: Route, request: Any, path: dict[str, str], world: World, now: datetime, who: Principal) -> AnyCall:
    """The call of a caller who may make it. A refusal is written into the team's audit trail before it is raised."""
    try:
        verdict = verdict_of(route, who, path)
        call = _call(route, request, path, world, now, who)
        if needs_approval(route, call, verdict):
            call = replace(call, needs_approval=True)
    except Forbidden as refused:
        if who.team:
            bare: AnyCall = Call(who=who, path=path, body=Nothing(), query=Nothing(), now=now, world=world)
            tell_refusal(who, trail_of(route, bare, request), refused)
        raise
    if route.method in READING:
        return call
    return replace(call, who=who.seen_by(trail_of(route, call, request)))


def _call(route: Route, request: Any, path: dict[str, str], world: World, now: datetime, who: Principal) -> AnyCall:
    for name, value in path.items():
        if not _PATH_VALUE.match(value):
            raise NotFound(f"There is no {name} of that name.")
    return Call(
        who=who,
        path=path,
        body=read_body(route, request),
        query=read_query(route.query, request.query_params),
        now=now,
        world=world,
        if_match=read_if_match(request.headers.get("if-match")) if route.updates else None,
        once=read_once(route, request, who, now) if route.creates and not route.public else None,
        sender=read_sender(request),
    )


def _present(route: Route, given: Any) -> Response:
    answer = given if isinstance(given, Answer) else Answer(given if isinstance(given, BaseModel) else None)
    headers: dict[str, Any] = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if answer.version is not None:
        headers["ETag"] = f'"{answer.version}"'
    if answer.location is not None:
        headers["Location"] = answer.location
    if answer.cookies:
        headers["Set-Cookie"] = list(answer.cookies)
    if isinstance(given, dict):
        return Response(json.dumps(given), status_code=route.status, headers=headers)
    headers |= page_headers() if route.page else {"Content-Type": answer.content_type}
    headers |= answer.headers
    if answer.text is not None:
        return Response(answer.text, status_code=route.status, headers=headers)
    if answer.view is None:
        return Response("", status_code=route.status, headers=headers)
    return Response(answer.view.model_dump_json(), status_code=route.status, headers=headers)


def _refuse(route: Route, problem: Problem, headers: dict[str, str]) -> Response:
    """A problem for programs, a page for people."""
    if route.page:
        return Response(error_page(problem), status_code=problem.status, headers=headers | page_headers())
    return _problem(problem, headers)


def _problem(problem: Problem, headers: dict[str, str]) -> Response:
    return Response(problem.model_dump_json(exclude_none=True), status_code=problem.status, headers=headers)


def no_route(methods: Iterable[str], request_id: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body for a path that no route has, or whose routes have other methods (`methods`)."""
    allowed = sorted(methods)
    error = (
        MethodNotAllowed(f"This path takes {', '.join(allowed)}.") if allowed else NotFound("There is nothing at this path.")
    )
    headers = headers_of(error) | ({"Allow": ", ".join(allowed)} if allowed else {})
    problem = problem_of(error, request_id)
    return problem.status, headers, problem.model_dump_json(exclude_none=True)

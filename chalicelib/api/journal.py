"""What a request's line in the audit trail says, taken from the request itself."""

from __future__ import annotations

from typing import Any

from chalicelib.api.reading import read_sender
from chalicelib.api.routes import AnyCall, Route
from chalicelib.audit.trail import Deed, Trail
from chalicelib.identity.principal import Principal
from chalicelib.platform.errors import CygniError
from chalicelib.platform.logs import log

READING = frozenset({"GET", "HEAD"})


def trail_of(route: Route, call: AnyCall, request: Any) -> Trail:
    """The trail that a request's changes are written with."""
    who, sender = call.who, read_sender(request)
    deed = Deed(
        team=who.team,
        actor=who.subject,
        actor_kind=who.kind.value,
        operation=route.name,
        resource=_resource(route, call),
        request=sender.request,
        source=sender.source,
        now=call.now,
        since=who.since,
        session=who.session,
        retention=call.world.settings.audit_retention,
        creates=_gives_id(route),
    )
    return Trail(deed)


def tell_refusal(who: Principal, trail: Trail, error: CygniError) -> None:
    """Writes down an attempt that was refused. The caller gets the refusal even when the trail cannot be written."""
    try:
        from chalicelib.audit.service import record_refusal

        record_refusal(who.store, trail, error.code)
    except CygniError as failed:
        log().error("a refusal was not recorded", extra={"operation": trail.deed.operation, "error": failed.code})


def _resource(route: Route, call: AnyCall) -> str:
    place = route.path.removeprefix("/v1/").format(**call.path)
    name = None if route.method != "POST" or _gives_id(route) else getattr(call.body, "name", None)
    return (f"{place}/{name}" if isinstance(name, str) else place)[:300]


def _gives_id(route: Route) -> bool:
    """Whether what a route makes is told apart by an id that it gets, and not by the name it was given."""
    return route.status == 201 and route.answer is not None and "id" in route.answer.model_fields

"""What Cygni's records say of a declared service, in the words of the rules."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.deployments.declared import DeclaredRecord, declared_address
from chalicelib.deployments.declared_rules import Handled, Known, Progress
from chalicelib.deployments.models import DeploymentRecord, deployments_pk
from chalicelib.deployments.releases import Release, find_release
from chalicelib.deployments.states import State
from chalicelib.platform.store import team_store
from chalicelib.projects.service import ServiceKey, service_address

RECONCILER = "reconciler"
"""Who a deployment was asked for by, and who did it, where a CygniService is the reason."""


def known_of(key: ServiceKey, *, deleting: bool) -> Known:
    """All that the rules ask for. `deleting` says that the object itself is on its way out."""
    store = team_store(key.team)
    service, note = store.together(service_address(key), declared_address(key))
    lane = service.lane if service is not None else None
    ids = {each for each in (note and note.deployment, lane and lane.active, lane and lane.waiting) if each}
    records = {each: store.fetch(DeploymentRecord, deployments_pk(key), each) for each in sorted(ids)}
    live = find_release(key, int(lane.live)) if lane is not None and lane.live is not None else None
    return Known(
        service=service is not None,
        removing=bool(service is not None and service.deleting and not deleting),
        handled=None if note is None else _handled(note),
        progress=None if note is None else _progress(records.get(note.deployment)),
        active=lane.active if lane else None,
        waiting=lane.waiting if lane else None,
        live=lane.live if lane else None,
        ours=frozenset(each for each, record in records.items() if _ours(record)),
        size=None if live is None else live.size,
        sized=live is not None and _is_declared(key, live, records),
    )


def _is_declared(key: ServiceKey, live: Release, records: Mapping[str, DeploymentRecord | None]) -> bool:
    """Whether a CygniService asked for a release."""
    known = records.get(live.deployment)
    return _ours(known or team_store(key.team).fetch(DeploymentRecord, deployments_pk(key), live.deployment))


def _ours(record: DeploymentRecord | None) -> bool:
    return record is not None and record.created_by == RECONCILER


def _handled(note: DeclaredRecord) -> Handled:
    return Handled(note.uid, int(note.generation), note.digest, note.deployment, bool(note.created), note.known_retries())


def _progress(record: DeploymentRecord | None) -> Progress | None:
    if record is None:
        return None
    state = record.rollout_state
    phase, weight = ("", 0) if state is None else (state.phase.value, state.weight)
    return Progress(State(record.state), int(record.number), record.outcome or "", phase, weight)

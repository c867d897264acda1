"""What the tasks of a rollout have in common: taking up requests, moving along the table, saving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.deployments.models import DeploymentRecord, deployments_pk
from chalicelib.deployments.rules import REQUEST_EVENTS
from chalicelib.deployments.states import Request
from chalicelib.platform.clock import Clock
from chalicelib.platform.errors import LostRace, NotFound
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put, Write
from chalicelib.rollouts.service import Event, Phase, RolloutState, Strategy, Transition, apply, next_task, strategy_from_dict
from chalicelib.runtime.scaling import Gateway

if TYPE_CHECKING:
    from chalicelib.platform.kubeport import Cluster
    from chalicelib.platform.traffic import TrafficMetrics
    from chalicelib.platform.webhooks import Webhooks
    from chalicelib.runtime.service import Readiness


@dataclass(frozen=True, slots=True)
class Ports:
    """What a rollout's tasks reach. `sleep` takes seconds; `webhooks` are asked by custom gates; `gateway` is the cluster's."""

    cluster: Cluster
    metrics: TrafficMetrics
    settings: Settings
    clock: Clock
    sleep: Callable[[float], None]
    webhooks: Webhooks
    gateway: Gateway = field(default_factory=Gateway)


Task = Mapping[str, str]


def take_request(record: DeploymentRecord, now: datetime, *, seen: Sequence[Write] = ()) -> bool:
    """Takes up what was asked of the deployment and saves it; True when the rollout's next task is another one then.

    A request that its phase does not know waits until one does, or until the end. `seen` is what was seen until then; it is
    stored before one that is taken up, so that what led a person to ask can be looked at afterwards.
    """
    if record.requested is None:
        return False
    before = state_of(record)
    by = f" (asked for by {record.requested_by})" if record.requested_by else ""
    transition = move(record, REQUEST_EVENTS[Request(record.requested)], now)
    if not transition.known:
        return False
    after = transition.state
    if record.requested != Request.ABORT:
        record.requested = None
    if after.phase is not before.phase:
        record.tell(now, after.phase.value, transition.sentence + by)
    if seen:
        team_store(record.team).commit(list(seen))
    save(record)
    return next_task(after.phase) != next_task(before.phase)


def move(
    record: DeploymentRecord, event: Event, now: datetime, *, reason: str = "", kind: str = "", message: str = ""
) -> Transition:
    """Applies an event to the rollout; with a `kind`, a known one gets an entry in the timeline. Saves nothing."""
    transition = apply(state_of(record), event, strategy(record), now, reason)
    if transition.known:
        record.rollout = transition.state.to_dict()
        if kind:
            record.tell(now, kind, message or transition.sentence)
    return transition


def not_ready(record: DeploymentRecord, seen: Readiness, now: datetime) -> bool:
    """Whether instances that are awaited failed or are late; then the rollout turns back, which is told and saved."""
    late = record.deadline is not None and now >= record.deadline
    if seen.state != "failed" and not late:
        return False
    said = seen.message if seen.state == "failed" else f"Not ready before its deadline. {seen.message}"
    told = "\n".join([said, *(f"  {line}" for line in seen.log_tail)])
    move(record, Event.NOT_READY, now, reason=told, kind="not_ready", message=told)
    save(record)
    return True


def save(record: DeploymentRecord) -> None:
    """Saves the deployment. Raises LostRace when someone else was first."""
    team_store(record.team).commit([Put(record)])


def confirm(record: DeploymentRecord) -> None:
    """Raises LostRace when someone has saved the deployment since it was loaded or saved here."""
    found = team_store(record.team).fetch(DeploymentRecord, deployments_pk(record.key), record.id)
    if found is None or int(found.version) != int(record.version):
        raise LostRace(f"Deployment {record.id} has changed meanwhile.")


def mark_of(record: DeploymentRecord, now: datetime) -> str:
    """Whose write something is in the cluster. Each time is told apart, also from the same task run again."""
    return f"{record.id}.{int(record.version)}.{now.isoformat()}"


def answer(record: DeploymentRecord) -> dict[str, str]:
    """What a task gives back to the workflow: which task is next."""
    state = record.rollout_state
    return {"next": next_task(state.phase) if state is not None and not record.ended else "Done"}


def state_of(record: DeploymentRecord) -> RolloutState:
    """The rollout's state. Raises NotFound before there is one."""
    state = record.rollout_state
    if state is None:
        raise NotFound(f"Deployment {record.id} has no rollout yet.")
    return state


def strategy(record: DeploymentRecord) -> Strategy:
    """The strategy the deployment began with; none has no steps and no gates."""
    return strategy_from_dict(record.strategy) if record.strategy is not None else Strategy(steps=())


def phase_of(record: DeploymentRecord) -> Phase | None:
    """The phase of a rollout under way; None before it began and after the deployment ended."""
    state = record.rollout_state
    return None if state is None or record.ended else state.phase

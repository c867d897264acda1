"""The live figures of a rollout for those who look. The judge is loaded when somebody does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.platform.clock import Clock

if TYPE_CHECKING:
    from chalicelib.deployments.deciding import Decided
    from chalicelib.identity.principal import Principal
    from chalicelib.platform.traffic import TrafficMetrics
    from chalicelib.rollouts.service import Evidence, Sample, StepExplained, Verdict


def live_verdict(who: Principal, record: DeploymentRecord, metrics: TrafficMetrics, clock: Clock) -> tuple[Sample, Verdict]:
    """One look at the traffic of a rollout under way, and what the judge would say of its present step now.

    It knows of the looks that the newest stored analysis has; the task that watches has more, and may be sooner certain.
    """
    from chalicelib.rollouts.service import last_evidence

    sample, evidence = _looked(record, metrics, clock, last_evidence(who.store, record.team, record.id))
    return sample, evidence.verdict


class Explanation(NamedTuple):
    """A deployment's steps, oldest first, and who decided how it goes; `live`: the newest step is as it stands just now.

    `end` is when the traffic went to one version for good, with the canary's percent since.
    """

    steps: tuple[StepExplained, ...]
    decided: Decided
    live: bool
    end: tuple[datetime, int] | None


def explanation(who: Principal, record: DeploymentRecord, metrics: Callable[[], TrafficMetrics], clock: Clock) -> Explanation:
    """Why a deployment goes, or went, as it does. A step that is being watched is looked at now, which stores nothing.

    `metrics` is asked for only then.
    """
    from chalicelib.deployments.deciding import came_to, decided
    from chalicelib.rollouts.service import WATCHED, explain, newest_of_steps

    steps = newest_of_steps(who.store, record.team, record.id)
    state = record.rollout_state
    live = not record.ended and state is not None and state.phase in WATCHED
    if live:
        now = _looked(record, metrics(), clock, steps[-1] if steps else None)[1]
        steps = [*(step for step in steps if step.step_started_at != now.step_started_at), now]
    return Explanation(explain(steps), decided(record, steps), live, came_to(record))


def _looked(
    record: DeploymentRecord, metrics: TrafficMetrics, clock: Clock, before: Evidence | None
) -> tuple[Sample, Evidence]:
    from chalicelib.deployments.observation import judged, observe, stored_baseline

    sample = observe(record, metrics, clock)
    return sample, judged(record, [*stored_baseline(record), sample], sample.at, before=before)

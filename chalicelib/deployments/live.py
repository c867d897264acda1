"""The live figures of a rollout for those who look. The judge is loaded when somebody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.platform.clock import Clock

if TYPE_CHECKING:
    from chalicelib.identity.principal import Principal
    from chalicelib.platform.traffic import TrafficMetrics
    from chalicelib.rollouts.service import Sample, Verdict


def live_verdict(who: Principal, record: DeploymentRecord, metrics: TrafficMetrics, clock: Clock) -> tuple[Sample, Verdict]:
    """One look at the traffic of a rollout under way, and what the judge would say of its present step now.

    It knows of the looks that the newest stored analysis has; the task that watches has more, and may be sooner certain.
    """
    from chalicelib.deployments.observation import judged, observe, stored_baseline
    from chalicelib.rollouts.service import last_evidence

    sample = observe(record, metrics, clock)
    before = last_evidence(who.store, record.team, record.id)
    return sample, judged(record, [*stored_baseline(record), sample], sample.at, before=before).verdict

"""The live figures of a rollout for those who look. The judge is loaded when somebody does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.platform.clock import Clock

if TYPE_CHECKING:
    from chalicelib.platform.traffic import TrafficMetrics
    from chalicelib.rollouts.service import Sample, Verdict


def live_verdict(record: DeploymentRecord, metrics: TrafficMetrics, clock: Clock) -> tuple[Sample, Verdict]:
    """One look at the traffic of a rollout under way, and what the judge would say of its present step now."""
    from chalicelib.deployments.observation import judged, observe, stored_baseline

    sample = observe(record, metrics, clock)
    return sample, judged(record, [*stored_baseline(record), sample], sample.at).verdict

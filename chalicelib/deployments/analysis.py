"""Watching a canary: several samples in one task, one verdict, and its evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chalicelib.deployments.measured import count_verdict
from chalicelib.deployments.measuring import measure
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.observation import judged, observe, stored_baseline
from chalicelib.deployments.progress import Ports, Task, answer, move, save, state_of, strategy, take_request
from chalicelib.deployments.workflow import load
from chalicelib.platform.errors import LostRace
from chalicelib.platform.store import team_store
from chalicelib.rollouts.service import WATCHED, Decision, Evidence, Sample, event_of, evidence_write, last_evidence


def analyse(event: Task, ports: Ports) -> dict[str, str]:
    """Samples the traffic until a verdict moves the rollout, a person does, or the task's time is over.

    What was asked of the deployment is looked at with every sample, so that an abort waits for one sample at most. The evidence
    is stored when it moves the rollout, before a request is taken up, and when the task's time is over: not with each look,
    since it is billed by its size. What is live meanwhile is judged when somebody asks (`live`).
    """
    ends = ports.clock() + timedelta(seconds=ports.settings.analysis_slice)
    samples: list[Sample] = []
    before: Evidence | None = None
    evidence: Evidence | None = None
    while True:
        record = load(event)
        if state_of(record).phase not in WATCHED or record.ended:
            return answer(record)
        try:
            if take_request(record, ports.clock(), seen=[evidence_write(record.team, evidence)] if evidence else ()):
                return answer(record)
            if not samples:
                samples, before = stored_baseline(record), last_evidence(team_store(record.team), record.team, record.id)
            look = observe(record, ports.metrics, ports.clock)
            samples.append(replace(look, values=measure(record, ports)))
            evidence = judged(record, samples, ports.clock(), before=before)
            if _moved(record, evidence):
                return answer(record)
            if ports.clock() >= ends:
                _keep_watching(record, evidence)
                return answer(record)
        except LostRace:
            # A person's request came between reading and saving: read again and decide again.
            continue
        ports.sleep(ports.settings.sample_interval or strategy(record).interval)


def _moved(record: DeploymentRecord, evidence: Evidence) -> bool:
    """Applies a verdict. A verdict that leads to another task is saved with its evidence; True then."""
    before = state_of(record)
    verdict = evidence.verdict
    transition = move(record, event_of(verdict.decision), evidence.at, reason=verdict.reason)
    if transition.state.phase in WATCHED and transition.state.held is before.held:
        return False
    record.tell(evidence.at, "verdict", f"{_WORDS[verdict.decision]} {verdict.reason}")
    if transition.state.held:
        record.tell(evidence.at, "needs_person", f"{transition.sentence} `cygni resume` does.")
    # Evidence first, and no transaction, which would cost twice: a verdict always has its evidence, and evidence whose
    # verdict was not taken up is one analysis more.
    team_store(record.team).commit([evidence_write(record.team, evidence)])
    save(record)
    count_verdict(record, evidence)
    return transition.state.phase is not before.phase


def _keep_watching(record: DeploymentRecord, evidence: Evidence) -> None:
    """Stores a verdict that changes nothing; the first one that waits for a person is told in the timeline."""
    told = any(event.kind == "needs_person" for event in record.events())
    if evidence.verdict.needs_person and not told:
        record.tell(evidence.at, "needs_person", evidence.verdict.reason)
        save(record)
    team_store(record.team).commit([evidence_write(record.team, evidence)])
    count_verdict(record, evidence)


_WORDS = {
    Decision.PROMOTE: "Promote.",
    Decision.ADVANCE: "Advance.",
    Decision.HOLD: "Hold.",
    Decision.INCONCLUSIVE: "Inconclusive.",
    Decision.ROLL_BACK: "Roll back.",
}

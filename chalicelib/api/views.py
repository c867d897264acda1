"""Domain objects as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chalicelib.platform.late import late
from chalicelib.platform.settings import Settings

if TYPE_CHECKING:
    from chalicelib.builds import schemas as builds_shapes
    from chalicelib.builds.service import Source, Upload
    from chalicelib.deployments import schemas as deployments_shapes
    from chalicelib.deployments.service import DeploymentRecord, Release, TimelineEvent
    from chalicelib.projects import schemas as projects_shapes
    from chalicelib.projects.service import ConfigVersion, Environment, Project, Service, ServiceKey
    from chalicelib.rollouts import schemas as rollouts_shapes
else:
    builds_shapes = late("chalicelib.builds.schemas")
    builds_shapes = late("chalicelib.builds.schemas")
    deployments_shapes = late("chalicelib.deployments.schemas")
    projects_shapes = late("chalicelib.projects.schemas")
    rollouts_shapes = late("chalicelib.rollouts.schemas")


if TYPE_CHECKING:
    from chalicelib.builds.plan import BuildPlan
    from chalicelib.rollouts.service import Evidence, GateResult, Verdict


def project_view(project: Project) -> projects_shapes.ProjectView:
    """A project."""
    return projects_shapes.ProjectView(
        name=project.name, description=project.description, created_at=project.created_at, version=project.version
    )


def environment_view(environment: Environment) -> projects_shapes.EnvironmentView:
    """An environment."""
    return projects_shapes.EnvironmentView(
        project=environment.project,
        name=environment.name,
        kind=environment.kind,
        description=environment.description,
        freezes=tuple(
            projects_shapes.FreezeView(begins=each.begins, until=each.until, reason=each.reason) for each in environment.freezes
        ),
        cluster=environment.cluster,
        created_at=environment.created_at,
        version=environment.version,
    )


def service_view(service: Service, settings: Settings) -> projects_shapes.ServiceView:
    """A service with its queue."""
    key, lane = service.key, service.lane
    return projects_shapes.ServiceView(
        project=key.project,
        environment=key.environment,
        name=key.service,
        description=service.description,
        url=url_of(key, settings),
        live_release=lane.live,
        active_deployment=lane.active,
        waiting_deployment=lane.waiting,
        deleting=service.deleting,
        created_at=service.created_at,
        version=service.version,
    )


def config_view(config: ConfigVersion) -> projects_shapes.ConfigView:
    """A service's config."""
    return projects_shapes.ConfigView(version=config.number, values=dict(config.values), changed_at=config.changed_at)


def source_view(source: Source, upload: Upload) -> builds_shapes.SourceView:
    """A source and how to upload it."""
    request = upload.request
    return builds_shapes.SourceView(
        id=source.id,
        sha256=source.sha256,
        size=source.size,
        created_at=source.created_at,
        upload=builds_shapes.Upload(
            method=request.method, url=request.url, headers=dict(request.headers), expires_at=upload.expires_at
        ),
    )


def plan_view(plan: BuildPlan, dockerfile: str | None) -> builds_shapes.PlanView:
    """A build plan."""
    return builds_shapes.PlanView(
        kind=plan.kind.value,
        summary=plan.summary(),
        start=plan.start or None,
        start_from=plan.start_origin or None,
        dockerfile=dockerfile,
    )


def deployment_view(record: DeploymentRecord, settings: Settings) -> deployments_shapes.DeploymentView:
    """A deployment."""
    return deployments_shapes.DeploymentView(
        id=record.id,
        project=record.project,
        environment=record.environment,
        service=record.service,
        kind=cast(Any, record.kind),
        state=cast(Any, record.state),
        ended=record.ended,
        release=int(record.number),
        stable_release=None if record.stable is None else int(record.stable),
        source=record.source,
        image=record.image,
        message=record.message,
        commit=record.commit,
        requested=record.requested,
        rollout=_rollout_view(record),
        outcome=record.outcome,
        url=url_of(record.key, settings),
        created_at=record.created_at,
        ended_at=record.ended_at,
        created_by=record.created_by,
        approved_by=record.approved_by,
        version=int(record.version or 0),
    )


def event_view(event: TimelineEvent) -> deployments_shapes.EventView:
    """An entry of a timeline."""
    return deployments_shapes.EventView(seq=event.seq, at=event.at, kind=event.kind, message=event.message, by=event.by)


def release_view(release: Release, *, live: bool) -> deployments_shapes.ReleaseView:
    """A release."""
    return deployments_shapes.ReleaseView(
        number=release.number,
        deployment=release.deployment,
        image=release.image,
        config_version=release.config_version,
        spec=release.spec.model_dump(mode="json", by_alias=True),
        live=live,
        created_at=release.created_at,
    )


def evidence_view(evidence: Evidence) -> rollouts_shapes.EvidenceView:
    """One analysis."""
    weight = evidence.samples[-1].weight if evidence.samples else 0
    return rollouts_shapes.EvidenceView(
        at=evidence.at,
        step=evidence.step,
        weight=weight,
        samples=len(evidence.samples),
        verdict=verdict_view(evidence.verdict),
    )


def verdict_view(verdict: Verdict) -> rollouts_shapes.VerdictView:
    """A verdict."""
    gates = tuple(gate_view(gate) for gate in verdict.gates)
    return rollouts_shapes.VerdictView(
        decision=verdict.decision.value, reason=verdict.reason, rule_version=verdict.rule_version, gates=gates
    )


def gate_view(gate: GateResult) -> rollouts_shapes.GateView:
    """How a gate was judged."""
    return rollouts_shapes.GateView(
        name=gate.name,
        metric=gate.metric.value,
        weight=gate.weight.value,
        limit=gate.limit,
        canary=gate.canary,
        stable=gate.stable,
        outcome=gate.outcome.value,
        sentence=gate.sentence,
        low=gate.low,
        high=gate.high,
        allowed=gate.allowed,
        evidence=gate.evidence,
        needed=gate.needed,
        spread=gate.spread,
    )


def arm_view(release: int, figures: Any) -> rollouts_shapes.ArmView:
    """One arm's traffic, from a verdict's figures."""
    requests, errors = figures.requests or 0, figures.errors or 0
    rate = None if not requests else round(100 * errors / requests, 3)
    p95 = None if figures.p95_ms is None else round(figures.p95_ms, 1)
    return rollouts_shapes.ArmView(release=release, requests=requests, errors=errors, error_rate=rate, latency_p95=p95)


def url_of(key: ServiceKey, settings: Settings) -> str:
    """Where a service answers."""
    from chalicelib.deployments.service import target_of

    port = f":{settings.apps_port}" if settings.apps_port else ""
    return f"{settings.apps_scheme}://{target_of(key).host(settings.apps_domain, home=settings.admin_team)}{port}"


def _rollout_view(record: DeploymentRecord) -> deployments_shapes.RolloutView | None:
    state = record.rollout_state
    if state is None:
        return None
    return deployments_shapes.RolloutView(
        phase=state.phase.value,
        step=state.step,
        steps=record.step_weights,
        weight=state.weight,
        paused=state.paused,
        reason=state.reason,
    )

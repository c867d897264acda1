"""A service that sleeps behind KEDA's interceptor, through its rollouts: woken before it is shared, at rest again after."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.deployments.tasks import Gateway
from chalicelib.platform.errors import Failed
from chalicelib.projects.service import ServiceSpec
from chalicelib.runtime import service as runtime
from tests.support.keda import install
from tests.support.rollout import SPEC, TASKS, Stage
from tests.support.world import TEAM

TARGET = runtime.Target(TEAM, "hello", "prod", "web")
SPACE = TARGET.namespace


def spec(scale: dict[str, Any], **rollout: Any) -> ServiceSpec:
    plain = SPEC.model_dump(mode="json", by_alias=True)
    return ServiceSpec.model_validate({**plain, "scale": scale, "rollout": {**plain["rollout"], **rollout}})


SLEEPS = spec({"min": 0, "max": 3})


def least(stage: Stage, release: str) -> int:
    found = stage.cluster.get("ScaledObject", SPACE, release)
    assert found is not None
    return int(found["spec"]["minReplicaCount"])


def asleep(stage: Stage) -> None:
    """KEDA takes the last instance of the first release."""
    stage.cluster.edit("Deployment", SPACE, "web-r1", replicas=0)
    stage.make_ready()


def second(stage: Stage, chosen: ServiceSpec = SLEEPS) -> str:
    """A deployment beside a live release that sleeps; its release is ready and has no traffic yet."""
    install(stage.cluster)
    stage.deploy(spec=SLEEPS)
    asleep(stage)
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], chosen, digit="b")
    stage.run(made["id"], until="Shift")
    return str(made["id"])


def test_what_is_promoted_comes_to_rest_and_the_timeline_says_so(stage: Stage) -> None:
    install(stage.cluster)

    made = stage.deploy(spec=SLEEPS)

    assert made["state"] == "promoted"
    assert runtime.rests(stage.cluster, TARGET)
    assert least(stage, "web-r1") == 0
    assert stage.told(made["id"], "resting") == ["Release 1 may sleep: its requests come through KEDA's interceptor."]


def test_the_stable_release_is_woken_and_ready_before_requests_come_to_it_directly(stage: Stage) -> None:
    deployment = second(stage)
    assert runtime.rests(stage.cluster, TARGET)

    waited = TASKS["Shift"](stage.event(deployment), stage.ports())["next"]
    assert (waited, runtime.rests(stage.cluster, TARGET), least(stage, "web-r1")) == ("Shift", True, 1)

    stage.make_ready()
    stage.run(deployment, "Shift", until="Analyse")
    assert stage.weights() == {1: 80, 2: 20}
    assert not runtime.rests(stage.cluster, TARGET)


def test_the_release_that_took_over_rests_in_place_of_the_one_before_it(stage: Stage) -> None:
    deployment = second(stage)
    stage.revives = True
    stage.run(deployment, "Shift")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "promoted"
    assert stage.weights() == {2: 100}
    assert {name for kind, _, name in stage.cluster.state() if kind == "HTTPScaledObject"} == {"web-r2"}
    assert (runtime.rests(stage.cluster, TARGET), least(stage, "web-r2")) == (True, 0)


def test_a_release_that_fails_leaves_the_stable_one_at_rest_again(stage: Stage) -> None:
    deployment = second(stage)
    stage.revives, stage.failing = True, 0.5
    stage.run(deployment, "Shift")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert stage.weights() == {1: 100}
    assert (runtime.rests(stage.cluster, TARGET), least(stage, "web-r1")) == (True, 0)


def test_a_stable_release_that_never_wakes_holds_up_its_successor_until_the_deadline_only(stage: Stage) -> None:
    deployment = second(stage)

    stage.run(deployment, "Shift", until="Analyse")

    assert stage.weights() == {1: 80, 2: 20}


def test_a_rollout_that_waits_for_the_stable_release_can_be_aborted(stage: Stage) -> None:
    deployment = second(stage)
    TASKS["Shift"](stage.event(deployment), stage.ports())
    assert stage.api.post(f"{stage.path}/deployments/{deployment}/abort").status == 202
    stage.revives = True

    stage.run(deployment, "Shift")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] in {"aborted", "rolled_back"}
    assert stage.weights() == {1: 100}


def test_a_release_that_is_recreated_wakes_nobody(stage: Stage) -> None:
    deployment = second(stage, spec({"min": 0, "max": 3}, strategy="recreate"))
    stage.run(deployment, "Shift")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "promoted"
    assert (stage.weights(), runtime.rests(stage.cluster, TARGET)) == ({2: 100}, True)


@pytest.mark.parametrize(
    ("scale", "said"),
    [({"min": 1, "max": 3, "requests": 20}, "Install KEDA in the cluster"), ({"min": 0}, "one instance stays")],
)
def test_what_the_cluster_cannot_do_is_on_the_timeline_with_its_remedy(stage: Stage, scale: dict[str, Any], said: str) -> None:
    stage.gateway = Gateway("envoy-gateway", "http://prometheus.monitoring.svc:9090")

    made = stage.deploy(spec=spec(scale))

    assert made["state"] == "promoted"
    (note,) = stage.told(made["id"], "scaling")
    assert said in note


def test_a_cluster_that_refuses_the_rest_keeps_the_release_awake_and_promoted(stage: Stage) -> None:
    install(stage.cluster)

    class Guarded(type(stage.cluster)):  # type: ignore[misc]
        def apply(self, manifest: Any, *, force: bool = True) -> Any:
            if manifest["kind"] == "ReferenceGrant":
                raise Failed("The cluster answered 403 for ReferenceGrant: referencegrants is forbidden")
            return super().apply(manifest, force=force)

    guarded = Guarded()
    guarded.objects, guarded.installed = stage.cluster.objects, stage.cluster.installed
    stage.cluster = guarded

    made = stage.deploy(spec=SLEEPS)

    assert made["state"] == "promoted"
    assert (runtime.rests(guarded, TARGET), least(stage, "web-r1")) == (False, 1)
    (note,) = stage.told(made["id"], "resting")
    assert note.startswith("Release 1 stays awake. The cluster answered 403")

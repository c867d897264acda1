"""A rolling release, task by task: how many instances both releases have at each write, and how it goes on, back, or waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from chalicelib.platform.errors import LostRace
from chalicelib.projects.service import ServiceSpec
from tests.chalicelib.deployments.test_strategies import ask, told
from tests.fakes.kube import FakeCluster, Json
from tests.support.rollout import SPEC, TASKS, Stage
from tests.support.store import memory_store
from tests.support.world import Client, Fakes


class CountingCluster(FakeCluster):
    """Notes after each write how many pods each release asks for, how many of them are ready, and the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[dict[int, int], dict[int, int], dict[int, int]]] = []

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        applied = super().apply(manifest, force=force)
        self._note()
        return applied

    def scale(self, namespace: str, deployment: str, pods: int, *, version: str, notes: Mapping[str, str]) -> bool:
        done = super().scale(namespace, deployment, pods, version=version, notes=notes)
        self._note()
        return done

    def asked(self) -> dict[int, int]:
        return {
            int(name.rpartition("-r")[2]): int(each["spec"]["replicas"])
            for (kind, _, name), each in self.objects.items()
            if kind == "Deployment"
        }

    def _note(self) -> None:
        asked, ready = self.asked(), {}
        for (kind, _, name), each in self.objects.items():
            if kind == "Deployment":
                number = int(name.rpartition("-r")[2])
                ready[number] = min(asked[number], int(each.get("status", {}).get("readyReplicas", 0)))
        routes = [each for (kind, _, _), each in self.objects.items() if kind == "HTTPRoute"]
        backends = [ref for route in routes for ref in route["spec"]["rules"][-1]["backendRefs"]]
        self.seen.append((asked, ready, {int(ref["name"].rpartition("-r")[2]): ref["weight"] for ref in backends}))


@pytest.fixture
def stage() -> Iterator[Stage]:
    with memory_store():
        fakes = Fakes()
        api = Client(fakes)
        api.post("/v1/projects", {"name": "hello"})
        api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        yield Stage(api, fakes, CountingCluster(), revives=True)


def spec(size: int = 4, most: int | None = None, **rollout: Any) -> ServiceSpec:
    plain = SPEC.model_dump(mode="json", by_alias=True)
    scale = {**plain["scale"], "min": size, "max": most or max(1, size)}
    return ServiceSpec.model_validate(
        {**plain, "scale": scale, "rollout": {**plain["rollout"], "strategy": "rolling", "steps": [], **rollout}}
    )


def cluster_of(stage: Stage) -> CountingCluster:
    assert isinstance(stage.cluster, CountingCluster)
    return stage.cluster


def second(stage: Stage, chosen: ServiceSpec, before: ServiceSpec | None = None) -> str:
    """A deployment beside a live release of the same size, about to be prepared."""
    stage.deploy(spec=before or chosen)
    stage.make_ready()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], chosen, digit="b")
    cluster_of(stage).seen.clear()
    return str(made["id"])


def kept_to(stage: Stage, *, most: int, least: int) -> None:
    """At each write: no more than `most` asked for, and each release has its share of `least`, to the nearest instance."""
    assert cluster_of(stage).seen
    for asked, ready, weights in cluster_of(stage).seen:
        assert sum(asked.values()) <= most, (asked, ready, weights)
        assert sum(ready.values()) >= least, (asked, ready, weights)
        for number, weight in weights.items():
            assert ready.get(number, 0) * 100 >= weight * least - 50, (asked, ready, weights)


def scalers(stage: Stage) -> list[str]:
    return [name for kind, _, name in stage.cluster.state() if kind == "HorizontalPodAutoscaler"]


@pytest.mark.parametrize(
    ("rollout", "most", "least"),
    [
        ({}, 5, 3),
        ({"maxSurge": 1, "maxUnavailable": 0}, 5, 4),
        ({"maxSurge": 0, "maxUnavailable": 1}, 4, 3),
        ({"maxSurge": "100%", "maxUnavailable": 0}, 8, 4),
    ],
    ids=["as usual", "one more", "one less", "all at once"],
)
def test_instances_move_in_batches_within_the_limits_and_every_batch_is_judged(
    stage: Stage, rollout: dict[str, Any], most: int, least: int
) -> None:
    deployment = second(stage, spec(4, **rollout))

    ran = stage.run(deployment)
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "promoted"
    assert cluster_of(stage).asked() == {2: 4}
    assert stage.weights() == {2: 100}
    kept_to(stage, most=most, least=least)
    moved = [weights[2] for _, _, weights in cluster_of(stage).seen if weights.get(2)]
    assert moved == sorted(moved)
    assert ran.count("Analyse") == ran.count("Shift") == len({*moved})


def test_one_instance_is_replaced_by_one_that_is_ready_before_it_ends(stage: Stage) -> None:
    deployment = second(stage, spec(1, maxSurge=0, maxUnavailable="25%"))

    stage.run(deployment)

    kept_to(stage, most=2, least=1)
    assert cluster_of(stage).asked() == {2: 1}


def test_a_release_that_breaks_in_its_second_batch_gives_all_back_to_a_stable_one_of_full_size(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    stage.run(deployment, "Analyse", until="Shift")
    assert cluster_of(stage).asked() == {1: 3, 2: 2}
    stage.failing = 0.5

    stage.run(deployment, "Shift", until="RollBack")
    cluster_of(stage).seen.clear()
    stage.run(deployment, "RollBack")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert cluster_of(stage).asked() == {1: 4}
    assert stage.weights() == {1: 100}
    kept_to(stage, most=6, least=4)
    whole = next(ready for _, ready, weights in cluster_of(stage).seen if weights == {1: 100})
    assert whole[1] == 4


@pytest.mark.parametrize("about_to_write", ["web-r1", "web-r2"])
def test_a_worker_that_is_late_takes_no_instance_from_a_release_that_has_its_traffic_again(
    stage: Stage, about_to_write: str
) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    stage.run(deployment, "Analyse", until="AwaitReady")
    stage.cluster.just_before("scale", "Deployment", about_to_write, lambda: stage.run(deployment, "RollBack"))

    with suppress(LostRace):
        TASKS["AwaitReady"](stage.event(deployment), stage.ports())
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert cluster_of(stage).asked() == {1: 4}
    assert stage.weights() == {1: 100}


def test_a_worker_that_looks_again_while_a_rollout_turns_back_finds_that_it_does(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    stage.run(deployment, "Analyse", until="AwaitReady")
    stage.cluster.just_before(
        "apply", "HTTPRoute", "web", lambda: stage.run(deployment, "AwaitReady", until="RollBack", most=2)
    )

    stage.run(deployment, "RollBack")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert cluster_of(stage).asked() == {1: 4}


def test_a_worker_that_prepared_a_release_too_late_does_not_take_the_instances_that_it_has_by_now(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.cluster.just_before("apply", "Deployment", "web-r2", lambda: stage.run(deployment, until="Analyse"))

    with pytest.raises(LostRace):
        TASKS["Prepare"](stage.event(deployment), stage.ports())

    assert cluster_of(stage).asked() == {1: 4, 2: 1}
    assert stage.weights() == {1: 75, 2: 25}


def test_a_worker_that_turns_back_too_late_gives_nothing_to_a_release_that_the_next_deployment_leads(stage: Stage) -> None:
    chosen = spec(4, most=6, maxSurge=1, maxUnavailable=0)
    deployment = second(stage, chosen)
    stage.run(deployment, until="Analyse")

    def next_one() -> None:
        stage.run(deployment, "RollBack")
        stage.finish(deployment)
        made = stage.create()
        stage.begin(made["id"])
        stage.built(made["id"], chosen, digit="c")
        stage.run(made["id"], until="Analyse")

    stage.cluster.just_before("scale", "Deployment", "web-r1", next_one)
    with pytest.raises(LostRace):
        TASKS["RollBack"](stage.event(deployment), stage.ports())

    assert cluster_of(stage).asked() == {1: 4, 3: 1}
    assert scalers(stage) == []


def test_a_batch_whose_instances_do_not_start_turns_the_rollout_back(stage: Stage) -> None:
    deployment = second(stage, spec(4))
    stage.run(deployment, until="Analyse")
    stage.run(deployment, "Analyse", until="AwaitReady")
    stage.revives = stage.ready = False

    stage.run(deployment, "AwaitReady", until="RollBack")
    stage.revives = True
    stage.run(deployment, "RollBack")
    stage.finish(deployment)

    assert "Not ready before its deadline" in str(stage.read(deployment)["outcome"])
    assert cluster_of(stage).asked() == {1: 4}


def test_each_batch_has_the_time_of_a_first_one_to_become_ready(stage: Stage) -> None:
    patient = spec(4, batchFor="20s", maxSurge=1, maxUnavailable=0)
    deployment = second(stage, patient.model_copy(update={"health": patient.health.model_copy(update={"deadline": "30s"})}))
    began = stage.fakes.clock()

    stage.run(deployment)

    assert stage.read(deployment)["rollout"]["phase"] == "promoted"
    assert (stage.fakes.clock() - began).total_seconds() > 4 * 20


def test_a_pause_holds_between_batches_and_resuming_goes_on_with_the_same_one(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    ask(stage, deployment, "pause")
    assert TASKS["Analyse"](stage.event(deployment), stage.ports())["next"] == "Analyse"
    held = stage.read(deployment)["rollout"], cluster_of(stage).asked()

    ask(stage, deployment, "resume")
    stage.run(deployment, "Analyse")

    assert (held[0]["phase"], held[0]["weight"], held[1]) == ("paused", 25, {1: 4, 2: 1})
    assert cluster_of(stage).asked() == {2: 4}
    kept_to(stage, most=5, least=4)


def test_a_pause_asked_for_while_a_batch_starts_holds_before_its_traffic_moves(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    stage.run(deployment, "Analyse", until="AwaitReady")
    ask(stage, deployment, "pause")
    stage.run(deployment, "AwaitReady", until="Analyse")
    held = stage.weights()

    ask(stage, deployment, "resume")
    stage.run(deployment, "Analyse")

    assert held == {1: 75, 2: 25}
    assert stage.weights() == {2: 100}


def test_promoting_by_hand_goes_through_the_batches_that_are_left_without_judging_them(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    ask(stage, deployment, "promote")

    ran = stage.run(deployment, "Analyse")
    stage.finish(deployment)

    assert ran[:2] == ["Analyse", "Promote"]
    assert set(ran[2:]) <= {"Promote", "Settle"}
    assert stage.read(deployment)["state"] == "promoted"
    assert cluster_of(stage).asked() == {2: 4}
    kept_to(stage, most=5, least=4)


def test_an_abort_while_the_rest_is_promoted_by_hand_turns_back(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    ask(stage, deployment, "promote")
    stage.run(deployment, "Analyse", until="Promote")
    stage.revives = False
    assert TASKS["Promote"](stage.event(deployment), stage.ports())["next"] == "Promote"
    ask(stage, deployment, "abort")
    stage.revives = True

    stage.run(deployment, "Promote")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert cluster_of(stage).asked() == {1: 4}


def test_a_release_that_is_promoted_by_hand_and_does_not_start_turns_back(stage: Stage) -> None:
    deployment = second(stage, spec(4, maxSurge=1, maxUnavailable=0))
    stage.run(deployment, until="Analyse")
    ask(stage, deployment, "promote")
    stage.run(deployment, "Analyse", until="Promote")
    stage.revives = False
    stage.run(deployment, "Promote", until="RollBack")
    stage.revives = True
    stage.run(deployment, "RollBack")

    assert "Not ready before its deadline" in str(stage.read(deployment)["rollout"]["reason"])
    assert cluster_of(stage).asked() == {1: 4}


def test_an_abort_after_the_promotion_brings_the_old_release_back_in_full(stage: Stage) -> None:
    deployment = second(stage, spec(4))
    stage.run(deployment, until="Settle")
    ask(stage, deployment, "abort")

    stage.run(deployment, "Settle")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert cluster_of(stage).asked() == {1: 4}
    assert stage.weights() == {1: 100}


def test_no_autoscaler_leads_a_size_meanwhile_and_the_promoted_release_gets_its_own(stage: Stage) -> None:
    chosen = spec(2, most=8, maxSurge=1, maxUnavailable=0)
    stage.deploy(spec=chosen)
    stage.cluster.edit("Deployment", _namespace(stage), "web-r1", replicas=6)  # what the autoscaler chose
    stage.make_ready()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], chosen, digit="b")
    assert scalers(stage) == ["web-r1"]

    stage.run(made["id"], until="Shift")
    during = scalers(stage)
    stage.run(made["id"], "Shift")

    assert during == []
    assert cluster_of(stage).asked() == {2: 6}
    assert scalers(stage) == ["web-r2"]


def test_a_rollout_that_turns_back_gives_the_old_release_its_autoscaler_again(stage: Stage) -> None:
    chosen = spec(2, most=8)
    deployment = second(stage, chosen)
    stage.cluster.edit("Deployment", _namespace(stage), "web-r1", replicas=6)
    stage.make_ready()
    stage.run(deployment, until="Analyse")
    ask(stage, deployment, "abort")

    stage.run(deployment, "Analyse")

    assert cluster_of(stage).asked() == {1: 6}
    assert scalers(stage) == ["web-r1"]


def test_an_abort_before_the_sizes_are_known_gives_the_autoscaler_back_too(stage: Stage) -> None:
    deployment = second(stage, spec(2, most=8))
    stage.cluster.fail_after(2)
    with pytest.raises(Exception, match="died before this write"):
        TASKS["Prepare"](stage.event(deployment), stage.ports())
    assert scalers(stage) == []
    ask(stage, deployment, "abort")

    stage.run(deployment)

    assert scalers(stage) == ["web-r1"]
    assert cluster_of(stage).asked() == {1: 2}


def test_a_service_that_grows_or_shrinks_with_the_release_ends_with_its_new_size(stage: Stage) -> None:
    deployment = second(stage, spec(6), before=spec(2))
    stage.run(deployment)
    stage.finish(deployment)
    grown = cluster_of(stage).asked()

    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], spec(1), digit="c")
    stage.run(made["id"])

    assert (grown, cluster_of(stage).asked()) == ({2: 6}, {3: 1})


def test_a_service_that_sleeps_is_replaced_by_one_that_is_awake(stage: Stage) -> None:
    deployment = second(stage, spec(0, maxSurge=1, maxUnavailable=0))
    stage.cluster.edit("Deployment", _namespace(stage), "web-r1", replicas=0)  # nobody asked for it

    stage.run(deployment)

    assert stage.read(deployment)["rollout"]["phase"] == "promoted"
    assert cluster_of(stage).asked() == {2: 1}


def test_a_first_release_has_nothing_to_roll_from(stage: Stage) -> None:
    ended = stage.deploy(spec=spec(4))

    assert ended["state"] == "promoted"
    assert cluster_of(stage).asked() == {1: 4}


def test_nothing_is_promoted_that_nobody_used(stage: Stage) -> None:
    deployment = second(stage, spec(4))
    stage.rate = 0
    stage.run(deployment, until="Analyse")

    assert TASKS["Analyse"](stage.event(deployment), stage.ports())["next"] == "Analyse"
    assert not [each for each in told(stage, deployment) if each.startswith(("Advance", "Promote"))]


def test_what_restarts_a_releases_own_instances_keeps_to_the_same_limits(stage: Stage) -> None:
    stage.deploy(spec=spec(4, maxSurge="50%", maxUnavailable=1))
    found = stage.cluster.get("Deployment", _namespace(stage), "web-r1")

    assert found is not None
    assert found["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "50%", "maxUnavailable": 1}


def _namespace(stage: Stage) -> str:
    return next(key[1] for key in stage.cluster.state() if key[0] == "HTTPRoute")

"""What people declare in a cluster is rolled out, reported, repaired and removed, driven run by run against fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bench.store_count import counting
from chalicelib.deployments.tasks import Hands, Shard, reconcile
from chalicelib.platform.kubeport import Json
from chalicelib.platform.kubewatch import Page
from chalicelib.projects.service import ServiceSpec
from chalicelib.runtime.declared import RETRY
from chalicelib.runtime.drift import WATCHED
from chalicelib.runtime.namespaces import namespace_objects
from chalicelib.runtime.rules import Target
from tests.fakes.watched import FakeWatchedCluster
from tests.support.rollout import Stage
from tests.support.store import memory_store
from tests.support.world import TEAM, Client, Clock, Fakes

IMAGE = "registry.localhost/hello/web@sha256:"
TARGET = Target(TEAM, "hello", "prod", "web")
NAMESPACE = TARGET.namespace
ROLLOUT = {"steps": [{"weight": 20, "for": "10s"}], "interval": "1s", "minRequests": 20}
ROLLING = ServiceSpec.model_validate(
    {"scale": {"min": 4, "max": 4}, "rollout": {"strategy": "rolling", "maxSurge": 1, "maxUnavailable": 0, "interval": "1s"}}
)
READY = {"conditions": [{"type": "Ready", "status": "True"}], "observedGeneration": 1}
RESTING = 1 + len(WATCHED)
"""Calls of a run in which nothing changed: one look for each kind."""


@dataclass
class SlowCluster(FakeWatchedCluster):
    """A cluster that takes its time for each page."""

    clock: Clock
    seconds: float = 130

    def __post_init__(self) -> None:
        super().__init__()

    def page(self, kind: str, labels: Mapping[str, str], *, limit: int, after: str = "") -> Page:
        self.clock.sleep(self.seconds)
        return super().page(kind, labels, limit=limit, after=after)


@dataclass
class Reconciled:
    """The reconciler over a cluster in memory, and the workflows' tasks driven by hand."""

    stage: Stage
    cluster: FakeWatchedCluster

    def run(self, **shard: Any) -> Any:
        fakes = self.stage.fakes
        fakes.clock.sleep(60)
        now = fakes.clock()
        hands = Hands(
            cluster=self.cluster,
            workflows=fakes.workflows,  # type: ignore[arg-type]
            settings=fakes.settings,
            new_id=lambda prefix: fakes.ids(prefix, fakes.clock()),
            clock=fakes.clock,
        )
        return reconcile(hands, Shard("own", **shard), until=now + timedelta(seconds=240))

    def declare(self, digit: str = "a", **spec: Any) -> None:
        self.cluster.declare(NAMESPACE, "web", image=IMAGE + digit * 64, rollout=ROLLOUT, **spec)

    def roll_out(self) -> None:
        """Does the workflow's work for the deployment that is under way."""
        made = self.object()["status"]["deployment"]
        self.stage.begin(made)
        self.stage.run(made)
        self.stage.finish(made)

    def live(self, digit: str = "a", **spec: Any) -> None:
        """A declared service whose release has all the traffic, and a reconciler that has heard of it all."""
        self.declare(digit, **spec)
        self.run()
        self.roll_out()
        for _ in range(3):
            self.run()

    def turn_back(self) -> None:
        """The same, and then another spec whose release fails its gates."""
        self.live()
        self.stage.failing = 0.5
        self.declare("b")
        self.run()
        self.roll_out()
        self.run()

    def object(self) -> Json:
        found = self.cluster.get("CygniService", NAMESPACE, "web")
        assert found is not None
        return found

    def condition(self, kind: str) -> tuple[str, str, str]:
        found = {each["type"]: each for each in self.object()["status"]["conditions"]}[kind]
        return found["status"], found["reason"], found["message"]

    def deployments(self) -> list[Json]:
        return list(self.stage.api.get(f"{self.stage.path}/deployments").json["items"])

    def audited(self) -> list[tuple[str, str, str]]:
        lines = self.stage.api.get("/v1/audit").json["items"]
        return [(line["actor"], line["actor_kind"], line["operation"]) for line in lines]


@pytest.fixture
def world() -> Iterator[Reconciled]:
    with memory_store():
        fakes = Fakes()
        api = Client(fakes)
        api.post("/v1/projects", {"name": "hello"})
        cluster = FakeWatchedCluster()
        for each in namespace_objects(TARGET)[:1]:
            cluster.apply(each)
        yield Reconciled(Stage(api, fakes, cluster=cluster), cluster)


def test_what_is_applied_becomes_a_service_is_rolled_out_and_reported_ready(world: Reconciled) -> None:
    world.declare()
    world.run()

    assert world.condition("Progressing")[:2] == ("True", "RollingOut")
    assert world.object()["metadata"]["finalizers"] == ["cygni.dev/service"]
    world.roll_out()
    world.run()

    assert world.condition("Ready")[:2] == ("True", "Live")
    assert [world.condition(kind)[0] for kind in ("Progressing", "Degraded")] == ["False", "False"]
    status = world.object()["status"]
    assert (status["observedGeneration"], status["release"]) == (1, 1)
    assert ("reconciler", "system", "reconcile.deploy") in world.audited()


def test_a_generation_starts_one_deployment_however_often_it_is_looked_at(world: Reconciled) -> None:
    world.declare()
    for _ in range(3):
        world.cluster.forget()
        world.run()

    assert [each["release"] for each in world.deployments()] == [1]


def test_a_change_goes_out_as_a_canary(world: Reconciled) -> None:
    world.live()
    world.declare("b")
    world.run()
    made = world.object()["status"]["deployment"]
    world.stage.begin(made)

    ran = world.stage.run(made)
    world.stage.finish(made)
    world.run()

    assert ran.count("Analyse") >= 1
    assert world.stage.weights() == {2: 100}
    assert world.condition("Ready")[2] == "Release 2 has all the traffic."


def test_a_release_that_fails_is_reported_degraded_with_its_reason(world: Reconciled) -> None:
    world.turn_back()

    status, reason, message = world.condition("Degraded")
    assert (status, reason) == ("True", "RolledBack")
    assert "requests failed" in message
    assert message.endswith("Release 1 has the traffic.")
    assert world.condition("Ready")[0] == "False"


def test_a_retry_annotation_starts_the_same_spec_again_once_for_each_value(world: Reconciled) -> None:
    world.turn_back()
    assert world.condition("Degraded")[1] == "RolledBack"
    world.stage.failing = 0.0

    world.cluster.annotate(NAMESPACE, "web", RETRY, "the database is back")
    for _ in range(3):
        world.run()
    world.roll_out()
    world.run()

    assert [(each["release"], each["state"]) for each in world.deployments()] == [
        (3, "promoted"),
        (2, "rolled_back"),
        (1, "promoted"),
    ]
    assert world.condition("Ready")[2] == "Release 3 has all the traffic."
    world.cluster.annotate(NAMESPACE, "web", RETRY, "again")
    world.run()
    assert len(world.deployments()) == 3, "what has the traffic is not started again"


def test_an_aborted_spec_is_started_again_by_an_annotation_that_is_set_while_it_turns_back(world: Reconciled) -> None:
    world.live()
    world.declare("b")
    world.run()
    made = world.object()["status"]["deployment"]
    world.stage.begin(made)
    world.stage.run(made, until="Analyse")
    world.stage.api.post(f"{world.stage.path}/deployments/{made}/abort")
    world.cluster.annotate(NAMESPACE, "web", RETRY, "1")
    world.run()
    assert len(world.deployments()) == 2

    world.stage.run(made, "Analyse")
    world.stage.finish(made)
    world.run()
    world.roll_out()
    world.run()

    assert [each["state"] for each in world.deployments()] == ["promoted", "rolled_back", "promoted"]


def test_a_spec_that_is_mended_in_mid_rollout_aborts_the_one_before_it(world: Reconciled) -> None:
    world.live()
    world.declare("b")
    world.run()
    first = world.object()["status"]["deployment"]
    world.stage.begin(first)
    world.stage.run(first, until="Analyse")
    world.declare("c")
    world.run()

    world.stage.run(first, "Analyse")
    world.stage.finish(first)
    world.run()
    world.roll_out()
    world.run()

    assert [(each["release"], each["state"]) for each in world.deployments()][:2] == [(3, "promoted"), (2, "rolled_back")]
    assert world.condition("Ready")[2] == "Release 3 has all the traffic."


def test_drift_is_repaired_in_what_is_cygnis_and_told(world: Reconciled) -> None:
    world.live()
    world.cluster.edit("Deployment", NAMESPACE, "web-r1", replicas=7)
    world.run()

    found = world.cluster.get("Deployment", NAMESPACE, "web-r1")
    assert found is not None
    assert found["spec"]["replicas"] == 1
    told = [each["message"] for each in world.cluster.events(NAMESPACE, "web") if each["reason"] == "DriftRepaired"]
    assert told == ["Brought back: Deployment web-r1: spec.replicas."]
    assert ("reconciler", "system", "reconcile.repair_drift") in world.audited()


def replicas(world: Reconciled, release: str = "web-r1") -> int:
    found = world.cluster.get("Deployment", NAMESPACE, release)
    assert found is not None
    return int(found["spec"]["replicas"])


def test_another_number_of_replicas_scales_what_runs_and_makes_no_release(world: Reconciled) -> None:
    world.live()
    world.declare(replicas=3)
    world.run()
    world.stage.make_ready()
    world.cluster.edit("Deployment", NAMESPACE, "web-r1", paused=True)
    world.run()

    assert replicas(world) == 3
    assert [each["release"] for each in world.deployments()] == [1]
    status = world.object()["status"]
    assert (status["replicas"], status["selector"]) == (3, "cygni.dev/revision=r1,cygni.dev/service=web")
    assert (status["observedGeneration"], world.condition("Ready")[0]) == (2, "True")
    assert ("reconciler", "system", "reconcile.scale") in world.audited()
    assert "Release 1 was scaled to 3." in [each["message"] for each in world.cluster.events(NAMESPACE, "web")]


def test_a_number_that_is_taken_out_again_gives_the_service_its_own_size(world: Reconciled) -> None:
    world.live(replicas=3)
    assert replicas(world) == 3

    world.declare()
    world.run()

    assert replicas(world) == 1


def test_what_was_scaled_is_what_a_repair_and_the_next_release_have(world: Reconciled) -> None:
    world.live()
    world.declare(replicas=3)
    world.run()
    world.cluster.edit("Deployment", NAMESPACE, "web-r1", replicas=7)
    world.run()
    assert replicas(world) == 3

    world.live("b", replicas=3)

    assert replicas(world, "web-r2") == 3


def test_a_release_is_scaled_when_its_rollout_has_ended(world: Reconciled) -> None:
    world.live()
    world.declare("b")
    world.run()
    world.declare("b", replicas=4)
    world.run()
    assert replicas(world, "web-r1") == 1

    world.roll_out()
    world.run()

    assert replicas(world, "web-r2") == 4
    assert [each["release"] for each in world.deployments()] == [2, 1]


@pytest.mark.parametrize("drifted", [False, True], ids=["scaled", "repaired"])
def test_a_release_whose_rollout_has_begun_meanwhile_is_neither_scaled_nor_repaired(world: Reconciled, drifted: bool) -> None:
    world.live(replicas=4)
    if drifted:
        world.cluster.edit("Deployment", NAMESPACE, "web-r1", replicas=7)
    else:
        world.declare(replicas=2)

    def roll() -> None:
        made = world.stage.create()
        world.stage.begin(made["id"])
        world.stage.built(made["id"], ROLLING)
        world.stage.run(made["id"], until="Analyse")

    def about_to_write(then: Callable[[], None]) -> None:
        world.cluster.just_before("apply", "Deployment", "web-r1", then)

    about_to_write(roll if drifted else lambda: about_to_write(roll))  # what was just written is looked at for drift first
    before = replicas(world)
    world.run()

    assert replicas(world, "web-r2") == 1
    assert replicas(world) == before


def test_within_a_range_a_number_is_what_the_autoscaler_goes_on_from(world: Reconciled) -> None:
    world.live(autoscale={"min": 2, "max": 6})
    world.cluster.edit("Deployment", NAMESPACE, "web-r1", replicas=5)
    world.run()
    assert replicas(world) == 5

    world.declare(autoscale={"min": 2, "max": 6}, replicas=4)
    world.run()
    assert replicas(world) == 4

    world.cluster.edit("Deployment", NAMESPACE, "web-r1", replicas=6)
    world.run()
    assert replicas(world) == 6


def test_a_number_outside_of_the_range_is_told_where_the_cluster_let_it_pass(world: Reconciled) -> None:
    world.declare(autoscale={"min": 2, "max": 6}, replicas=9)
    world.run()

    assert world.condition("Degraded")[1:] == (
        "InvalidSpec",
        "replicas: 9 is outside of autoscale, 2 to 6: change one of them.",
    )


def test_somebody_elses_release_is_not_scaled_for_an_object(world: Reconciled) -> None:
    world.live(replicas=1)
    world.stage.deploy(digit="b")
    world.declare(replicas=3)
    world.run()

    assert replicas(world, "web-r2") == 1
    assert world.condition("Ready")[1] == "OtherRelease"


def test_what_sleeps_is_not_woken_by_a_repair(world: Reconciled) -> None:
    world.live(autoscale={"min": 0})
    world.cluster.edit("Deployment", NAMESPACE, "web-r1", replicas=0)
    world.run()

    assert replicas(world) == 0


def test_what_is_undeclared_leaves_nothing_behind(world: Reconciled) -> None:
    world.live()
    world.cluster.undeclare(NAMESPACE, "web")
    world.run()

    left = {(kind, name) for kind, _, name in world.cluster.state() if kind not in {"Event", "Namespace", "Pod"}}
    assert not [each for each in left if each[1].startswith("web") or "inventory" in each[1]]
    assert world.stage.api.get(world.stage.path).status == 404
    assert world.run().left == 0


def test_a_service_that_was_there_before_its_object_stays_when_the_object_goes(world: Reconciled) -> None:
    world.stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
    world.live()
    world.cluster.undeclare(NAMESPACE, "web")
    world.run()

    assert world.stage.api.get(world.stage.path).json["live_release"] == 1
    assert world.cluster.get("CygniService", NAMESPACE, "web") is None


def test_a_namespace_that_nobody_knows_is_told_what_to_do(world: Reconciled) -> None:
    del world.cluster.objects["Namespace", "", NAMESPACE]["metadata"]["labels"]["cygni.dev/project"]
    world.declare()
    world.run()

    status, reason, message = world.condition("Degraded")
    assert (status, reason) == ("True", "UnknownNamespace")
    assert "label it with cygni.dev/team" in message


def test_nobody_gets_into_another_teams_namespace_by_a_label(world: Reconciled) -> None:
    other = "team_01J00000000000000000000001"
    world.cluster.objects["Namespace", "", NAMESPACE]["metadata"]["labels"]["cygni.dev/team"] = other
    world.declare()
    world.run()

    assert world.condition("Degraded")[1] == "UnknownNamespace"
    assert world.stage.api.get(world.stage.path).status == 404


def test_a_frozen_environment_is_told_and_what_was_declared_begins_when_it_thaws(world: Reconciled) -> None:
    until = (world.stage.fakes.clock() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    frozen = "/v1/projects/hello/environments/prod/freezes"
    assert world.stage.api.post(frozen, {"until": until, "reason": "holidays"}).status == 200
    world.declare()
    world.run()
    assert world.condition("Degraded")[1] == "Conflict"
    assert "holidays" in world.condition("Degraded")[2]

    world.stage.fakes.clock.sleep(7200)
    world.run()

    assert world.condition("Progressing")[0] == "True"


def test_other_services_secrets_are_refused(world: Reconciled) -> None:
    world.declare(envFrom=["secrets://prod/other"])
    world.run()

    assert world.condition("Degraded")[1:] == (
        "ForeignSecrets",
        "secrets://prod/other is not this service's own: write secrets://prod/web.",
    )


def test_a_release_gets_config_variables_only_where_its_object_asks_for_them(world: Reconciled) -> None:
    world.stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
    world.stage.api("PATCH", f"{world.stage.path}/config", {"set": {"KEY": "value"}})
    world.live()
    without = world.cluster.get("Secret", NAMESPACE, "web-r1")
    world.live(envFrom=["secrets://prod/web"])
    having = world.cluster.get("Secret", NAMESPACE, "web-r2")

    assert without is not None
    assert without["data"] == {}
    assert having is not None
    assert list(having["data"]) == ["KEY"]


def test_a_domain_of_ones_own_is_on_the_route(world: Reconciled) -> None:
    world.live(domains=["shop.example.com"])

    route = world.cluster.get("HTTPRoute", NAMESPACE, "web")
    assert route is not None
    assert route["spec"]["hostnames"] == ["hello.localhost", "shop.example.com"]


@pytest.mark.parametrize("count", [10, 1000, 10_000])
def test_services_that_do_not_change_cost_no_calls_and_are_listed_in_pages(world: Reconciled, count: int) -> None:
    for index in range(count):
        made = world.cluster.declare(f"space-{index % 50}", f"s{index}", image=IMAGE + "a" * 64)
        found = world.cluster.objects["CygniService", f"space-{index % 50}", f"s{index}"]
        found["status"], found["metadata"]["finalizers"] = READY, ["cygni.dev/service"]
        assert made["metadata"]["generation"] == 1
    first = world.run()
    listed = world.cluster.calls["page"]
    world.cluster.calls.clear()

    again = world.run()

    assert (first.noted, again.noted, again.left) == (0, 0, 0)
    assert world.cluster.calls == {"changes": RESTING}
    assert world.cluster.most <= 250
    assert listed <= count / 250 + RESTING + 1


def test_a_list_that_is_too_long_for_one_run_is_left_and_read_anew_with_what_was_noted_worked_on(world: Reconciled) -> None:
    slow = world.cluster = SlowCluster(world.stage.fakes.clock)
    for index in range(260):
        slow.declare(f"space-{index}", "web", image=IMAGE + "a" * 64)

    first = world.run()
    slow.seconds = 0
    for (kind, _, _), found in slow.objects.items():
        if kind == "CygniService":
            found["status"], found["metadata"]["finalizers"] = READY, ["cygni.dev/service"]
    again = world.run()
    pages = slow.calls["page"]
    world.run()

    assert (first.noted, first.worked, again.noted) == (250, 250, 0)
    assert slow.calls["page"] == pages


def test_no_two_notes_are_one_transaction(world: Reconciled) -> None:
    world.run()
    for index in range(20):
        world.cluster.declare(f"space-{index}", "web", image=IMAGE + "a" * 64)

    with counting() as counter:
        world.run()

    noted = [each for each in counter.touches if each.key.startswith("CLUSTER#") and each.written]
    assert len(noted) >= 20
    assert {each.written for each in noted} == {1}


def test_shards_share_the_namespaces_between_them(world: Reconciled) -> None:
    for index in range(20):
        world.cluster.declare(f"space-{index}", "web", image=IMAGE + "a" * 64)

    noted = [world.run(index=index, of=3).noted for index in range(3)]

    assert sum(noted) == 20
    assert all(noted)

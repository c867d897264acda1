"""Who scales a release: what is chosen, what is written for it, and how a release comes to rest and wakes again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.platform.errors import ClusterUnavailable, LostRace
from chalicelib.platform.gateways import PRESETS
from chalicelib.platform.kubeport import Json
from chalicelib.projects.spec import Scale
from chalicelib.runtime import drift, service
from chalicelib.runtime.resting import rest
from chalicelib.runtime.scalers import INTERCEPTOR
from chalicelib.runtime.scaling import Gateway, Offer, choose
from tests.chalicelib.runtime.builders import HOST, TARGET, workload
from tests.fakes.kube import FakeCluster
from tests.support.custom_schema import assert_valid_custom
from tests.support.keda import DEFINITIONS, install

SPACE = TARGET.namespace
METRICS = Gateway("envoy-gateway", "http://prometheus-operated.monitoring.svc:9090")
NOTHING, KEDA, ALL = Offer(), Offer(keda=True), Offer(keda=True, interceptor=True)
REQUESTS = {"min": 2, "max": 6, "requests": 50, "cpuPercent": 70}
SLEEPS = {"min": 0, "max": 4, "idle": "10m"}


@pytest.fixture
def cluster() -> FakeCluster:
    made = FakeCluster()
    install(made)
    return made


def apply(cluster: FakeCluster, scale: Json, number: int = 1, **more: Any) -> tuple[str, ...]:
    return service.apply_release(cluster, workload(number, spec={"scale": scale, **more}), host=HOST, gateway=METRICS)


def to_rest(cluster: FakeCluster, scale: Json, number: int = 1, **more: Any) -> bool:
    return rest(cluster, workload(number, spec={"scale": scale, **more}), host=HOST, gateway=METRICS)


def spec_of(cluster: FakeCluster, kind: str, name: str = "web-r1", namespace: str = SPACE) -> Any:
    found = cluster.get(kind, namespace, name)
    assert found is not None
    return found["spec"]


def kinds(cluster: FakeCluster) -> set[str]:
    return {kind for kind, _, name in cluster.objects if name == "web-r1"}


@pytest.mark.parametrize(
    ("scale", "offer", "gateway", "by", "said"),
    [
        (REQUESTS, KEDA, METRICS, "keda", ()),
        (REQUESTS, NOTHING, METRICS, "cpu", ("Install KEDA",)),
        (REQUESTS, KEDA, Gateway("envoy-gateway"), "cpu", ("name a Prometheus",)),
        (REQUESTS, KEDA, Gateway("aws-load-balancer-controller", "http://p"), "cpu", ("give no rate",)),
        (SLEEPS, ALL, METRICS, "keda", ()),
        (SLEEPS, KEDA, METRICS, "cpu", ("one instance stays",)),
        (SLEEPS, NOTHING, METRICS, "cpu", ("one instance stays",)),
        (SLEEPS, NOTHING, Gateway("cygni"), "cpu", ()),
        (SLEEPS | {"requests": 9}, NOTHING, METRICS, "cpu", ("Install KEDA", "one instance stays")),
        (SLEEPS | {"requests": 9}, ALL, Gateway("envoy-gateway"), "keda", ("name a Prometheus",)),
        ({"min": 1, "max": 3}, ALL, METRICS, "cpu", ()),
    ],
)
def test_what_a_cluster_has_is_used_and_what_it_has_not_is_said(
    scale: Json, offer: Offer, gateway: Gateway, by: str, said: tuple[str, ...]
) -> None:
    chosen = choose(Scale.model_validate(scale), offer, gateway)

    assert (chosen.by, len(chosen.notes), chosen.resting) == (by, len(said), False)
    assert all(part in note for part, note in zip(said, chosen.notes, strict=True))


def test_requests_are_followed_by_keda_beside_cpu_use_and_by_no_other_autoscaler(cluster: FakeCluster) -> None:
    assert apply(cluster, REQUESTS) == ()

    scaled = spec_of(cluster, "ScaledObject")
    assert "HorizontalPodAutoscaler" not in kinds(cluster)
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"], scaled["scaleTargetRef"]["name"]) == (2, 6, "web-r1")
    rate, cpu = scaled["triggers"]
    assert rate["metadata"]["threshold"] == "50"
    assert rate["metadata"]["serverAddress"] == METRICS.prometheus
    assert "envoy_cluster_endpoint_rq_success" in rate["metadata"]["query"]
    assert cpu == {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}


@pytest.mark.parametrize("preset", [name for name, each in PRESETS.items() if each.rate is not None])
def test_the_rate_of_every_gateway_names_the_release_and_is_taken_over_a_minute(cluster: FakeCluster, preset: str) -> None:
    gateway = Gateway(preset, "http://prometheus")
    service.apply_release(cluster, workload(spec={"scale": REQUESTS}), host=HOST, gateway=gateway)

    query = spec_of(cluster, "ScaledObject")["triggers"][0]["metadata"]["query"]
    assert "web-r1" in query
    assert "[1m]" in query
    assert "last_over_time" not in query


def test_a_cluster_without_keda_gets_an_autoscaler_and_the_caller_a_sentence() -> None:
    plain = FakeCluster()

    (note,) = apply(plain, REQUESTS)

    assert "HorizontalPodAutoscaler" in kinds(plain)
    assert "ScaledObject" not in kinds(plain)
    assert note.endswith("Install KEDA in the cluster and deploy again.")


def test_a_service_that_asks_for_neither_has_nobody_ask_the_cluster(cluster: FakeCluster) -> None:
    cluster.serves = lambda kind: pytest.fail(f"it was asked for {kind}")  # type: ignore[method-assign, return-value]

    apply(cluster, {"min": 2, "max": 4})


def test_a_release_that_has_an_autoscaler_keeps_it_when_keda_comes(cluster: FakeCluster) -> None:
    installed, cluster.installed = cluster.installed, frozenset()
    apply(cluster, REQUESTS)
    cluster.installed = installed

    apply(cluster, REQUESTS)
    drift.repair(cluster, workload(spec={"scale": REQUESTS}), host=HOST, confirm=lambda: None, gateway=METRICS)

    assert "HorizontalPodAutoscaler" in kinds(cluster)
    assert "ScaledObject" not in kinds(cluster)


def test_a_release_that_may_sleep_begins_awake_and_reached_directly(cluster: FakeCluster) -> None:
    apply(cluster, SLEEPS)

    scaled = spec_of(cluster, "ScaledObject")
    assert (scaled["minReplicaCount"], [each["type"] for each in scaled["triggers"]]) == (1, ["cpu"])
    assert service.weights(cluster, TARGET) == {1: 100}
    assert not service.rests(cluster, TARGET)


@pytest.mark.parametrize("scale", [SLEEPS, {"min": 0}, SLEEPS | {"requests": 20}], ids=["range", "one", "requests"])
def test_at_rest_requests_come_through_the_interceptor_and_no_instance_need_run(cluster: FakeCluster, scale: Json) -> None:
    apply(cluster, scale, domains=["shop.example.com"])

    assert to_rest(cluster, scale, domains=["shop.example.com"])

    held, scaled = spec_of(cluster, "HTTPScaledObject"), spec_of(cluster, "ScaledObject")
    assert held["hosts"] == [HOST, "shop.example.com"]
    assert (held["scaleTargetRef"]["service"], held["scaleTargetRef"]["port"]) == ("web-r1", 80)
    assert scaled["minReplicaCount"] == 0
    pushed = next(each for each in scaled["triggers"] if each["type"] == "external-push")
    assert pushed["metadata"] == {
        "scalerAddress": "keda-add-ons-http-external-scaler.keda:9090",
        "httpScaledObject": "web-r1",
    }
    route = spec_of(cluster, "HTTPRoute", "web")
    assert route["hostnames"] == [HOST, "shop.example.com"]
    assert route["rules"] == [{"backendRefs": [{"name": INTERCEPTOR, "namespace": "keda", "port": 8080, "weight": 1}]}]
    assert service.weights(cluster, TARGET) == {1: 100}
    assert spec_of(cluster, "ReferenceGrant", f"cygni-{SPACE}", "keda")["from"][0]["namespace"] == SPACE
    assert spec_of(cluster, "NetworkPolicy", "cygni-allow-interceptor")["policyTypes"] == ["Ingress"]


def test_a_release_comes_to_rest_though_it_dies_at_any_write(cluster: FakeCluster) -> None:
    apply(cluster, SLEEPS)
    assert to_rest(cluster, SLEEPS)
    whole, writes = cluster.state(), len(cluster.writes)
    for at in range(writes):
        again = FakeCluster()
        install(again)
        apply(again, SLEEPS)
        again.fail_after(at)
        try:
            to_rest(again, SLEEPS)
        except ClusterUnavailable:
            assert not _asleep_and_reached_directly(again)
            to_rest(again, SLEEPS)
        again.fail_after(None)
        to_rest(again, SLEEPS)
        assert again.state() == whole


def _asleep_and_reached_directly(cluster: FakeCluster) -> bool:
    return spec_of(cluster, "ScaledObject")["minReplicaCount"] == 0 and not service.rests(cluster, TARGET)


@pytest.mark.parametrize(
    ("scale", "installed"),
    [({"min": 1, "max": 3}, ("ScaledObject", "HTTPScaledObject")), (SLEEPS | {"requests": 5}, ("ScaledObject",)), (SLEEPS, ())],
    ids=["never sleeps", "no interceptor", "no KEDA"],
)
def test_what_may_not_sleep_or_could_not_be_woken_stays_awake(scale: Json, installed: tuple[str, ...]) -> None:
    plain = FakeCluster()
    if installed:
        install(plain, *installed)
    apply(plain, scale)
    before = plain.state()

    assert not to_rest(plain, scale)
    assert plain.state() == before


def test_a_release_that_shares_the_traffic_does_not_rest(cluster: FakeCluster) -> None:
    for number in (1, 2):
        apply(cluster, SLEEPS, number)
    put_up = service.fence(cluster, TARGET)
    service.set_weights(cluster, TARGET, {1: 80, 2: 20}, host=HOST, put_up=put_up, mark="t")

    assert not to_rest(cluster, SLEEPS, 1)


class Busy(FakeCluster):
    """A cluster in which somebody moves the traffic while a release is put to rest."""

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        if manifest["kind"] == "ReferenceGrant":
            put_up = service.fence(self, TARGET)
            service.set_weights(self, TARGET, {1: 90, 2: 10}, host=HOST, put_up=put_up, mark="next")
        return super().apply(manifest, force=force)


def test_a_release_does_not_rest_when_the_route_was_written_meanwhile() -> None:
    cluster = Busy()
    install(cluster)
    apply(cluster, SLEEPS)
    apply(cluster, SLEEPS, 2)

    with pytest.raises(LostRace):
        to_rest(cluster, SLEEPS)

    assert service.weights(cluster, TARGET) == {1: 90, 2: 10}


def test_a_release_is_woken_before_the_interceptor_forgets_it(cluster: FakeCluster) -> None:
    apply(cluster, SLEEPS)
    to_rest(cluster, SLEEPS)
    cluster.edit("Deployment", SPACE, "web-r1", replicas=0)

    apply(cluster, SLEEPS)

    assert spec_of(cluster, "Deployment")["replicas"] == 1
    assert spec_of(cluster, "ScaledObject")["minReplicaCount"] == 1
    assert service.rests(cluster, TARGET)
    assert spec_of(cluster, "HTTPScaledObject")["scaleTargetRef"]["service"] == "web-r1"


def test_a_repair_brings_a_resting_release_back_to_rest_and_does_not_wake_it(cluster: FakeCluster) -> None:
    apply(cluster, SLEEPS)
    to_rest(cluster, SLEEPS)
    cluster.edit("Deployment", SPACE, "web-r1", replicas=0)
    cluster.edit("ScaledObject", SPACE, "web-r1", minReplicaCount=3)
    cluster.edit("HTTPRoute", SPACE, "web", rules=[])

    found = drift.repair(cluster, workload(spec={"scale": SLEEPS}), host=HOST, confirm=lambda: None, gateway=METRICS)

    assert {str(each) for each in found} == {"ScaledObject web-r1: spec.minReplicaCount", "HTTPRoute web: spec.rules"}
    assert spec_of(cluster, "Deployment")["replicas"] == 0
    assert service.rests(cluster, TARGET)


def test_what_is_retired_or_removed_leaves_nothing_of_keda_behind(cluster: FakeCluster) -> None:
    apply(cluster, SLEEPS)
    to_rest(cluster, SLEEPS)
    apply(cluster, SLEEPS, 2)
    put_up = service.fence(cluster, TARGET)
    service.set_weights(cluster, TARGET, {2: 100}, host=HOST, put_up=put_up, mark="t")
    service.retire(cluster, TARGET, {2}, upto=2, mark="gone")
    to_rest(cluster, SLEEPS, 2)
    assert {name for kind, _, name in cluster.objects if kind.endswith("ScaledObject")} == {"web-r2"}

    service.remove_service(cluster, TARGET)

    assert set(cluster.objects) == {("Namespace", "", "keda")}


def test_what_is_written_is_valid_by_kedas_own_definitions(cluster: FakeCluster) -> None:
    written = 0
    for scale in (REQUESTS, SLEEPS, {"min": 0}, SLEEPS | {"requests": 20}):
        apply(cluster, scale)
        to_rest(cluster, scale)
        for (kind, _, _), each in cluster.state().items():
            if kind in ("ScaledObject", "HTTPScaledObject", "ReferenceGrant"):
                assert_valid_custom(each, DEFINITIONS)
                written += 1
        service.remove_service(cluster, TARGET)
    assert written == 1 + 3 * 3

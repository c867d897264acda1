"""Sizes that a rollout leads, against a cluster in memory."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.platform.errors import ClusterUnavailable, LostRace
from chalicelib.runtime import service, sizes
from chalicelib.runtime.fence import MARK
from chalicelib.runtime.scaling import Gateway
from tests.chalicelib.runtime.builders import HOST, TARGET, workload
from tests.fakes.kube import FakeCluster

SCALED = {"scale": {"min": 2, "max": 6}}


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


def apply(cluster: FakeCluster, number: int = 1, **changes: Any) -> None:
    service.apply_release(cluster, workload(number, **changes), host=HOST, gateway=Gateway())


def seen(cluster: FakeCluster) -> sizes.Size:
    return sizes.size_of(cluster, TARGET, 1)


def scalers(cluster: FakeCluster) -> list[str]:
    return [name for kind, _, name in cluster.objects if kind == "HorizontalPodAutoscaler"]


def test_a_release_grows_and_shrinks_one_way_each_and_twice_is_once(cluster: FakeCluster) -> None:
    apply(cluster, replicas=3)

    for _ in range(2):
        sizes.grow(cluster, seen(cluster), 2, "a")
        sizes.shrink(cluster, seen(cluster), 5, "a")
    assert sizes.pods_of(cluster, TARGET, 1) == 3
    sizes.grow(cluster, seen(cluster), 4, "a")
    sizes.grow(cluster, seen(cluster), 4, "a")
    assert sizes.pods_of(cluster, TARGET, 1) == 4
    sizes.shrink(cluster, seen(cluster), 1, "a")
    assert sizes.pods_of(cluster, TARGET, 1) == 1


def test_a_release_that_is_not_there_has_no_size_and_gets_none(cluster: FakeCluster) -> None:
    sizes.grow(cluster, seen(cluster), 4, "a")
    sizes.shrink(cluster, seen(cluster), 0, "a")
    sizes.hold(cluster, seen(cluster), "a", least=4)

    assert sizes.pods_of(cluster, TARGET, 1) is None
    assert cluster.writes == []


def test_one_that_is_held_keeps_its_size_or_gets_the_least_that_it_is_to_have(cluster: FakeCluster) -> None:
    apply(cluster, replicas=3)

    for least in (0, 2, 5):
        sizes.hold(cluster, seen(cluster), f"at least {least}", least=least)
    marked = cluster.get("Deployment", TARGET.namespace, "web-r1")

    assert marked is not None
    assert (marked["spec"]["replicas"], marked["metadata"]["annotations"][MARK]) == (5, "at least 5")


def test_a_release_that_another_worker_took_over_is_given_no_autoscaler(cluster: FakeCluster) -> None:
    apply(cluster, spec=SCALED)
    late = seen(cluster)
    sizes.hold(cluster, seen(cluster), "another")
    sizes.take_over(cluster, TARGET, 1)

    with pytest.raises(LostRace):
        sizes.give_back(cluster, workload(1, spec=SCALED), late, "late", host=HOST, gateway=Gateway())

    assert scalers(cluster) == []


def test_taking_over_removes_the_autoscaler_alone_and_giving_back_writes_nothing_else(cluster: FakeCluster) -> None:
    apply(cluster, spec=SCALED)
    sizes.hold(cluster, seen(cluster), "a")
    before = cluster.state()

    sizes.take_over(cluster, TARGET, 1)
    sizes.take_over(cluster, TARGET, 1)
    taken = scalers(cluster)
    cluster.writes.clear()
    for _ in range(2):
        sizes.give_back(cluster, workload(1, spec=SCALED), seen(cluster), "a", host=HOST, gateway=Gateway())

    assert taken == []
    assert cluster.state() == before
    assert {kind for _, kind, _ in cluster.writes} == {"ConfigMap", "HorizontalPodAutoscaler", "Deployment"}


def test_what_is_not_scaled_by_itself_gets_no_autoscaler_back(cluster: FakeCluster) -> None:
    apply(cluster)
    before = cluster.state()

    sizes.give_back(cluster, workload(1), seen(cluster), "a", host=HOST, gateway=Gateway())

    assert cluster.state() == before


@pytest.mark.parametrize("writes", range(4))
def test_what_died_between_its_writes_is_done_again_to_the_same_end(cluster: FakeCluster, writes: int) -> None:
    apply(cluster, spec=SCALED)
    sizes.hold(cluster, seen(cluster), "a")
    before = cluster.state()
    cluster.fail_after(writes)
    for _ in range(2):
        try:
            sizes.take_over(cluster, TARGET, 1)
            sizes.give_back(cluster, workload(1, spec=SCALED), seen(cluster), "a", host=HOST, gateway=Gateway())
        except ClusterUnavailable:
            continue
    cluster.fail_after(None)
    sizes.give_back(cluster, workload(1, spec=SCALED), seen(cluster), "a", host=HOST, gateway=Gateway())

    assert cluster.state() == before


def test_a_release_whose_size_is_led_has_exactly_so_many_pods_and_no_autoscaler(cluster: FakeCluster) -> None:
    apply(cluster, spec=SCALED, replicas=0, led=True)

    assert sizes.pods_of(cluster, TARGET, 1) == 0
    assert scalers(cluster) == []

"""What Cygni relies on from a cluster: the same tests for the one in memory, the embedded one, and a real one.

`make test-cluster` runs them on the real one; they make namespaces of their own there and remove them.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

import pytest

from chalicelib.platform.errors import Failed, LostRace
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.runtime import service, sizes
from chalicelib.runtime.resting import rest
from chalicelib.runtime.rules import Target
from tests.chalicelib.runtime.builders import workload
from tests.contract.api import Api, eventually, insisting
from tests.fakes.kube import FakeCluster
from tests.support.keda import DEFINITIONS, install
from tests.support.keda import KINDS as KEDA

KINDS = ["fake", pytest.param("embedded", marks=pytest.mark.slow), pytest.param("real", marks=pytest.mark.cluster)]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    from cygni.local.kube.server import Options, running_in_thread

    path = tmp_path_factory.mktemp("kube") / "kubeconfig"
    with running_in_thread(Options(token=secrets.token_hex(16)), path):
        yield str(path)


@pytest.fixture(params=KINDS)
def cluster(request):
    if request.param == "fake":
        yield FakeCluster()
        return
    found = request.getfixturevalue("real").kubeconfig if request.param == "real" else request.getfixturevalue("embedded")
    client = KubernetesCluster.from_kubeconfig(found)
    yield client
    client.close()


@pytest.fixture
def space(cluster):
    """A namespace of the test's own."""
    name = f"contract-{secrets.token_hex(4)}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.delete("Namespace", "", name)


def config_map(space, name="a", *, labels=None, version="", **data):
    meta = {"name": name, "namespace": space, "labels": labels or {}} | ({"resourceVersion": version} if version else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def test_what_was_applied_can_be_read(cluster, space):
    applied = cluster.apply(config_map(space, key="value"))

    assert cluster.get("ConfigMap", space, "a") == applied
    assert applied["data"] == {"key": "value"}


def test_applying_the_same_again_changes_nothing(cluster, space):
    first = cluster.apply(config_map(space, key="value"))

    again = cluster.apply(config_map(space, key="value"))

    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_what_is_no_longer_applied_is_taken_out(cluster, space):
    cluster.apply(config_map(space, one="1", two="2"))

    cluster.apply(config_map(space, two="2"))

    assert cluster.get("ConfigMap", space, "a")["data"] == {"two": "2"}


def test_a_write_that_names_an_older_version_loses(cluster, space):
    old = cluster.apply(config_map(space, key="1"))["metadata"]["resourceVersion"]
    new = cluster.apply(config_map(space, key="2", version=old))["metadata"]["resourceVersion"]

    with pytest.raises(LostRace):
        cluster.apply(config_map(space, key="3", version=old))

    assert cluster.get("ConfigMap", space, "a")["metadata"]["resourceVersion"] == new


def test_a_version_binds_nothing_when_the_object_is_gone(cluster, space):
    assert cluster.apply(config_map(space, version="1", key="value"))["data"] == {"key": "value"}


def test_an_object_in_a_namespace_that_is_gone_is_a_lost_race(cluster):
    with pytest.raises(LostRace, match="not found"):
        cluster.apply(config_map("contract-nowhere"))


def test_a_kind_that_the_cluster_does_not_serve_is_refused(cluster, space):
    wrong = {"apiVersion": "v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": space}}

    with pytest.raises(Failed):
        cluster.apply(wrong)


def test_a_deployment_is_scaled_and_nothing_else_of_it_changes_until_it_is_applied_again(cluster, space):
    assert cluster.scale(space, "web", 3, version="1", notes={}) is False
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "registry.localhost/a/b:1"}]},
    }
    wanted = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": space}, "spec": wanted}
    before = cluster.apply(manifest)

    assert insisting(lambda: cluster.scale(space, "web", 3, version=version_of(cluster, space), notes={"a": "1"})) is True

    scaled = cluster.get("Deployment", space, "web")
    assert scaled["spec"] == before["spec"] | {"replicas": 3}
    assert scaled["metadata"]["generation"] > before["metadata"]["generation"]
    again = cluster.apply(manifest)
    assert (again["spec"]["replicas"], again["metadata"]["annotations"]["a"]) == (1, "1")


def version_of(cluster, space, name="web"):
    return cluster.get("Deployment", space, name)["metadata"]["resourceVersion"]


def test_absent_is_none_false_and_empty(cluster, space):
    assert cluster.get("ConfigMap", space, "a") is None
    assert cluster.delete("ConfigMap", space, "a") is False
    assert list(cluster.list("ConfigMap", space, {"cygni.dev/service": "web"})) == []
    assert list(cluster.events(space, "a")) == []
    assert cluster.pod_log(space, "a", "app") == ""


def test_a_list_is_of_what_carries_all_the_labels(cluster, space):
    cluster.apply(config_map(space, "a", labels={"x": "1", "y": "1"}))
    cluster.apply(config_map(space, "b", labels={"x": "1"}))

    assert [each["metadata"]["name"] for each in cluster.list("ConfigMap", space, {"x": "1", "y": "1"})] == ["a"]


def test_deleting_takes_it_away_once(cluster, space):
    cluster.apply(config_map(space))

    assert [cluster.delete("ConfigMap", space, "a"), cluster.delete("ConfigMap", space, "a")] == [True, False]
    assert cluster.get("ConfigMap", space, "a") is None


def test_the_version_is_one_that_is_supported(cluster):
    assert cluster.version() >= (1, 25)


@pytest.fixture
def target(cluster):
    made = Target("team_1", f"t{secrets.token_hex(4)}", "prod", "web")
    yield made
    service.remove_service(cluster, made)


def apply(cluster, target, number, **spec):
    service.apply_release(cluster, workload(number, target=target, spec=spec), host=target.host("localhost", home=target.team))


def versions(cluster, target, number):
    """The release's objects and what they were when last written."""
    found = ((kind, cluster.get(kind, target.namespace, target.release(number))) for kind in ("Service", "ConfigMap", "Secret"))
    return {kind: each["metadata"]["resourceVersion"] for kind, each in found}


def generation(cluster, target, number):
    return cluster.get("Deployment", target.namespace, target.release(number))["metadata"]["generation"]


def test_a_release_that_is_applied_again_is_not_written_again(cluster, target):
    apply(cluster, target, 1, scale={"min": 2, "max": 4})
    before = versions(cluster, target, 1), generation(cluster, target, 1)

    apply(cluster, target, 1, scale={"min": 2, "max": 4})

    assert (versions(cluster, target, 1), generation(cluster, target, 1)) == before


def test_another_release_leaves_the_first_as_it_was(cluster, target):
    apply(cluster, target, 1)
    before = versions(cluster, target, 1), generation(cluster, target, 1)

    apply(cluster, target, 2)
    service.set_weights(
        cluster,
        target,
        {1: 90, 2: 10},
        host=target.host("localhost", home=target.team),
        put_up=service.fence(cluster, target),
        mark="t",
    )

    assert (versions(cluster, target, 1), generation(cluster, target, 1)) == before
    assert service.weights(cluster, target) == {1: 90, 2: 10}


def test_whoever_read_a_release_before_another_wrote_it_neither_scales_it_nor_writes_it_anew(cluster, target):
    second, host = workload(2, target=target), target.host("localhost", home=target.team)
    apply(cluster, target, 1)
    absent = sizes.size_of(cluster, target, 2)
    service.apply_release(cluster, second, host=host, put_up=absent.put_up)
    late = sizes.size_of(cluster, target, 2)
    insisting(lambda: sizes.hold(cluster, sizes.size_of(cluster, target, 2), "another"))

    for write in (
        lambda: sizes.shrink(cluster, late, 1, "late"),
        lambda: sizes.grow(cluster, late, 3, "late"),
        lambda: sizes.hold(cluster, late, "late"),
        lambda: service.resize(cluster, replace(second, replicas=1), late.put_up),
        lambda: service.apply_release(cluster, replace(second, replicas=1), host=host, put_up=late.put_up),
        lambda: service.apply_release(cluster, replace(second, replicas=1), host=host, put_up=absent.put_up),
    ):
        with pytest.raises(LostRace):
            write()

    assert sizes.pods_of(cluster, target, 2) == 2
    service.retire(cluster, target, [1], upto=2, mark="gone")
    with pytest.raises(LostRace):
        service.resize(cluster, second, late.put_up)
    assert sizes.pods_of(cluster, target, 2) is None


def test_a_retired_release_is_gone_and_the_route_has_forgotten_it(cluster, target):
    apply(cluster, target, 1, scale={"min": 2, "max": 4})
    apply(cluster, target, 2)
    service.set_weights(
        cluster,
        target,
        {1: 0, 2: 100},
        host=target.host("localhost", home=target.team),
        put_up=service.fence(cluster, target),
        mark="t",
    )

    service.retire(cluster, target, [2], upto=2, mark="gone")

    kinds = ("Deployment", "Service", "ConfigMap", "Secret", "HorizontalPodAutoscaler")
    assert [kind for kind in kinds if cluster.get(kind, target.namespace, "web-r1")] == []
    assert service.weights(cluster, target) == {2: 100}


@pytest.mark.controllers
def test_a_removed_service_takes_its_namespace_along(cluster, target):
    apply(cluster, target, 1)

    service.remove_service(cluster, target)

    ends = time.monotonic() + 60
    while cluster.get("Namespace", "", target.namespace) is not None:
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert list(cluster.list("ConfigMap", target.namespace, {"app.kubernetes.io/managed-by": "cygni"})) == []


@pytest.fixture
def with_keda(request, cluster):
    """The cluster with KEDA's definitions, for the time of a test."""
    if isinstance(cluster, FakeCluster):
        install(cluster)
        yield cluster
        return
    which = "real" if "real" in request.node.callspec.id else "embedded"
    api = Api(request.getfixturevalue("real").kubeconfig if which == "real" else request.getfixturevalue("embedded"))
    path, made = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", []
    for each in DEFINITIONS:
        name = each["metadata"]["name"]
        if api.get(f"{path}/{name}").status == 404:
            assert api.apply(f"{path}/{name}", each, force=True).status == 201
            made.append(name)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keda"}})
    assert eventually(lambda: all(cluster.serves(kind) for kind in (*KEDA, "ReferenceGrant")), bool)
    yield cluster
    cluster.delete("Namespace", "", "keda")
    for name in made:
        api.delete(f"{path}/{name}")


def test_a_kind_that_nobody_installed_is_not_served(cluster):
    assert (cluster.serves("Deployment"), cluster.serves("ScaledObject")) == (True, False)


def test_a_release_that_sleeps_is_written_as_keda_takes_it_comes_to_rest_and_leaves_nothing(with_keda):
    target = Target(f"team_{secrets.token_hex(4)}", "shop", "prod", "web")
    sleeper = workload(target=target, spec={"scale": {"min": 0, "max": 3, "requests": 20}})
    gateway = service.Gateway("cygni", "http://prometheus.monitoring.svc:9090")

    assert service.apply_release(with_keda, sleeper, host="shop.localhost", gateway=gateway) == ()
    for _ in range(2):
        assert rest(with_keda, sleeper, host="shop.localhost", gateway=gateway)

    assert service.weights(with_keda, target) == {1: 100}
    assert with_keda.get("ScaledObject", target.namespace, "web-r1")["spec"]["minReplicaCount"] == 0
    service.remove_service(with_keda, target)
    assert with_keda.list("ReferenceGrant", "keda", {}) == ()

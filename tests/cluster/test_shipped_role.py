"""The role that is shipped, at a real API server: it is enough for all that Cygni does there, and not for what it does not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.deployments.declared_rules import Condition, Report
from chalicelib.deployments.reporting import report, set_finalizers, tell
from chalicelib.platform.errors import Failed
from chalicelib.platform.kubeauth import Access, BearerToken
from chalicelib.platform.kubereach import connect
from chalicelib.platform.kubewatch import WatchedKubernetes
from chalicelib.runtime import service, sizes
from chalicelib.runtime.cluster_checks import look
from chalicelib.runtime.cluster_rules import Health
from chalicelib.runtime.drift import WATCHED, repair
from chalicelib.runtime.fence import fence
from chalicelib.runtime.rules import Target
from chalicelib.runtime.sizes import size_of
from tests.chalicelib.runtime.builders import workload
from tests.contract.api import Api, insisting
from tests.support.cluster import RealCluster

pytestmark = pytest.mark.cluster
ROLE = Path(__file__).resolve().parents[2] / "infra" / "manifests" / "cygni-cluster-role.yaml"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
HOST = "web.example.com"


@pytest.fixture
def api(real: RealCluster) -> Api:
    return Api(real.kubeconfig)


def shipped() -> list[dict[str, Any]]:
    """The rules of the role."""
    role = next(each for each in yaml.safe_load_all(ROLE.read_text()) if each["kind"] == "ClusterRole")
    return list(role["rules"])


@contextmanager
def admitted(real: RealCluster, rules: list[dict[str, Any]]) -> Iterator[WatchedKubernetes]:
    """The cluster as an account sees it that has these rules and no others."""
    api, name = Api(real.kubeconfig), f"cygni-{uuid.uuid4().hex[:8]}"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    ref = {"kind": "ClusterRole", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    for path, body in (
        (ACCOUNTS, {"metadata": {"name": name}}),
        (f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules}),
        (f"{RBAC}/clusterrolebindings", {"metadata": {"name": name}, "subjects": [subject], "roleRef": ref}),
    ):
        assert api.post(path, body).status == 201
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = api.post(f"{ACCOUNTS}/{name}/token", asked).body["status"]["token"]
    found = connect(Access(api.client.configuration.host, authority(real), BearerToken(token)), known=True)
    yield WatchedKubernetes.of(found)
    found.close()


@pytest.fixture
def cluster(real: RealCluster) -> Iterator[WatchedKubernetes]:
    """The cluster as an account sees it that has the shipped role and no other."""
    with admitted(real, shipped()) as found:
        yield found


def authority(real: RealCluster) -> str:
    """The certificates that the kubeconfig trusts, as PEM."""
    import base64

    (known,) = yaml.safe_load(Path(real.kubeconfig).read_text())["clusters"]
    if "certificate-authority" in known["cluster"]:
        return Path(known["cluster"]["certificate-authority"]).read_text()
    return base64.b64decode(known["cluster"]["certificate-authority-data"]).decode()


@pytest.fixture
def target(api: Api) -> Iterator[Target]:
    """A service of an environment of its own."""
    made = Target("team_00000000000000000000000001", f"p{uuid.uuid4().hex[:8]}", "prod", "web")
    yield made
    api.delete(f"/api/v1/namespaces/{made.namespace}")


def test_it_is_found_well_by_a_check(cluster: WatchedKubernetes) -> None:
    health, sentence = look(lambda: cluster)

    assert health is Health.HEALTHY, sentence


def test_without_create_it_is_not_enough_for_what_is_not_there_yet_and_a_check_says_so(
    real: RealCluster, target: Target
) -> None:
    fewer = [{**each, "verbs": [verb for verb in each["verbs"] if verb != "create"]} for each in shipped()]
    with admitted(real, fewer) as poorer:
        health, sentence = look(lambda: poorer)

        assert (health, "create namespaces" in sentence) == (Health.REFUSED, True)
        with pytest.raises(Failed, match="cannot create"):
            service.apply_release(poorer, workload(1, target=target), host=HOST)


def test_it_is_enough_for_releases_their_repair_and_their_removal(cluster: WatchedKubernetes, target: Target) -> None:
    scaled: dict[str, Any] = {"scale": {"min": 1, "max": 3}}
    for number in (1, 2):
        service.apply_release(cluster, workload(number, target=target, spec=scaled, config={"A": "1"}), host=HOST)
    service.set_weights(cluster, target, {1: 50, 2: 50}, host=HOST, put_up=fence(cluster, target), mark="a")
    second = workload(2, target=target, spec=scaled, config={"A": "1"})
    insisting(lambda: service.resize(cluster, second, size_of(cluster, target, 2).put_up))
    insisting(lambda: sizes.hold(cluster, size_of(cluster, target, 2), "a", least=2))
    assert service.readiness(cluster, target, 2, now=datetime.now(UTC)) is not None
    service.set_weights(cluster, target, {2: 100}, host=HOST, put_up=fence(cluster, target), mark="b")
    insisting(lambda: repair(cluster, second, host=HOST, confirm=lambda: None))
    service.retire(cluster, target, {2}, upto=2, mark="c")
    assert cluster.pod_log(target.namespace, "nobody", "app") == ""
    assert cluster.events(target.namespace, "nobody") == ()

    service.remove_service(cluster, target)

    namespace = cluster.get("Namespace", "", target.namespace)
    assert namespace is None or namespace["metadata"]["deletionTimestamp"]


def test_it_is_enough_to_hear_what_changes_in_all_kinds_that_the_reconciler_hears_of(cluster: WatchedKubernetes) -> None:
    def heard(kind: str) -> str:
        return cluster.changes(kind, {}, cluster.page(kind, {}, limit=1).version).version

    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(heard, (*WATCHED, "CygniService")))


def test_it_is_enough_to_hold_a_declared_service_and_to_say_how_it_is(
    cluster: WatchedKubernetes, target: Target, api: Api
) -> None:
    service.apply_release(cluster, workload(1, target=target), host=HOST)
    path = f"/apis/cygni.dev/v1/namespaces/{target.namespace}/cygniservices"
    image = "registry.example.com/shop/web@sha256:" + "a" * 64
    body = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", "metadata": {"name": "web"}, "spec": {"image": image}}
    assert api.post(path, body).status == 201
    (obj,) = cluster.list("CygniService", target.namespace, {})
    obj = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", **obj}

    set_finalizers(cluster, obj, ["cygni.dev/hold"])
    report(cluster, obj, Report((Condition("Ready", "True", "Live", "It is live."),)), url="", now=datetime.now(UTC))
    tell(cluster, obj, "Live", "It is live.", datetime.now(UTC))

    now = cluster.get("CygniService", target.namespace, "web") or {}
    assert (now["metadata"]["finalizers"], now["status"]["conditions"][0]["status"]) == (["cygni.dev/hold"], "True")
    set_finalizers(cluster, obj, [])


@pytest.mark.parametrize(
    ("kind", "group"), [("serviceaccounts", ""), ("clusterroles", "rbac.authorization.k8s.io"), ("nodes", "")]
)
def test_it_is_not_enough_for_what_cygni_has_no_business_with(cluster: WatchedKubernetes, kind: str, group: str) -> None:
    assert not any(cluster.may(verb, group, kind) for verb in ("get", "list", "create", "patch", "delete"))

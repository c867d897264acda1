"""What the reconciler asks of an API server: pages, what changed since a version, and writes of its own fields alone."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.deployments import reporting
from chalicelib.deployments.declared_rules import Condition, Report
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import Failed
from chalicelib.platform.kubeport import Json
from chalicelib.platform.kubewatch import Forgotten, WatchedKubernetes
from chalicelib.runtime import drift
from chalicelib.runtime.crd import NAME, definition
from chalicelib.runtime.namespaces import namespace_objects
from tests.chalicelib.runtime.builders import TARGET, workload
from tests.contract.api import Api, eventually, insisting
from tests.contract.conftest import Space

IMAGE = "registry.example.com/shop/web@sha256:" + "a" * 64
PLURAL = "cygni.dev/v1/cygniservices"


@pytest.fixture(scope="module")
def cluster(api: Api, kubeconfig: str) -> WatchedKubernetes:
    api.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{NAME}", definition(), force=True)
    assert eventually(lambda: api.get("/apis/cygni.dev/v1").status, lambda status: status == 200) == 200
    return WatchedKubernetes.from_kubeconfig(kubeconfig)


def declare(space: Space, name: str = "web", **spec: Any) -> Json:
    body = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", "metadata": {"name": name}, "spec": {"image": IMAGE, **spec}}
    return space.api.apply(space.path(PLURAL, name), body, "kubectl").body


def test_objects_are_listed_in_pages_with_what_they_are(cluster: WatchedKubernetes, space: Space) -> None:
    for index in range(3):
        declare(space, f"s{index}")
    names, after = [], ""
    while True:
        page = cluster.page("CygniService", {}, limit=2, after=after)
        assert len(page.items) <= 2
        assert {each["kind"] for each in page.items} <= {"CygniService"}
        names += [each["metadata"]["name"] for each in page.items if each["metadata"]["namespace"] == space.name]
        after = page.after
        if not after:
            break

    assert names == ["s0", "s1", "s2"]


def test_what_changed_since_a_version_is_heard_and_then_no_more(cluster: WatchedKubernetes, space: Space) -> None:
    since = cluster.page("CygniService", {}, limit=1).version
    declare(space)

    heard = cluster.changes("CygniService", {}, since)
    quiet = cluster.changes("CygniService", {}, heard.version)

    assert [each.type for each in heard.items if each.object["metadata"]["namespace"] == space.name] == ["ADDED"]
    assert [each for each in quiet.items if each.object["metadata"]["namespace"] == space.name] == []
    assert int(quiet.version) >= int(heard.version)


def test_a_version_that_is_long_gone_is_forgotten(cluster: WatchedKubernetes, space: Space) -> None:
    declare(space)
    with pytest.raises(Forgotten):
        cluster.changes("CygniService", {}, "1")


def test_status_and_finalizer_leave_the_generation_and_others_fields_alone(cluster: WatchedKubernetes, space: Space) -> None:
    made = declare(space)
    conditions = tuple(Condition(kind, "False", "Testing", "t") for kind in ("Ready", "Progressing", "Degraded"))
    reporting.set_finalizers(cluster, made, ["cygni.dev/service"])
    reporting.report(cluster, made, Report(conditions, 3, "dep_1"), url="http://x", now=utc_now())
    found = space.read(PLURAL, "web").body

    assert found["metadata"]["generation"] == 1
    assert found["metadata"]["finalizers"] == ["cygni.dev/service"]
    assert found["spec"]["image"] == IMAGE
    assert [each["type"] for each in found["status"]["conditions"]] == ["Ready", "Progressing", "Degraded"]

    space.api.delete(space.path(PLURAL, "web"))
    reporting.set_finalizers(cluster, found, [])
    assert eventually(lambda: space.read(PLURAL, "web").status, lambda status: status == 404) == 404


def test_the_finalizer_of_an_object_that_was_made_anew_is_not_touched(cluster: WatchedKubernetes, space: Space) -> None:
    old = declare(space)
    space.api.delete(space.path(PLURAL, "web"))
    declare(space)

    with pytest.raises(Failed, match="field is immutable"):
        reporting.set_finalizers(cluster, old, ["cygni.dev/service"])


def test_an_event_told_twice_is_one(cluster: WatchedKubernetes, space: Space) -> None:
    made, now = declare(space), utc_now()
    for _ in range(2):
        reporting.tell(cluster, made, "DriftRepaired", "Brought back: all.", now, warning=True)

    assert [each["message"] for each in cluster.events(space.name, "web")] == ["Brought back: all."]


def repaired_in(cluster: WatchedKubernetes) -> tuple[drift.Repaired, ...]:
    return insisting(lambda: drift.repair(cluster, workload(), host="shop.localhost", confirm=lambda: None))


def test_drift_is_repaired_in_cygnis_fields_and_others_keep_theirs(cluster: WatchedKubernetes, api: Api) -> None:
    cluster.apply(namespace_objects(TARGET)[0])
    try:
        assert {each.fields for each in repaired_in(cluster)} == {()}
        name = TARGET.release(workload().number)
        path = f"/apis/apps/v1/namespaces/{TARGET.namespace}/deployments/{name}"
        theirs = {"metadata": {"annotations": {"theirs": "kept"}}, "spec": {"revisionHistoryLimit": 9, "minReadySeconds": 4}}
        assert api.patch(path, theirs, fieldManager="somebody").status == 200

        repaired = repaired_in(cluster)
        again = repaired_in(cluster)
        found = api.get(path).body
    finally:
        cluster.delete("Namespace", "", TARGET.namespace)

    assert [str(each) for each in repaired] == [f"Deployment {name}: spec.revisionHistoryLimit"]
    assert again == ()
    assert (found["spec"]["revisionHistoryLimit"], found["spec"]["minReadySeconds"]) == (1, 4)
    assert found["metadata"]["annotations"]["theirs"] == "kept"

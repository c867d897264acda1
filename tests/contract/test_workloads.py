"""What becomes of a Deployment, a Service, a namespace, a definition. No node runs here, so tests play the kubelet."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from cygni.local.gateway.scaling import DeploymentScaler
from tests.contract.api import STRATEGIC, Api, eventually
from tests.contract.conftest import Space, definition
from tests.contract.objects import (
    DEPLOYMENTS,
    REPLICA_SETS,
    config,
    container,
    deployment,
    first_container,
    pod,
    service,
    widget,
)

_READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}


def _items(space: Space, plural: str) -> list[dict[str, Any]]:
    return list(space.api.get(space.path(plural)).body["items"])


def _pods(space: Space, count: int) -> list[dict[str, Any]]:
    found = eventually(lambda: _items(space, "pods"), lambda items: len(items) == count)
    assert len(found) == count
    return found


def _run(space: Space, address: str = "10.1.2.3") -> None:
    """Every pod comes up, as its node would report."""
    for each in _items(space, "pods"):
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [_READY]}
        space.api.patch(space.path("pods", each["metadata"]["name"], "status"), {"status": status}, STRATEGIC)


def _status(space: Space, name: str = "web") -> dict[str, Any]:
    return dict(space.read(DEPLOYMENTS, name).body.get("status", {}))


def _condition(status: dict[str, Any], kind: str) -> tuple[str, str]:
    found = next((each for each in status.get("conditions", []) if each["type"] == kind), {})
    return found.get("status", ""), found.get("reason", "")


@pytest.mark.controllers
def test_a_deployment_becomes_a_replica_set_and_pods(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=2))
    pods = _pods(space, 2)
    (replica_set,) = _items(space, REPLICA_SETS)
    digest = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{digest}"
    assert replica_set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert {pod["metadata"]["labels"]["pod-template-hash"] for pod in pods} == {digest}
    assert pods[0]["metadata"]["ownerReferences"][0]["name"] == replica_set["metadata"]["name"]


@pytest.mark.controllers
def test_ready_pods_make_a_deployment_available(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=2))
    _pods(space, 2)
    assert _condition(eventually(lambda: _status(space), lambda s: s.get("replicas") == 2), "Available")[0] == "False"
    _run(space)
    status = eventually(lambda: _status(space), lambda s: s.get("availableReplicas") == 2)
    assert _condition(status, "Available") == ("True", "MinimumReplicasAvailable")
    done = eventually(lambda: _status(space), lambda s: _condition(s, "Progressing")[1] == "NewReplicaSetAvailable")
    assert _condition(done, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert done["observedGeneration"] == 1


@pytest.mark.controllers
def test_a_new_template_replaces_the_old_pods_without_a_gap(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=2))
    _pods(space, 2)
    _run(space)
    eventually(lambda: _status(space), lambda s: s.get("availableReplicas") == 2)
    space.api.put(space.path(DEPLOYMENTS, "web"), deployment(replicas=2, env=[{"name": "A", "value": "1"}]))

    def rolled() -> bool:
        _run(space)
        status = _status(space)
        counts = [status.get(each) for each in ("updatedReplicas", "replicas", "availableReplicas")]
        return status.get("observedGeneration") == 2 and counts == [2, 2, 2]

    assert eventually(rolled, bool)
    sets = _items(space, REPLICA_SETS)
    assert sorted(each["spec"]["replicas"] for each in sets) == [0, 2]
    assert space.read(DEPLOYMENTS, "web").body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


@pytest.mark.controllers
def test_an_unready_release_leaves_the_old_pods_alone(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=4))
    _pods(space, 4)
    _run(space)
    eventually(lambda: _status(space), lambda s: s.get("availableReplicas") == 4)
    space.api.put(space.path(DEPLOYMENTS, "web"), deployment(replicas=4, env=[{"name": "A", "value": "1"}]))

    def counts() -> tuple[Any, Any]:
        status = _status(space)
        return status.get("updatedReplicas"), status.get("availableReplicas")

    assert eventually(counts, lambda found: found == (2, 3)) == (2, 3)


def test_the_gateway_wakes_who_has_no_pods_and_nobody_else(space: Space, kubeconfig: str) -> None:
    scaler = DeploymentScaler(kubeconfig)

    def replicas() -> int:
        return int(space.read(DEPLOYMENTS, "web").body["spec"]["replicas"])

    space.create(DEPLOYMENTS, deployment(replicas=3))
    seen = []
    for change in (scaler.wake, scaler.sleep, scaler.wake, scaler.wake):
        change(space.name, "web")
        seen.append(replicas())
    scaler.wake(space.name, "gone")
    scaler.sleep(space.name, "gone")

    assert seen == [3, 0, 1, 1]


@pytest.mark.controllers
def test_scaling_to_zero_and_back(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=2))
    _pods(space, 2)
    scale = space.path(DEPLOYMENTS, "web", "scale")
    space.api.patch(scale, {"spec": {"replicas": 0}})
    _pods(space, 0)
    space.api.patch(scale, {"spec": {"replicas": 1}})
    _pods(space, 1)


@pytest.mark.controllers
def test_a_lost_pod_is_replaced(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=1))
    (lost,) = _pods(space, 1)
    space.api.delete(space.path("pods", lost["metadata"]["name"]))

    def others() -> list[str]:
        return [
            each["metadata"]["name"] for each in _items(space, "pods") if each["metadata"]["uid"] != lost["metadata"]["uid"]
        ]

    assert len(eventually(others, lambda names: len(names) == 1)) == 1


@pytest.mark.controllers
def test_a_rollout_that_makes_no_progress_says_so(space: Space) -> None:
    body = deployment(replicas=1)
    body["spec"]["progressDeadlineSeconds"] = 1
    space.create(DEPLOYMENTS, body)
    status = eventually(lambda: _status(space), lambda s: _condition(s, "Progressing")[0] == "False")
    assert _condition(status, "Progressing") == ("False", "ProgressDeadlineExceeded")


@pytest.mark.controllers
def test_deleting_a_deployment_takes_everything_with_it(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=2))
    _pods(space, 2)
    space.api.delete(space.path(DEPLOYMENTS, "web"), propagationPolicy="Background")
    _pods(space, 0)
    assert eventually(lambda: _items(space, REPLICA_SETS), lambda items: not items) == []


@pytest.fixture
def node(api: Api) -> Iterator[str]:
    """A Node of the test's own, with nobody behind it."""
    name = f"contract-{uuid.uuid4().hex[:10]}"
    assert api.post("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}).status == 201
    yield name
    api.delete(f"/api/v1/nodes/{name}")


@pytest.fixture
def placed_pods(space: Space, node: str) -> Iterator[list[str]]:
    """Two pods of the Service `web` on a node; gone at the end, since nobody is there to end them gracefully."""
    for name in ("a", "b"):
        body = pod(name, labels={"app": "web"})
        body["spec"]["containers"] = [container(ports=[{"name": "http", "containerPort": 8080}])]
        space.create("pods", {**body, "spec": {**body["spec"], "nodeName": node}})
    yield ["a", "b"]
    for name in ("a", "b"):
        space.api.delete(space.path("pods", name), gracePeriodSeconds=0)


@pytest.mark.controllers
def test_a_service_lists_its_ready_pods(space: Space, placed_pods: list[str]) -> None:
    space.create("services", service())
    _run(space)
    slices = "discovery.k8s.io/v1/endpointslices"

    def ready() -> list[dict[str, Any]]:
        return [each for piece in _items(space, slices) for each in piece.get("endpoints") or [] if each["conditions"]["ready"]]

    found = eventually(ready, lambda endpoints: len(endpoints) == 2)
    assert sorted(each["targetRef"]["name"] for each in found) == placed_pods
    (piece,) = _items(space, slices)
    assert piece["metadata"]["labels"]["kubernetes.io/service-name"] == "web"
    assert piece["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]


@pytest.mark.controllers
def test_a_controller_tells_events(space: Space) -> None:
    space.create(DEPLOYMENTS, deployment())
    _pods(space, 1)
    query = {"fieldSelector": "involvedObject.name=web,reason=ScalingReplicaSet"}
    path = space.path("events")
    found = eventually(lambda: space.api.get(path, **query).body["items"], bool)
    assert (found[0]["type"], found[0]["involvedObject"]["kind"]) == ("Normal", "Deployment")


def test_events_can_be_written(space: Space) -> None:
    involved = {"kind": "Pod", "name": "p", "namespace": space.name}
    event = {
        "metadata": {"generateName": "p."},
        "involvedObject": involved,
        "reason": "WrongPort",
        "message": "m",
        "type": "Warning",
    }
    space.create("events", event)
    found = space.api.get(space.path("events"), fieldSelector="involvedObject.name=p,type=Warning").body["items"]
    assert [each["reason"] for each in found] == ["WrongPort"]


@pytest.mark.controllers
def test_a_namespace_takes_its_contents_with_it(api: Api, space: Space) -> None:
    space.create(DEPLOYMENTS, deployment(replicas=1))
    space.create("configmaps", config("a"))
    _pods(space, 1)
    api.delete(f"/api/v1/namespaces/{space.name}")
    gone = eventually(lambda: api.get(f"/api/v1/namespaces/{space.name}").status, lambda status: status == 404)
    assert gone == 404
    assert _items(space, "configmaps") == []


def test_a_namespace_that_is_going_takes_nothing_new(api: Api, space: Space) -> None:
    space.create("configmaps", config("held", finalizers=["example.com/wait"]))
    api.delete(f"/api/v1/namespaces/{space.name}")
    answer = api.post(space.path("configmaps"), config("late"))
    assert (answer.status, answer.reason) == (403, "Forbidden")
    assert answer.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    assert api.get(f"/api/v1/namespaces/{space.name}").body["status"]["phase"] == "Terminating"
    eventually(lambda: api.get(space.path("configmaps", "held")).body["metadata"].get("deletionTimestamp"), bool)
    api.patch(space.path("configmaps", "held"), {"metadata": {"finalizers": None}})


def test_a_custom_resource_has_defaults_and_keeps_only_what_is_declared(space: Space, widgets: str) -> None:
    body = {**widget(widgets, "w", nonsense=1, extra={"free": "form"})}
    spec = space.create(f"{widgets}/widgets", body, fieldValidation="Ignore")["spec"]
    assert spec == {"size": 1, "colour": "red", "extra": {"free": "form"}}


def test_a_custom_resource_counts_generations_apart_from_status(api: Api, space: Space, widgets: str) -> None:
    space.create(f"{widgets}/widgets", widget(widgets, "w"))
    path = space.path(f"{widgets}/widgets", "w")
    assert api.patch(f"{path}/status", {"status": {"phase": "Ready"}, "spec": {"size": 9}}).body["spec"]["size"] == 1
    after = api.patch(path, {"spec": {"size": 2}, "status": {"phase": "Lies"}}).body
    assert (after["metadata"]["generation"], after["status"]) == (2, {"phase": "Ready"})


def test_a_custom_resource_scales(api: Api, space: Space, widgets: str) -> None:
    space.create(f"{widgets}/widgets", widget(widgets, "w", replicas=1))
    path = space.path(f"{widgets}/widgets", "w")
    assert api.patch(f"{path}/scale", {"spec": {"replicas": 3}}).body["spec"]["replicas"] == 3
    assert api.get(path).body["spec"]["replicas"] == 3


def test_an_update_of_a_custom_resource_names_its_version(api: Api, space: Space, widgets: str) -> None:
    space.create(f"{widgets}/widgets", widget(widgets, "w"))
    answer = api.put(space.path(f"{widgets}/widgets", "w"), widget(widgets, "w", size=2))
    assert (answer.status, answer.fields) == (422, {"metadata.resourceVersion"})


def test_a_definition_takes_its_resources_with_it(api: Api, space: Space) -> None:
    group = f"t{uuid.uuid4().hex[:8]}.example.com"
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    api.post(crds, definition(group))
    path = space.path(f"{group}/v1/widgets")
    assert eventually(lambda: api.get(path).status, lambda status: status == 200) == 200
    established = api.get(f"{crds}/widgets.{group}").body["status"]["conditions"]
    assert {each["type"]: each["status"] for each in established}["Established"] == "True"
    space.create(f"{group}/v1/widgets", widget(f"{group}/v1", "w"))
    api.delete(f"{crds}/widgets.{group}")
    assert eventually(lambda: api.get(path).status, lambda status: status == 404) == 404


def test_the_first_container_is_what_was_asked_for(space: Space) -> None:
    created = space.create(DEPLOYMENTS, deployment(command=["run"]))
    assert first_container(created)["command"] == ["run"]

"""What is not valid is refused with 422, the field named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.api import Api
from tests.contract.conftest import Space
from tests.contract.objects import DEPLOYMENTS, config, container, deployment, first_container, service, widget, without

_PORT = {"name": "http", "containerPort": 80}


def _changed(obj: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**obj, "spec": {**obj["spec"], **spec}}


@pytest.mark.parametrize(
    ("plural", "body", "field"),
    [
        ("configmaps", config("Not A Name"), "metadata.name"),
        ("configmaps", config("a", labels={"a": "not a value"}), "metadata.labels"),
        ("configmaps", config("a", labels={"-a": "b"}), "metadata.labels"),
        ("configmaps", config("a", {"not a key": "x"}), "data[not a key]"),
        ("services", service("1st"), "metadata.name"),
        ("services", service(ports=[]), "spec.ports"),
        ("services", service(ports=[{"port": 0}]), "spec.ports[0].port"),
        ("services", service(type="Wrong"), "spec.type"),
        ("services", service(ports=[{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]), "spec.ports[1].name"),
        (DEPLOYMENTS, without(deployment(), "spec", "selector"), "spec.selector"),
        (DEPLOYMENTS, without(deployment(), "spec", "template"), "spec.template.spec.containers"),
        (DEPLOYMENTS, _changed(deployment(), selector={"matchLabels": {"app": "else"}}), "spec.template.metadata.labels"),
        (DEPLOYMENTS, _changed(deployment(), replicas=-1), "spec.replicas"),
        (DEPLOYMENTS, _changed(deployment(), strategy={"type": "Wrong"}), "spec.strategy"),
        (DEPLOYMENTS, deployment(image=""), "spec.template.spec.containers[0].image"),
        (DEPLOYMENTS, deployment(name="Not A Name"), "metadata.name"),
        (DEPLOYMENTS, deployment(imagePullPolicy="Wrong"), "spec.template.spec.containers[0].imagePullPolicy"),
        (DEPLOYMENTS, deployment(env=[{"name": "", "value": "x"}]), "spec.template.spec.containers[0].env[0].name"),
        (DEPLOYMENTS, deployment(ports=[_PORT, {**_PORT, "containerPort": 81}]),
         "spec.template.spec.containers[0].ports[1].name"),
        (DEPLOYMENTS, deployment(readinessProbe={}), "spec.template.spec.containers[0].readinessProbe"),
        (DEPLOYMENTS, deployment(volumeMounts=[{"name": "v", "mountPath": "/x"}]),
         "spec.template.spec.containers[0].volumeMounts[0].name"),
        (DEPLOYMENTS, deployment(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
         "spec.template.spec.containers[0].resources.requests"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(api: Api, space: Space, plural: str, body: dict[str, Any], field: str) -> None:
    answer = api.post(space.path(plural), body)
    assert (answer.status, answer.reason) == (422, "Invalid"), answer.body
    assert field in answer.fields


def test_a_pod_without_containers_is_refused(api: Api, space: Space) -> None:
    answer = api.post(space.path("pods"), {"metadata": {"name": "p"}, "spec": {"containers": []}})
    assert (answer.status, answer.fields) == (422, {"spec.containers"})


def test_two_containers_of_one_name_are_refused(api: Api, space: Space) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"containers": [container(), container()]}}
    answer = api.post(space.path("pods"), body)
    assert (answer.status, answer.fields) == (422, {"spec.containers[1].name"})


def test_every_mistake_is_told_at_once(api: Api, space: Space) -> None:
    body = deployment(image="", imagePullPolicy="Wrong")
    prefix = "spec.template.spec.containers[0]"
    assert api.post(space.path(DEPLOYMENTS), body).fields >= {f"{prefix}.image", f"{prefix}.imagePullPolicy"}


def test_a_refusal_names_kind_group_and_object(api: Api, space: Space) -> None:
    details = api.post(space.path(DEPLOYMENTS), _changed(deployment(), replicas=-1)).body["details"]
    assert (details["name"], details["group"], details["kind"]) == ("web", "apps", "Deployment")
    assert details["causes"][0]["reason"] == "FieldValueInvalid"


def test_a_selector_is_for_ever(api: Api, space: Space) -> None:
    space.create(DEPLOYMENTS, deployment())
    changed = deployment()
    changed["spec"]["selector"]["matchLabels"]["more"] = "x"
    changed["spec"]["template"]["metadata"]["labels"]["more"] = "x"
    answer = api.put(space.path(DEPLOYMENTS, "web"), changed)
    assert (answer.status, answer.fields) == (422, {"spec.selector"})


def test_a_service_keeps_its_address(api: Api, space: Space) -> None:
    space.create("services", service())
    answer = api.patch(space.path("services", "web"), {"spec": {"clusterIP": "10.96.255.1", "clusterIPs": ["10.96.255.1"]}})
    assert (answer.status, answer.reason) == (422, "Invalid")


def test_a_pod_is_not_changed_into_another(api: Api, space: Space) -> None:
    space.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [container()]}})
    answer = api.patch(space.path("pods", "p"), {"spec": {"restartPolicy": "Never"}})
    assert (answer.status, answer.fields) == (422, {"spec"})


def test_names_never_change(api: Api, space: Space) -> None:
    space.create("configmaps", config("a"))
    assert api.put(space.path("configmaps", "a"), config("b")).status == 400


def test_a_wrong_type_is_400(api: Api, space: Space) -> None:
    answer = api.post(space.path(DEPLOYMENTS), _changed(deployment(), replicas="many"))
    assert (answer.status, answer.reason) == (400, "BadRequest")


def test_a_body_that_is_no_object_is_400(api: Api, space: Space) -> None:
    assert api.send("POST", space.path("configmaps"), ["not an object"]).status == 400


def test_another_kind_is_400(api: Api, space: Space) -> None:
    assert api.post(space.path("configmaps"), {**config("a"), "kind": "Secret"}).status == 400


def test_a_wrong_quantity_is_refused(api: Api, space: Space) -> None:
    answer = api.post(space.path(DEPLOYMENTS), deployment(resources={"requests": {"cpu": "lots"}}))
    assert answer.status == 400


def test_unknown_fields_are_refused_when_strict_and_dropped_otherwise(api: Api, space: Space) -> None:
    body = deployment(nonsense=1)
    answer = api.post(space.path(DEPLOYMENTS), body, fieldValidation="Strict")
    assert (answer.status, answer.reason) == (400, "BadRequest")
    assert 'unknown field "spec.template.spec.containers[0].nonsense"' in answer.body["message"]
    created = api.post(space.path(DEPLOYMENTS), body, fieldValidation="Ignore").body
    assert "nonsense" not in first_container(created)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"size": 0}, "spec.size"),
        ({"size": "big"}, "spec.size"),
        ({"colour": "blue"}, "spec.colour"),
        ({"parts": [{"weight": 1}]}, "spec.parts[0].name"),
        ({"parts": [{"name": "a", "weight": 101}]}, "spec.parts[0].weight"),
        ({"parts": [{"name": "a"}, {"name": "a"}]}, "spec.parts[1]"),
    ],
)
def test_a_custom_resource_is_held_to_its_schema(
    api: Api, space: Space, widgets: str, spec: dict[str, Any], field: str
) -> None:
    answer = api.post(space.path(f"{widgets}/widgets"), widget(widgets, "w", **spec))
    assert (answer.status, answer.reason) == (422, "Invalid"), answer.body
    assert field in answer.fields


def test_a_custom_resource_without_what_is_required_is_refused(api: Api, space: Space, widgets: str) -> None:
    answer = api.post(space.path(f"{widgets}/widgets"), without(widget(widgets, "w"), "spec", "size"))
    assert (answer.status, answer.fields) == (422, {"spec.size"})

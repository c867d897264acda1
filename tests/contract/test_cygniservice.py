"""What may be applied as a CygniService, and what is refused with which sentence: by the schema, and by its rules in CEL."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from chalicelib.runtime.crd import NAME, definition
from tests.contract.api import Answer, Api, Obj, eventually
from tests.contract.conftest import Space
from tools.render_crd import TARGET

IMAGE = "registry.example.com/shop/web@sha256:" + "a" * 64
PLURAL = "cygni.dev/v1/cygniservices"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module", autouse=True)
def served(api: Api) -> None:
    """Cygni's own clusters have the definition from the start; somebody else's gets it as an operator would give it."""
    api.apply(f"{_CRDS}/{NAME}", definition(), force=True)
    assert eventually(lambda: api.get("/apis/cygni.dev/v1").status, lambda status: status == 200) == 200


def declare(space: Space, name: str = "web", **spec: Any) -> Answer:
    body: Obj = {
        "apiVersion": "cygni.dev/v1",
        "kind": "CygniService",
        "metadata": {"name": name},
        "spec": {"image": IMAGE, **spec},
    }
    return space.api.apply(space.path(PLURAL, name), body, "kubectl")


def test_an_image_is_enough_and_the_rest_has_the_defaults_of_the_app_file(space: Space) -> None:
    spec = declare(space).body["spec"]

    assert spec["ports"] == [{"name": "http", "port": 8080}]
    assert spec["autoscale"] == {"min": 1, "max": 1, "cpu": 80, "idle": "5m"}
    assert [step["weight"] for step in spec["rollout"]["steps"]] == [10, 50]
    assert spec["healthGates"]["errorRate"] == 5


@pytest.mark.parametrize(
    ("spec", "field", "said"),
    [
        ({"image": "nginx:latest"}, "spec.image", "name the image by its digest"),
        ({"autoscale": {"min": 3}}, "spec.autoscale.max", "max is below min"),
        ({"autoscale": {"min": -1}}, "spec.autoscale.min", "greater than or equal to 0"),
        ({"autoscale": {"requests": 50}}, "spec.autoscale.requests", "requests has no room to scale"),
        ({"autoscale": {"min": 4, "max": 4, "requests": 50}}, "spec.autoscale.requests", "requests has no room to scale"),
        ({"replicas": 0}, "spec.replicas", "greater than or equal to 1"),
        ({"replicas": 7, "autoscale": {"min": 2, "max": 6}}, "spec.replicas", "replicas is outside of autoscale's min and max"),
        ({"rollout": {"steps": [{"weight": 50}, {"weight": 20}]}}, "spec.rollout.steps", "let the weights rise"),
        ({"rollout": {"steps": [{"weight": 50}, {"weight": 50}]}}, "spec.rollout.steps", "no two steps"),
        ({"rollout": {"maxSurge": 101}}, "spec.rollout.maxSurge", "or a share such as 25%"),
        ({"rollout": {"maxUnavailable": "25"}}, "spec.rollout.maxUnavailable", "or a share such as 25%"),
        ({"rollout": {"maxSurge": 0}}, "spec.rollout.maxUnavailable", "let one be above 0"),
        ({"rollout": {"strategy": "rolling", "scaleDownDelay": "1m"}}, "spec.rollout.scaleDownDelay", "end batch by batch"),
        ({"rollout": {"batchFor": "1m"}}, "spec.rollout.batchFor", "write strategy: rolling"),
        (
            {"rollout": {"strategy": "rolling", "steps": [{"weight": 5, "approval": True}]}},
            "spec.rollout.steps",
            "leave approval out",
        ),
        ({"healthGates": {"custom": [{"name": "q", "query": "x"}]}}, "spec.healthGates.custom[0]", "needs one limit"),
        ({"healthGates": {"custom": [{"name": "q"}]}}, "spec.healthGates.custom[0]", "write one of the two"),
        ({"env": {"1A": "x"}}, "spec.env", "begins with no digit"),
        ({"envFrom": ["vault://x"]}, "spec.envFrom[0]", "should match"),
        ({"domains": ["Not a host"]}, "spec.domains[0]", "should match"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_and_what_to_do(space: Space, spec: Obj, field: str, said: str) -> None:
    answer = declare(space, **spec)

    assert (answer.status, answer.fields) == (422, {field})
    assert said in answer.body["message"]


def test_the_example_is_accepted_as_it_stands_but_for_its_namespace(space: Space) -> None:
    body = yaml.safe_load((TARGET.parent / "cygniservice-example.yaml").read_text())
    body["metadata"]["namespace"] = space.name

    assert space.api.apply(space.path(PLURAL, "web"), body, "kubectl").status == 201


def test_what_may_be_missing_in_a_rolling_release_is_a_number_or_a_share(space: Space) -> None:
    limits = {"maxSurge": 0, "maxUnavailable": "30%"}

    answer = declare(space, rollout={"strategy": "rolling", **limits})

    assert answer.status == 201
    assert limits.items() <= answer.body["spec"]["rollout"].items()


@pytest.mark.parametrize("name", ["cygni-web", "a.b", "n" * 31])
def test_a_name_that_no_service_may_have_is_refused(space: Space, name: str) -> None:
    assert declare(space, name).status == 422


def test_a_gate_that_is_null_stays_off(space: Space) -> None:
    answer = declare(space, healthGates={"errorRate": None})

    assert answer.body["spec"]["healthGates"]["errorRate"] is None


def test_its_status_is_written_apart_and_shown_in_columns(space: Space) -> None:
    declare(space)
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Live",
        "message": "m",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"observedGeneration": 1, "release": 3, "conditions": [condition]}
    body = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", "metadata": {"name": "web"}, "status": status}
    assert space.api.apply(space.path(PLURAL, "web", "status"), body).status == 200

    found = space.read(PLURAL, "web").body

    assert (found["status"]["release"], found["metadata"]["generation"]) == (3, 1)
    columns = definition()["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in columns][:2] == ["Ready", "Reason"]


def test_its_scale_is_the_number_that_its_spec_names_and_the_instances_that_its_status_tells(space: Space) -> None:
    declare(space, replicas=2)
    body = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", "metadata": {"name": "web"}}
    status = {"replicas": 1, "selector": "cygni.dev/service=web"}
    space.api.apply(space.path(PLURAL, "web", "status"), {**body, "status": status})

    scale = space.read(PLURAL, "web", "scale").body

    assert (scale["kind"], scale["spec"], scale["status"]) == ("Scale", {"replicas": 2}, status)


@pytest.mark.parametrize("spec", [{}, {"replicas": 1}, {"autoscale": {"min": 2, "max": 6}}], ids=["none", "one", "range"])
def test_a_scale_that_is_patched_changes_the_number_in_the_spec(space: Space, spec: Obj) -> None:
    before = declare(space, **spec).body["spec"]

    answer = space.api.patch(space.path(PLURAL, "web", "scale"), {"spec": {"replicas": 3}})

    assert (answer.status, answer.body["spec"]) == (200, {"replicas": 3})
    assert space.read(PLURAL, "web").body["spec"] == {**before, "replicas": 3}


def test_the_scale_of_one_that_names_no_number_cannot_be_read(space: Space) -> None:
    declare(space)

    answer = space.read(PLURAL, "web", "scale")

    assert (answer.status, answer.reason) == (500, "InternalError")
    assert 'the spec replicas field ".spec.replicas" does not exist' in answer.body["message"]


@pytest.mark.parametrize(("number", "said"), [(7, "replicas is outside of"), (0, "should be greater than or equal to 1")])
def test_a_scale_that_the_spec_may_not_have_is_refused_in_words(space: Space, number: int, said: str) -> None:
    declare(space, autoscale={"min": 2, "max": 6})

    answer = space.api.patch(space.path(PLURAL, "web", "scale"), {"spec": {"replicas": number}})

    assert (answer.status, answer.reason) == (422, "Invalid")
    assert said in answer.body["message"]

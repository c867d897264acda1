"""The cluster under test: the embedded one, or a real one (`make test-cluster`). Every test has a namespace of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cygni.local.kube.server import Options, running_in_thread
from tests.contract.api import Answer, Api, Obj
from tests.support.cluster import is_wanted


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The path of a kubeconfig of the cluster under test."""
    if is_wanted():
        yield request.getfixturevalue("real").kubeconfig
        return
    folder: Path = tmp_path_factory.mktemp("kube")
    with running_in_thread(Options("a token of the tests", folder / "data"), folder / "kubeconfig"):
        yield str(folder / "kubeconfig")


@pytest.fixture(scope="session")
def api(kubeconfig: str) -> Api:
    """A client of the cluster under test."""
    return Api(kubeconfig)


@dataclass(frozen=True)
class Space:
    """A namespace of one test, and the paths inside it."""

    api: Api
    name: str

    def path(self, plural: str, name: str = "", below: str = "") -> str:
        """The path of a collection, object or subresource: `pods`, or `apps/v1/deployments` with a group."""
        group, _, plural = plural.rpartition("/")
        root = f"/apis/{group}" if group else "/api/v1"
        return "/".join(filter(None, [root, "namespaces", self.name, plural, name, below]))

    def create(self, plural: str, body: Obj, **query: str) -> Obj:
        """Create an object that must be accepted."""
        answer = self.api.post(self.path(plural), body, **query)
        assert answer.status == 201, answer.body
        return answer.body

    def read(self, plural: str, name: str, below: str = "") -> Answer:
        """GET of one object."""
        return self.api.get(self.path(plural, name, below))


@pytest.fixture
def space(api: Api) -> Iterator[Space]:
    """A new namespace, deleted afterwards."""
    name = f"contract-{uuid.uuid4().hex[:10]}"
    answer = api.post("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert answer.status == 201, answer.body
    yield Space(api, name)
    api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def widgets(api: Api) -> Iterator[str]:
    """The group and version of a custom resource made for the tests, `<group>/v1`; its plural is `widgets`."""
    group = f"t{uuid.uuid4().hex[:8]}.example.com"
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert api.post(crds, definition(group)).status == 201
    from tests.contract.api import eventually

    found = eventually(lambda: api.get(f"/apis/{group}/v1/widgets").status, lambda status: status == 200)
    assert found == 200
    yield f"{group}/v1"
    api.delete(f"{crds}/widgets.{group}")


def definition(group: str) -> Obj:
    """A CustomResourceDefinition with validation, defaults, a keyed list, status, scale and a printer column."""
    part = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "weight": {"type": "integer", "maximum": 100}},
    }
    spec = {
        "type": "object",
        "required": ["size"],
        "properties": {
            "size": {"type": "integer", "minimum": 1},
            "colour": {"type": "string", "enum": ["red", "green"], "default": "red"},
            "replicas": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": part},
            "extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    status = {"type": "object", "properties": {"phase": {"type": "string"}, "replicas": {"type": "integer"}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}},
        "subresources": {
            "status": {},
            "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
        },
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
    }
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wdg"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }

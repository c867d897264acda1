from __future__ import annotations

from cygni.local.kube.resources.kinds import BUILTIN
from cygni.local.kube.schema.compact import compact, references
from cygni.local.kube.schema.tree import builtin, custom, definitions


def test_every_reference_leads_somewhere() -> None:
    assert {name for schema in definitions().values() for name in references(schema)} <= set(definitions())


def test_containers_are_a_list_keyed_by_name() -> None:
    containers = builtin("io.k8s.api.core.v1.PodSpec").properties["containers"]
    assert (containers.list_type, containers.map_keys, containers.merge_key) == ("map", ("name",), "name")


def test_every_kind_has_metadata() -> None:
    assert all("finalizers" in resource.schema.properties["metadata"].properties for resource in BUILTIN)


def test_a_schema_that_refers_to_itself_can_be_walked() -> None:
    version = builtin("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation")
    root = version.properties["openAPIV3Schema"]
    deeper = root.properties["properties"].additional
    assert deeper is not None
    assert deeper.properties["type"].type == "string"


def test_a_custom_kind_keeps_the_usual_envelope() -> None:
    schema = custom({"properties": {"metadata": {"type": "string"}, "spec": {"type": "object"}}})
    assert schema.properties["metadata"].type == "object"


def test_compaction_drops_prose_and_keeps_types() -> None:
    raw = {"description": "words", "type": "object", "properties": {"description": {"description": "words", "type": "string"}}}
    assert compact(raw) == {"type": "object", "properties": {"description": {"type": "string"}}}

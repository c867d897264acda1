from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.node.environment import ConfigMissing, command_line, declared_port, expand, pod_field, variables
from cygni.local.node.spec import Container, Object, parse_pod
from tests.cygni.local.node.fake import container, pod

STORE = {
    ("ConfigMap", "plain"): {"data": {"MODE": "fast", "LEVEL": "info"}},
    ("Secret", "hidden"): {"data": {"TOKEN": base64.b64encode(b"s3cret").decode()}},
}


def fetch(kind: str, name: str) -> Object | None:
    return STORE.get((kind, name))


def environment(port: int | None = 20_001, **fields: Any) -> dict[str, str]:
    obj = pod("web-1", container(**fields), node="local", serviceAccountName="runner")
    return variables(parse_pod(obj).containers[0], obj, port, {"HOME": "/home", "PATH": "/bin"}, fetch)


def test_references_are_expanded_where_they_are_known() -> None:
    assert expand("$(A)-$(B)-$$(A)-$A", {"A": "1"}) == "1-$(B)-$(A)-$A"


@given(st.text())
def test_text_without_a_dollar_is_left_as_it_is(text: str) -> None:
    assert expand(text.replace("$", ""), {"A": "1"}) == text.replace("$", "")


def test_later_sources_win_over_earlier_ones() -> None:
    sources = [{"configMapRef": {"name": "plain"}}, {"secretRef": {"name": "hidden"}}]

    found = environment(envFrom=sources, env=[{"name": "LEVEL", "value": "debug"}])

    assert found == {"HOME": "/home", "PATH": "/bin", "PORT": "20001", "MODE": "fast", "LEVEL": "debug", "TOKEN": "s3cret"}


def test_port_is_the_host_port_whatever_the_manifest_says_and_for_who_refers_to_it() -> None:
    found = environment(env=[{"name": "PORT", "value": "8080"}, {"name": "URL", "value": "http://localhost:$(PORT)"}])

    assert (found["PORT"], found["URL"]) == ("20001", "http://localhost:20001")


def test_a_container_without_ports_keeps_the_port_variable_of_its_manifest() -> None:
    assert environment(port=None, env=[{"name": "PORT", "value": "99"}])["PORT"] == "99"


def test_names_from_a_source_get_its_prefix() -> None:
    assert environment(envFrom=[{"prefix": "APP_", "configMapRef": {"name": "plain"}}])["APP_MODE"] == "fast"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"configMapKeyRef": {"name": "plain", "key": "MODE"}}, "fast"),
        ({"secretKeyRef": {"name": "hidden", "key": "TOKEN"}}, "s3cret"),
        ({"fieldRef": {"fieldPath": "metadata.name"}}, "web-1"),
        ({"fieldRef": {"fieldPath": "metadata.labels['app']"}}, "web"),
        ({"fieldRef": {"fieldPath": "spec.nodeName"}}, "local"),
        ({"fieldRef": {"fieldPath": "status.podIP"}}, "127.0.0.1"),
        ({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}, "64"),
        ({"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1m"}}, "250"),
    ],
    ids=str,
)
def test_a_variable_takes_its_value_from_where_it_says(source: Object, value: str) -> None:
    resources = {"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}}

    assert environment(env=[{"name": "X", "valueFrom": source}], resources=resources)["X"] == value


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "nope"}}]}, 'secret "nope" not found'),
        (
            {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "plain", "key": "NOPE"}}}]},
            "find key NOPE in ConfigMap shop/plain",
        ),
        ({"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.secrets"}}}]}, "field spec.secrets"),
        ({"env": [{"name": "X", "valueFrom": {"oracle": {}}}]}, "variable X takes its value from a source"),
    ],
    ids=str,
)
def test_what_is_missing_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigMissing, match=message):
        environment(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"envFrom": [{"secretRef": {"name": "nope", "optional": True}}]},
        {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "nope", "key": "k", "optional": True}}}]},
        {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "plain", "key": "k", "optional": True}}}]},
    ],
    ids=str,
)
def test_what_is_optional_may_be_missing(fields: dict[str, Any]) -> None:
    assert "X" not in environment(**fields)


@pytest.mark.parametrize(
    ("command", "args", "line"),
    [
        ((), (), ["sh", "-c", "run"]),
        (("serve", "$(PORT)"), (), ["serve", "20001"]),
        ((), ("--port=$(PORT)",), ["sh", "-c", "run", "--port=20001"]),
        (("serve",), ("-v",), ["serve", "-v"]),
    ],
)
def test_the_pods_command_replaces_the_images_and_args_follow(
    command: tuple[str, ...], args: tuple[str, ...], line: list[str]
) -> None:
    spec = Container("app", "image", command=command, args=args)

    assert command_line(spec, ("sh", "-c", "run"), {"PORT": "20001"}) == line


def test_the_manifests_port_is_read_only_where_it_is_plain() -> None:
    def read(item: Object) -> str | None:
        return declared_port(parse_pod(pod("web", container(env=[item]))).containers[0])

    assert read({"name": "PORT", "value": "8080"}) == "8080"
    assert read({"name": "PORT", "valueFrom": {}}) is None


def test_a_label_that_is_not_there_is_empty() -> None:
    assert pod_field(pod(), "metadata.annotations['none']") == ""

"""What people type: the real kubectl against the embedded cluster."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.api import Api, eventually
from tests.contract.objects import config, deployment, service
from tests.support.cluster import NO_KUBECTL, kubectl

KUBECTL = kubectl()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(KUBECTL is None, reason=NO_KUBECTL)]
Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture
def namespace(cluster: Path) -> Iterator[str]:
    """A namespace of the test's own."""
    api, name = Api(str(cluster)), f"kubectl-{uuid.uuid4().hex[:8]}"
    api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture(name="kubectl")
def in_the_namespace(cluster: Path, namespace: str, tmp_path: Path) -> Run:
    """Run kubectl in that namespace; objects given as `files` are what `-f -` reads."""

    def run(*arguments: str, files: list[dict[str, Any]] | None = None, code: int = 0) -> Done:
        env = {**os.environ, "KUBECONFIG": str(cluster), "KUBECACHEDIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
        text = yaml.safe_dump_all(files) if files else None
        command = [KUBECTL or "", "--namespace", namespace, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, env=env, timeout=300, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def _ready(cluster: Path, namespace: str) -> None:
    """Play the node: all pods come up."""
    api = Api(str(cluster))
    path = f"/api/v1/namespaces/{namespace}/pods"
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    for name in eventually(lambda: api.names(path), bool):
        api.patch(f"{path}/{name}/status", {"status": status})


def test_apply_creates_then_leaves_alone_then_configures(kubectl: Run) -> None:
    assert kubectl("apply", "-f", "-", files=[deployment()]).stdout == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", files=[deployment()]).stdout == "deployment.apps/web unchanged\n"
    changed = deployment(env=[{"name": "A", "value": "1"}])
    assert kubectl("apply", "-f", "-", files=[changed]).stdout == "deployment.apps/web configured\n"


def test_apply_removes_what_the_file_no_longer_has(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[config("a", {"k": "1", "gone": "2"})])
    kubectl("apply", "-f", "-", files=[config("a", {"k": "1"})])
    assert json.loads(kubectl("get", "configmap", "a", "-o", "json").stdout)["data"] == {"k": "1"}


def test_server_side_apply_tells_of_conflicts(kubectl: Run) -> None:
    kubectl("apply", "--server-side", "-f", "-", files=[config("a", {"k": "1"})])
    refused = kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", files=[config("a", {"k": "2"})], code=1)
    assert 'conflict with "kubectl": .data.k' in refused.stderr
    kubectl("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-", files=[config("a", {"k": "2"})])


def test_a_mistyped_field_is_refused(kubectl: Run) -> None:
    body = deployment()
    body["spec"]["replica"] = 2
    assert 'unknown field "spec.replica"' in kubectl("apply", "-f", "-", files=[body], code=1).stderr


def test_diff_shows_what_would_change(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[config("a", {"k": "1"})])
    assert kubectl("diff", "-f", "-", files=[config("a", {"k": "1"})]).stdout == ""
    changed = kubectl("diff", "-f", "-", files=[config("a", {"k": "2"})], code=1).stdout
    assert '-  k: "1"' in changed
    assert '+  k: "2"' in changed


def test_create_commands_make_what_they_say(kubectl: Run) -> None:
    kubectl("create", "configmap", "c", "--from-literal=k=v")
    kubectl("create", "secret", "generic", "s", "--from-literal=k=v")
    kubectl("create", "deployment", "d", "--image=web:1", "--replicas=0", "--port=80")
    kubectl("create", "service", "clusterip", "s", "--tcp=80:8080")
    assert json.loads(kubectl("get", "secret", "s", "-o", "json").stdout)["data"] == {"k": "dg=="}
    spec = json.loads(kubectl("get", "deployment", "d", "-o", "json").stdout)["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["ports"][0]["containerPort"]) == (0, 80)
    assert kubectl("auth", "can-i", "create", "pods").stdout == "yes\n"


def test_get_prints_columns(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[deployment(replicas=2), service()])
    header, row = kubectl("get", "deployments").stdout.splitlines()
    assert header.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:2] == ["web", "0/2"]
    assert "ClusterIP" in kubectl("get", "svc", "-o", "wide").stdout
    assert "deployment.apps/web" in kubectl("get", "all").stdout


def test_describe_tells_the_story(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[deployment(), service()])
    eventually(lambda: kubectl("get", "events").stdout, lambda text: "ScalingReplicaSet" in text)
    told = kubectl("describe", "deployment", "web").stdout
    assert "MinimumReplicasUnavailable" in told
    assert "Scaled up replica set" in told
    assert "Selector:" in kubectl("describe", "service", "web").stdout
    assert "Controlled By:" in kubectl("describe", "pods").stdout


def test_a_rollout_is_followed_to_its_end(kubectl: Run, cluster: Path, namespace: str, tmp_path: Path) -> None:
    kubectl("apply", "-f", "-", files=[deployment()])
    command = [KUBECTL or "", "--namespace", namespace, "rollout", "status", "deployment/web", "--timeout=100s"]
    environ = {**os.environ, "KUBECONFIG": str(cluster), "KUBECACHEDIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as following:
        assert following.stdout is not None
        assert any("0 of 1 updated replicas are available" in line for line in following.stdout)
        _ready(cluster, namespace)
        assert "successfully rolled out" in following.stdout.read()
    assert "condition met" in kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=60s").stdout


def test_a_rollout_is_undone(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[deployment(image="web:1")])
    kubectl("set", "image", "deployment/web", "app=web:2")
    eventually(lambda: kubectl("rollout", "history", "deployment/web").stdout, lambda text: "\n2" in text)
    kubectl("rollout", "undo", "deployment/web")
    found = kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}").stdout
    assert found == "web:1"


def test_scale_and_delete(kubectl: Run) -> None:
    def pods() -> list[str]:
        return kubectl("get", "pods", "-o", "name").stdout.splitlines()

    kubectl("apply", "-f", "-", files=[deployment()])
    assert kubectl("scale", "deployment/web", "--replicas=3").stdout == "deployment.apps/web scaled\n"
    assert len(eventually(pods, lambda names: len(names) == 3)) == 3
    assert "deleted" in kubectl("delete", "deployment", "web").stdout
    assert eventually(pods, lambda names: not names) == []


def test_wait_for_deletion(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[config("a")])
    kubectl("delete", "configmap", "a", "--wait=true")
    assert "NotFound" in kubectl("get", "configmap", "a", code=1).stderr


def test_logs_of_a_pod_without_a_node_say_so(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[deployment()])
    eventually(lambda: kubectl("get", "pods", "-o", "name").stdout, bool)
    assert "no node yet" in kubectl("logs", "deployment/web", code=1).stderr


def test_labels_patches_and_jsonpath(kubectl: Run) -> None:
    kubectl("apply", "-f", "-", files=[config("a")])
    kubectl("label", "configmap", "a", "x=y")
    kubectl("patch", "configmap", "a", "--type=json", "-p", '[{"op":"add","path":"/data","value":{"k":"v"}}]')
    assert kubectl("get", "configmaps", "-l", "x=y", "-o", "jsonpath={.items[*].data.k}").stdout == "v"


@pytest.mark.parametrize("subject", ["deployment.spec.strategy", "httproute.spec.rules", "pod.spec.containers.env"])
def test_explain_knows_the_fields(kubectl: Run, subject: str) -> None:
    assert "FIELDS:" in kubectl("explain", subject).stdout


def test_what_the_server_knows_is_listed(kubectl: Run) -> None:
    listed = kubectl("api-resources", "-o", "name").stdout.split()
    assert {"pods", "deployments.apps", "httproutes.gateway.networking.k8s.io"} <= set(listed)
    assert "Server Version" in kubectl("version").stdout


def test_custom_kinds_have_their_columns(kubectl: Run) -> None:
    from tests.contract.conftest import definition
    from tests.contract.objects import widget

    group = f"t{uuid.uuid4().hex[:8]}.example.com"
    kubectl("apply", "-f", "-", files=[definition(group)])
    kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}", "--timeout=60s")
    kubectl("apply", "-f", "-", files=[widget(f"{group}/v1", "w", size=3)])
    assert kubectl("get", f"widgets.{group}").stdout.split() == ["NAME", "SIZE", "w", "3"]
    kubectl("delete", "crd", f"widgets.{group}")

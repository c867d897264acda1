"""The real kubectl's everyday commands on kinds of every sort: a built-in workload, and a stranger's custom resource.

Each kind is one `Subject`: what is applied, what is changed, and what it is waited for; a further kind is one more. The
embedded cluster runs with its node, so that logs are a process's own; `make test-cluster` has a real API server judge the
tests themselves.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from cygni.local.controlplane.binaries import CONTROLLERS, SERVERS
from cygni.local.supervisor.child import Child
from tests.contract.api import Api, Obj, eventually
from tests.contract.conftest import definition
from tests.cygni.local.node.fake import container, http_probe, write_image
from tests.cygni.local.node.harness import APP, COMMAND
from tests.support.cluster import NO_KUBECTL, binaries, kubectl

KUBECTL = kubectl()
pytestmark = pytest.mark.skipif(KUBECTL is None, reason=NO_KUBECTL)
GROUP = "strangers.example.com"
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Subject:
    """A kind as kubectl names it, an object of it, a change to one field and another that clashes with it.

    `wait` is how it is said to be well: `held` keeps it from that, and `settle` is the status that brings it there where no
    controller does. `rolled` is what `rollout status` prints in the end, "" for a kind without rollouts. `runs` says whether
    it has processes, and so logs. `needs` is the definition of its kind.
    """

    kind: str
    manifest: Obj
    change: tuple[str, Any]
    clash: Any
    wait: str
    described: tuple[str, ...]
    rolled: str = ""
    runs: bool = False
    held: Mapping[str, Any] = field(default_factory=dict)
    settle: Mapping[str, Any] = field(default_factory=dict)
    needs: Obj | None = None

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def path(self) -> str:
        """The object as kubectl takes it: `deployment.apps/web`."""
        return f"{self.kind}/{self.name}"

    @property
    def changed(self) -> Obj:
        """The object after the change."""
        return self.with_spec(dict([self.change]))

    def with_spec(self, fields: Mapping[str, Any]) -> Obj:
        """The object with these fields in its spec."""
        return {**self.manifest, "spec": {**self.manifest["spec"], **fields}}


def web(**spec: Any) -> Obj:
    labels = {"app": "web"}
    pod = {"containers": [container(readinessProbe=http_probe(periodSeconds=1))], "terminationGracePeriodSeconds": 1}
    template = {"metadata": {"labels": labels}, "spec": pod}
    body = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels}, "spec": body}


def gear(**spec: Any) -> Obj:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Widget",
        "metadata": {"name": "gear"},
        "spec": {"size": 1, "replicas": 1, **spec},
    }


def image(digit: str) -> str:
    return f"registry.example.com/shop/web@sha256:{digit * 64}"


READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Promoted",
    "message": "It runs.",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}

SUBJECTS = [
    Subject(
        kind="deployment.apps",
        manifest=web(),
        change=("minReadySeconds", 1),
        clash=2,
        wait="condition=Available",
        held={"paused": True},
        described=("Replicas:", "registry.local/shop/web", "ScalingReplicaSet"),
        rolled='deployment "web" successfully rolled out',
        runs=True,
    ),
    Subject(
        kind=f"widget.{GROUP}",
        manifest=gear(),
        change=("colour", "green"),
        clash="red",
        wait="jsonpath={.status.phase}=Turning",
        described=("API Version:", f"{GROUP}/v1", "Size:"),
        settle={"status": {"phase": "Turning"}},
        needs=definition(GROUP),
    ),
    Subject(
        kind="cygniservice.cygni.dev",
        manifest={
            "apiVersion": "cygni.dev/v1",
            "kind": "CygniService",
            "metadata": {"name": "web"},
            "spec": {"image": image("a"), "replicas": 1},
        },
        change=("image", image("b")),
        clash=image("c"),
        wait="condition=Ready",
        described=("API Version:", "cygni.dev/v1", "Autoscale:"),
        settle={"status": {"conditions": [READY]}},
    ),
]


@pytest.fixture(
    scope="module", params=[pytest.param("embedded", marks=pytest.mark.slow), pytest.param("real", marks=pytest.mark.cluster)]
)
def kubeconfig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster with a node whose image store holds the tests' application."""
    folder = tmp_path_factory.mktemp("cluster")
    write_image(folder / "images", {"app.py": APP}, COMMAND)
    (folder / "token").write_text(secrets.token_hex(16))
    arguments = [
        *("--data", str(folder / "data"), "--images", str(folder / "images")),
        *("--token-file", str(folder / "token"), "--kubeconfig", str(folder / "kubeconfig")),
    ]
    module = "cygni.local.cluster"
    if request.param == "real":
        module = "cygni.local.controlplane"
        arguments += ["--programs", str(binaries(needed=(*SERVERS, *CONTROLLERS)).folder)]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[4])}
    cluster = Child("cluster", module, arguments, environ, folder / "cluster.log")
    cluster.start(120)
    try:
        yield folder / "kubeconfig"
    finally:
        cluster.stop()


class Kubectl:
    """kubectl in a namespace of the test's own."""

    def __init__(self, kubeconfig: Path, namespace: str, home: Path) -> None:
        self.api, self.namespace = Api(str(kubeconfig)), namespace
        cache = {"KUBECACHEDIR": str(home / "cache"), "HOME": str(home)}
        self._environ = {**os.environ, "KUBECONFIG": str(kubeconfig), **cache}

    def __call__(self, *arguments: str, given: Obj | None = None, code: int = 0) -> str:
        """What it prints; `given` is the file it reads as `-f -`. Ends with `code`, or the test fails."""
        text = yaml.safe_dump(given) if given else None
        done = subprocess.run(
            self._command(*arguments), input=text, capture_output=True, text=True, env=self._environ, timeout=300, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def follow(self, *arguments: str) -> Iterator[Callable[[str], str]]:
        """A command that goes on; the value waits for a line that holds a text, and returns it."""
        lines: queue.Queue[str | None] = queue.Queue()
        with subprocess.Popen(
            self._command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._environ
        ) as process:

            def read() -> None:
                assert process.stdout is not None
                for line in process.stdout:
                    lines.put(line)
                lines.put(None)

            threading.Thread(target=read, daemon=True).start()

            def until(text: str, seconds: float = 90.0) -> str:
                seen, ends = [], time.monotonic() + seconds
                while (line := lines.get(timeout=max(0.01, ends - time.monotonic()))) is not None:
                    seen.append(line)
                    if text in line:
                        return line
                raise AssertionError(f"it ended without {text!r}: {seen}")

            try:
                yield until
            finally:
                process.kill()

    def _command(self, *arguments: str) -> list[str]:
        return [KUBECTL or "", "--namespace", self.namespace, *arguments]


@pytest.fixture(params=SUBJECTS, ids=lambda subject: subject.kind.partition(".")[0])
def subject(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.param
    return found


@pytest.fixture
def run(kubeconfig: Path, subject: Subject, tmp_path: Path) -> Iterator[Kubectl]:
    """kubectl in a new namespace of a cluster that knows the subject's kind."""
    api, name = Api(str(kubeconfig)), f"kubectl-{secrets.token_hex(4)}"
    api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    command = Kubectl(kubeconfig, name, tmp_path)
    if subject.needs:
        command("apply", "-f", "-", given=subject.needs)
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{subject.needs['metadata']['name']}"
        eventually(lambda: api.get(path).body, lambda found: found.get("status", {}).get("conditions"))  # kubectl needs some
        command("wait", "--for=condition=Established", f"crd/{subject.needs['metadata']['name']}", "--timeout=60s")
    yield command
    command("delete", subject.path, "--ignore-not-found", "--wait=false")
    api.delete(f"/api/v1/namespaces/{name}")


def test_apply_creates_leaves_alone_and_configures(run: Kubectl, subject: Subject) -> None:
    said = [run("apply", "-f", "-", given=each) for each in (subject.manifest, subject.manifest, subject.changed)]

    assert said == [f"{subject.path} {word}\n" for word in ("created", "unchanged", "configured")]


def test_server_side_apply_knows_whose_a_field_is(run: Kubectl, subject: Subject) -> None:
    name, _ = subject.change
    run("apply", "--server-side", "-f", "-", given=subject.changed)

    other = subject.with_spec({name: subject.clash})
    refused = run("apply", "--server-side", "--field-manager=other", "-f", "-", given=other, code=1)

    assert f'conflict with "kubectl": .spec.{name}' in refused


def test_diff_shows_the_change_and_nothing_else(run: Kubectl, subject: Subject) -> None:
    run("apply", "-f", "-", given=subject.manifest)

    assert run("diff", "-f", "-", given=subject.manifest) == ""
    shown = run("diff", "-f", "-", given=subject.changed, code=1)
    added = [line[1:].strip() for line in shown.splitlines() if line.startswith("+ ")]
    assert [line for line in added if not line.startswith("generation:")] == ["{}: {}".format(*subject.change)]


def test_get_watches_what_comes_and_goes(run: Kubectl, subject: Subject) -> None:
    with run.follow("get", subject.kind, "--watch", "--output-watch-events") as until:
        run("apply", "-f", "-", given=subject.manifest)
        assert subject.name in until("ADDED")
        run("apply", "-f", "-", given=subject.changed)
        assert subject.name in until("MODIFIED")
        run("delete", subject.path)
        assert subject.name in until("DELETED")


def test_describe_tells_its_fields_and_its_story(run: Kubectl, subject: Subject) -> None:
    run("apply", "-f", "-", given=subject.manifest)

    told = eventually(lambda: run("describe", subject.path), lambda text: all(each in text for each in subject.described))

    assert [each for each in (*subject.described, run.namespace) if each not in told] == []


def test_wait_returns_when_it_is_well_and_not_before(run: Kubectl, subject: Subject) -> None:
    run("apply", "-f", "-", given=subject.with_spec(subject.held))
    assert "timed out" in run("wait", f"--for={subject.wait}", subject.path, "--timeout=1s", code=1)

    with run.follow("wait", f"--for={subject.wait}", subject.path, "--timeout=60s") as until:
        run("apply", "-f", "-", given=subject.manifest)
        if subject.settle:
            run("patch", subject.path, "--subresource=status", "--type=merge", "-p", json.dumps(subject.settle))
        assert f"{subject.path} condition met" in until("condition met")


def test_rollout_status_follows_to_the_end_or_says_that_the_kind_has_none(run: Kubectl, subject: Subject) -> None:
    run("apply", "-f", "-", given=subject.manifest)

    if subject.rolled:
        assert subject.rolled in run("rollout", "status", subject.path, "--timeout=60s")
    else:
        assert f'no kind "{subject.manifest["kind"]}" is registered' in run("rollout", "status", subject.path, code=1)


def test_logs_are_followed_while_they_are_written_or_refused_for_what_has_none(run: Kubectl, subject: Subject) -> None:
    run("apply", "-f", "-", given=subject.manifest)
    if not subject.runs:
        assert f'no kind "{subject.manifest["kind"]}" is registered' in run("logs", "-f", subject.path, code=1)
        return
    run("rollout", "status", subject.path, "--timeout=60s")

    with run.follow("logs", "-f", subject.path) as until:
        until("listening on")
        run("delete", subject.path)
        with pytest.raises(AssertionError, match="it ended without"):  # the pod is gone, and so is the log
            until("never printed")


def test_scale_changes_the_number_and_nothing_else(run: Kubectl, subject: Subject) -> None:
    run("apply", "-f", "-", given=subject.manifest)
    before = json.loads(run("get", subject.path, "-o", "json"))["spec"]

    assert run("scale", subject.path, "--replicas=3") == f"{subject.path} scaled\n"

    assert json.loads(run("get", subject.path, "-o", "json"))["spec"] == {**before, "replicas": 3}
    assert "error: Expected replicas to be 1, was 3" in run(
        "scale", subject.path, "--current-replicas=1", "--replicas=2", code=1
    )
    if subject.runs:
        pods = eventually(lambda: run("get", "pods", "-o", "name").splitlines(), lambda names: len(names) == 3)
        assert len(pods) == 3


def test_delete_waits_until_it_is_gone_with_all_it_owned(run: Kubectl, subject: Subject) -> None:
    run("apply", "-f", "-", given=subject.manifest)
    if subject.runs:
        run("rollout", "status", subject.path, "--timeout=60s")

    assert f'"{subject.name}" deleted' in run("delete", subject.path, "--wait=true", "--cascade=foreground")

    assert "NotFound" in run("get", subject.path, code=1)
    assert run("get", "pods", "-o", "name") == ""

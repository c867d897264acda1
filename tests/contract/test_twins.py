"""The embedded cluster and a real API server are given the same random writes, and must answer alike, managed fields included.

Part of `make test-cluster`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cygni.local.kube.server import Options, running_in_thread
from tests.contract.api import APPLY, Api, Obj, eventually
from tests.contract.conftest import definition
from tests.contract.objects import widget
from tests.contract.twins import Step, Writer, essence, perform, remove
from tests.support.cluster import RealCluster

pytestmark = pytest.mark.cluster
STEPS = 80


@pytest.fixture(scope="module")
def twins(real: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Api]]:
    """A real API server and the embedded one."""
    folder: Path = tmp_path_factory.mktemp("twin")
    with running_in_thread(Options("a token of the tests"), folder / "kubeconfig"):
        yield Api(real.kubeconfig), Api(str(folder / "kubeconfig"))


@pytest.fixture(scope="module")
def kinds(twins: tuple[Api, Api]) -> Iterator[str]:
    """The group and version of widgets on both."""
    group = f"t{uuid.uuid4().hex[:8]}.example.com"
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for api in twins:
        api.post(crds, definition(group))
        eventually(lambda api=api: api.get(f"/apis/{group}/v1/widgets").status, lambda status: status == 200)
    body = widget(f"{group}/v1", "probe", parts=[{"name": "a"}])
    path = f"/apis/{group}/v1/namespaces/default/widgets/probe"
    ask = partial(twins[0].send, "PATCH", path, body, APPLY, fieldManager="probe", dryRun="All")
    eventually(lambda: str(ask().body), lambda told: 'k:{"name":"a"}' in told)  # it serves a kind before apply knows its keys
    yield f"{group}/v1"
    for api in twins:
        api.delete(f"{crds}/widgets.{group}")


@pytest.fixture
def namespace(twins: tuple[Api, Api]) -> Iterator[str]:
    """A namespace on both."""
    name = f"twins-{uuid.uuid4().hex[:10]}"
    for api in twins:
        api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    for api in twins:
        api.delete(f"/api/v1/namespaces/{name}")


def _is_known_difference(step: Step, real: Obj) -> bool:
    """The real server lost a race with its own controllers, or tells a null of a field that apply has emptied."""
    return (real.get("reason") == "Conflict" and step.operation != "apply") or 'must be of type object: "null"' in str(real)


@pytest.mark.parametrize("seed", range(10))
def test_both_answer_alike(twins: tuple[Api, Api], namespace: str, kinds: str, seed: int) -> None:
    writer = Writer(seed, namespace, kinds)
    written: dict[str, Step] = {}
    for number in range(STEPS):
        step = writer.step()
        written[step.path] = step
        real, ours = (perform(api, step) for api in twins)
        if _is_known_difference(step, real.body):
            for api in twins:
                remove(api, step)
            continue
        assert essence(ours) == essence(real), (seed, number, step)
    for api in twins:
        for step in written.values():
            remove(api, step)

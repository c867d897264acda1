"""Our reading of the restricted profile against a real API server's admission, which is the published one."""

from __future__ import annotations

import pytest

from tests.contract.api import Answer, Api
from tests.support.cluster import RealCluster
from tests.support.pod_security import violations
from tests.support.pods import BREACHES, GOOD, Obj, breach

pytestmark = pytest.mark.cluster
NAMESPACE = "restricted"


@pytest.fixture(scope="module")
def api(real: RealCluster) -> Api:
    found = Api(real.kubeconfig)
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}
    found.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
    return found


def admission(api: Api, pod: Obj) -> Answer:
    """What the API server says to a pod, which it does not keep."""
    return api.post(f"/api/v1/namespaces/{NAMESPACE}/pods", {"apiVersion": "v1", "kind": "Pod", **pod}, dryRun="All")


def test_a_pod_that_meets_the_profile_is_admitted(api: Api) -> None:
    assert violations(GOOD) == []
    assert admission(api, GOOD).status == 201


@pytest.mark.parametrize("rule", BREACHES)
def test_what_our_checker_refuses_is_refused(api: Api, rule: str) -> None:
    answer = admission(api, breach(rule))

    assert answer.status == 403, answer.body
    assert 'violates PodSecurity "restricted:latest"' in answer.body["message"]

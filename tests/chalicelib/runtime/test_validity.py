"""Every manifest that Cygni writes into a cluster: valid, strictly, for every version of Kubernetes from 1.30 on.

What is tested is what the façade applies over a service's whole life, not what somebody remembered to list: a kind that is
written and not met here fails.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from kubernetes_validate import utils

from chalicelib.platform.kubeport import Json
from chalicelib.runtime import service
from chalicelib.runtime.plan import ORDER
from chalicelib.runtime.rules import Target
from chalicelib.runtime.scaling import Gateway
from cygni.local.kube.schema.tree import gateway_definitions
from tests.chalicelib.runtime.builders import HOST, TARGET, assert_valid, workload
from tests.fakes.kube import FakeCluster
from tests.support.custom_schema import assert_valid_custom
from tests.support.keda import DEFINITIONS, install
from tests.support.pod_security import RULES, violations
from tests.support.pods import BREACHES, GOOD, IMPLIED, breach

OLDEST = (1, 30)
VERSIONS = sorted({tuple(map(int, each.split(".")[:2])) for each in utils.all_versions()})
APIS = [each for each in VERSIONS if each >= OLDEST]
CUSTOM = ("gateway.networking.k8s.io/", "keda.sh/", "http.keda.sh/")
KEDA = Gateway("envoy-gateway", "http://prometheus.monitoring.svc:9090")
SLEEPER = {"scale": {"min": 0, "max": 3, "requests": 20}, "domains": ["shop.example.com"]}
LONG = Target("team_00000000000000000000000001", "p" * 40, "e" * 40, "s" * 40)


class Recorder(FakeCluster):
    """A cluster that remembers every manifest it was given."""

    def __init__(self, version: tuple[int, int]) -> None:
        super().__init__(version=version)
        self.applied: list[Json] = []

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        self.applied.append(copy.deepcopy(dict(manifest)))
        return super().apply(manifest, force=force)


def live(api: tuple[int, int]) -> list[Json]:
    """All that is applied while two services come, roll out, scale and go."""
    cluster = Recorder(api)
    install(cluster)
    full = {
        "env": {"A": "1", "EMPTY": ""},
        "start": "python app.py && true",
        "scale": {"min": 2, "max": 6, "cpuPercent": 70},
        "resources": {"cpu": "1.5", "memory": "1Gi"},
        "health": {"path": "/healthz?deep=1", "interval": "2m", "timeout": "10s", "deadline": "30m"},
    }
    for target, host in ((TARGET, HOST), (LONG, LONG.host("apps.example.com", home="team_home"))):
        service.apply_release(cluster, workload(1, target=target), host=host)
        service.apply_release(
            cluster, workload(2, target=target, spec=full, config={"KEY": "sécret", "BLANK": ""}, replicas=0), host=host
        )
        service.apply_release(cluster, workload(3, target=target, command=("sh", "-c", "true")), host=host)
        for weights in ({1: 100}, {1: 80, 2: 20}, {1: 0, 2: 0, 3: 100}):
            service.set_weights(cluster, target, weights, host=host, put_up=service.fence(cluster, target), mark="t")
        service.apply_release(cluster, workload(4, target=target, spec=SLEEPER), host=host, gateway=KEDA)
        service.set_weights(cluster, target, {4: 100}, host=host, put_up=service.fence(cluster, target), mark="4")
        assert service.rest(cluster, workload(4, target=target, spec=SLEEPER), host=host, gateway=KEDA)
        service.retire(cluster, target, [4], upto=4, mark="gone")
        service.remove_service(cluster, target)
    return cluster.applied


@pytest.fixture(scope="module", params=APIS, ids=lambda api: "{}.{}".format(*api))
def api(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


def test_every_manifest_is_valid_for_the_version_it_is_written_for(api: tuple[int, int]) -> None:
    for manifest in live(api):
        if manifest["apiVersion"].startswith(CUSTOM):
            assert_valid_custom(manifest, [*gateway_definitions(), *DEFINITIONS])
        else:
            assert_valid(manifest, "{}.{}.0".format(*api))


def test_every_kind_that_is_written_is_among_them() -> None:
    assert {manifest["kind"] for manifest in live(APIS[-1])} == {*ORDER, "ReferenceGrant"}


def test_the_newest_version_that_is_known_is_no_older_than_the_one_that_ci_runs() -> None:
    from cygni.local.controlplane.binaries import version

    _, major, minor = version()

    assert APIS[0] == OLDEST
    assert APIS[-1] >= (int(major), int(minor))


def test_every_pod_meets_the_restricted_profile(api: tuple[int, int]) -> None:
    templates = [manifest["spec"]["template"] for manifest in live(api) if manifest["kind"] == "Deployment"]

    assert len(templates) >= 6
    assert [violations(template) for template in templates] == [[] for _ in templates]


def test_the_definitions_of_the_gateway_api_are_valid_themselves(api: tuple[int, int]) -> None:
    for definition in gateway_definitions():
        assert_valid(definition, "{}.{}.0".format(*api))


def test_a_field_that_the_gateway_api_does_not_know_is_an_error() -> None:
    (route,) = [each for each in live((1, 34)) if each["kind"] == "HTTPRoute"][:1]
    route["spec"]["rules"][0]["backendRefs"][0]["wieght"] = 1

    with pytest.raises(jsonschema.ValidationError, match="wieght"):
        assert_valid_custom(route, gateway_definitions())


@pytest.mark.parametrize("rule", BREACHES)
def test_the_profiles_checker_finds_each_breach_by_its_name(rule: str) -> None:
    assert violations(GOOD) == []
    assert {each.partition(":")[0] for each in violations(breach(rule))} == {rule} | IMPLIED.get(rule, set())


def test_every_rule_of_the_profile_has_a_breach() -> None:
    assert {rule.__doc__ for rule in RULES} == set(BREACHES)

"""Registered clusters at the door of a real API server: who is admitted, what a check finds, how tokens follow each other."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.platform.kubeauth import Access, BearerToken, EntraClient
from chalicelib.platform.kubereach import connect
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import settings
from chalicelib.runtime import cluster_access
from chalicelib.runtime.cluster_checks import look as ask
from chalicelib.runtime.cluster_rules import Health
from functions import clusters, ports
from tests.contract.api import Api, eventually
from tests.support.cluster import RealCluster
from tests.support.store import memory_store
from tests.support.world import TEAM, Client, Fakes

pytestmark = pytest.mark.cluster
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
def api(real: RealCluster) -> Api:
    return Api(real.kubeconfig)


@pytest.fixture
def whole(real: RealCluster) -> dict[str, Any]:
    """The kubeconfig with what files it names put into it, as `kubectl config view --flatten` does."""
    config = yaml.safe_load(Path(real.kubeconfig).read_text())
    for each in config["clusters"]:
        if "certificate-authority" in each["cluster"]:
            path = Path(each["cluster"].pop("certificate-authority"))
            each["cluster"]["certificate-authority-data"] = _base64(path.read_bytes())
    return dict(config)


def _base64(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


@pytest.fixture
def access(whole: dict[str, Any]) -> Access:
    """As whoever may do everything."""
    return cluster_access.of_kubeconfig(yaml.safe_dump(whole), None)


def account(api: Api) -> tuple[str, str]:
    """A new service account and a token of its own."""
    name = f"cygni-{uuid.uuid4().hex[:8]}"
    path = "/api/v1/namespaces/default/serviceaccounts"
    assert api.post(path, {"metadata": {"name": name}}).status == 201
    return name, token(api, name)


def token(api: Api, name: str) -> str:
    spec = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    answer = api.post(f"/api/v1/namespaces/default/serviceaccounts/{name}/token", spec)
    assert answer.status == 201, answer.body
    return str(answer.body["status"]["token"])


def bind(api: Api, name: str) -> None:
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    role = {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": GROUP}
    body = {"metadata": {"name": name}, "subjects": [subject], "roleRef": role}
    assert api.post(f"/apis/{GROUP}/v1/clusterrolebindings", body).status == 201


def look(access: Access, **more: Any) -> tuple[Health, str]:
    """What a check finds."""
    cluster = connect(access, known=True, **more)
    try:
        return ask(lambda: cluster)
    finally:
        cluster.close()


def test_a_kubeconfig_is_admitted_and_found_well(access: Access) -> None:
    health, sentence = look(access)

    assert health is Health.HEALTHY, sentence


def test_a_service_account_is_admitted_by_its_token_and_well_once_it_has_the_rights(access: Access, api: Api) -> None:
    name, secret = account(api)
    mine = Access(access.server, access.authority, BearerToken(secret))

    before = look(mine)
    bind(api, name)

    assert before[0] is Health.REFUSED
    assert "Grant Cygni's account in the cluster: get namespaces" in before[1]
    assert eventually(lambda: look(mine)[0], lambda health: health is Health.HEALTHY) is Health.HEALTHY


def test_a_token_that_nobody_gave_is_not_admitted_and_not_repeated(access: Access) -> None:
    health, sentence = look(Access(access.server, access.authority, BearerToken("s3cret-nobody")))

    assert health is Health.REFUSED
    assert "401" in sentence
    assert "s3cret" not in sentence


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """An installation whose functions and API share its tables and its secret store; the client is the operator's."""
    monkeypatch.setenv("CYGNI_ADMIN_TEAM", TEAM)
    settings.cache_clear()
    with memory_store():
        yield Client(Fakes(secrets=Secrets()))  # type: ignore[arg-type]
    settings.cache_clear()
    ports._cluster.cache_clear()


def test_an_environment_that_is_placed_there_is_rolled_out_there(
    installation: Client, whole: dict[str, Any], real: RealCluster
) -> None:
    given = {"name": "there", "access": {"provider": "kubeconfig", "kubeconfig": yaml.safe_dump(whole)}}
    assert installation.post("/v1/clusters", given).status == 201
    installation.post("/v1/projects", {"name": "shop"})

    clusters.check({"team": TEAM, "name": "there"}, None)
    checked = installation.get("/v1/clusters/there").json
    placed = installation("PUT", "/v1/projects/shop/environments/prod/cluster", {"cluster": "there"})

    assert (checked["health"], placed.status) == ("healthy", 200), checked
    assert clusters.check_all({}, None) == {"healthy": 1}
    found = ports.rollout_ports({"team": TEAM, "project": "shop", "environment": "prod"}).cluster
    name = f"cygni-{uuid.uuid4().hex[:8]}"
    found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert name in Api(real.kubeconfig).names("/api/v1/namespaces")
    found.delete("Namespace", "", name)


def test_a_provider_gives_token_after_token_and_the_server_admits_each(access: Access, api: Api) -> None:
    name, _ = account(api)
    bind(api, name)
    given: list[str] = []

    def provider(_url: str, _form: object) -> dict[str, Any]:
        given.append(token(api, name))
        return {"access_token": given[-1], "expires_in": 30}  # over before it is used again

    mine = Access(access.server, access.authority, EntraClient("t", "c", "s"))

    assert eventually(lambda: look(mine, post=provider)[0], lambda health: health is Health.HEALTHY) is Health.HEALTHY
    assert len(set(given)) > 3

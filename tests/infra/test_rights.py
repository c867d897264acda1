"""The rights of functions, in both directions: what a function asks of AWS is allowed, and what is allowed is asked."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from chalicelib.platform import dynamodb as clients
from chalicelib.platform.duty import TABLE
from chalicelib.platform.settings import settings
from cygni.local.kube.server import Options, running_in_thread
from functions.catalog import API_FUNCTION, FUNCTIONS, PAIR_FUNCTIONS, RELEASE, Function
from infra.pairs import statements_of_pair
from infra.rights import MEANINGS, Places, Statement, UnknownRight, statements
from infra.tenants import statements_of_tenants
from tests.infra.pair import PAIR, played_by_a_pair
from tests.infra.recorder import ACCOUNT, PARTITION, REGION, Call
from tests.infra.scenario import played

PLACES = Places(PARTITION, REGION, ACCOUNT, "cygni")
TENANT_ROLE = PLACES.tenant_role
EVERY = (*FUNCTIONS, *PAIR_FUNCTIONS, API_FUNCTION)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """What all functions asked of AWS, with each request served by the tenant's own role, and with a region that stands by."""
    kubeconfig = tmp_path_factory.mktemp("cluster") / "kubeconfig"
    with pytest.MonkeyPatch.context() as patch:
        _set(patch, kubeconfig)
        with running_in_thread(Options("a token"), kubeconfig), played() as recorder:
            alone = recorder.calls
    settings.cache_clear()
    clients._sessions.clear()
    assert not [call for call in alone if call.resource.endswith(TABLE)]
    return [*alone, *played_by_a_pair().calls]


def _set(patch: pytest.MonkeyPatch, kubeconfig: Path) -> None:
    patch.setenv("CYGNI_ACCOUNT", ACCOUNT)
    patch.setenv("CYGNI_KUBECONFIG", str(kubeconfig))
    patch.setenv("CYGNI_METRICS_KIND", "scrape")
    patch.setenv("CYGNI_METRICS_URL", "http://127.0.0.1:1/metrics")
    patch.setenv("CYGNI_CLUSTER_HOSTS", "127.0.0.1")
    patch.setenv("CYGNI_TENANT_ROLE", TENANT_ROLE)
    patch.setenv("CYGNI_RELEASE_ALIAS", RELEASE)
    settings.cache_clear()
    clients._sessions.clear()


def allows(statement: Statement, call: Call) -> bool:
    """Whether IAM would let the call through by this statement."""
    if call.action not in statement.actions:
        return False
    if not any(fnmatchcase(call.resource, each) for each in statement.resources):
        return False
    patterns = statement.conditions.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    if patterns is None:
        return True
    own = [each.replace("${aws:PrincipalTag/team}", call.team) for each in patterns]
    return bool(call.keys) and all(any(fnmatchcase(key, each) for each in own) for key in call.keys)


def policy(name: str) -> tuple[Statement, ...]:
    """The policy of a function in a pair of regions, or of the role that requests are served with."""
    if name == TENANT_ROLE:
        return statements_of_tenants(PLACES)
    rights = next(each for each in EVERY if each.name == name).rights
    return (*statements(rights, PLACES), *statements_of_pair(name, PLACES, PAIR))


@pytest.mark.parametrize("name", [*(each.name for each in EVERY), TENANT_ROLE])
def test_what_it_asks_of_aws_is_allowed(calls: list[Call], name: str) -> None:
    asked = {call for call in calls if call.by == name}

    refused = {call for call in asked if not any(allows(each, call) for each in policy(name))}

    assert refused == set()


@pytest.mark.parametrize("name", [*(each.name for each in EVERY), TENANT_ROLE])
def test_what_it_is_allowed_it_asks(calls: list[Call], name: str) -> None:
    asked = {call for call in calls if call.by == name}
    allowed = {(action, resource, each.sid) for each in policy(name) for action in each.actions for resource in each.resources}

    unused = {
        (action, resource)
        for action, resource, sid in allowed
        if not any(allows(Statement(sid, (action,), (resource,)), call) for call in asked)
    }

    assert unused == set()


def test_the_tenants_role_reaches_no_other_teams_keys(calls: list[Call]) -> None:
    asked = [call for call in calls if call.by == TENANT_ROLE and call.keys]

    others = [call.of_team("team_other") for call in asked]

    assert len(asked) > 100
    assert not [call for call in others if any(allows(each, call) for each in statements_of_tenants(PLACES))]


@pytest.mark.parametrize("function", EVERY, ids=lambda each: each.name)
def test_no_action_is_a_pattern_and_no_resource_everything(function: Function) -> None:
    for each in policy(function.name):
        assert not [action for action in each.actions if "*" in action or "?" in action]
        assert "*" not in each.resources or each.because
        assert each.because or not [resource for resource in each.resources if "*" in resource or "?" in resource]


def test_words_that_stand_for_nothing_are_an_error() -> None:
    with pytest.raises(UnknownRight, match="read everything"):
        statements(("read everything",), PLACES)


def test_every_word_is_somebodys() -> None:
    assert set(MEANINGS) == {right for each in EVERY for right in each.rights if right in MEANINGS}

"""The rights of functions, in both directions: what a function asks of AWS is allowed, and what is allowed is asked."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from chalicelib.platform import dynamodb as clients
from chalicelib.platform.duty import TABLE
from chalicelib.platform.settings import settings
from cygni.local.kube.server import Options, running_in_thread
from functions.catalog import (
    API_FUNCTION,
    FUNCTIONS,
    MEMBER_RIGHTS,
    PAIR_FUNCTIONS,
    RELEASE,
    TENANT_RIGHTS,
    Function,
    invoked_by_api,
)
from infra.pairs import statements_of_pair
from infra.rights import MEANINGS, Statement, UnknownRight, statements
from infra.tenants import statements_of_members, statements_of_tenants
from tests.infra.pair import PAIR, played_by_a_pair
from tests.infra.recorder import ACCOUNT, Call
from tests.infra.scenario import PLACES, played

TENANT_ROLE, MEMBER_ROLE = PLACES.tenant_role, PLACES.member_role
OF_TEAMS = {TENANT_ROLE: statements_of_tenants(PLACES), MEMBER_ROLE: statements_of_members(PLACES)}
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
    for each in ("CYGNI_TENANT_ROLE", "CYGNI_MEMBER_ROLE"):  # set as each function that runs is told
        patch.setenv(each, "")
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
    if name in OF_TEAMS:
        return OF_TEAMS[name]
    rights = next(each for each in EVERY if each.name == name).rights
    return (*statements(rights, PLACES), *statements_of_pair(name, PLACES, PAIR))


@pytest.mark.parametrize("name", [*(each.name for each in EVERY), *OF_TEAMS])
def test_what_it_asks_of_aws_is_allowed(calls: list[Call], name: str) -> None:
    asked = {call for call in calls if call.by == name}

    refused = {call for call in asked if not any(allows(each, call) for each in policy(name))}

    assert refused == set()


@pytest.mark.parametrize("name", [*(each.name for each in EVERY), *OF_TEAMS])
def test_what_it_is_allowed_it_asks(calls: list[Call], name: str) -> None:
    asked = {call for call in calls if call.by == name}
    allowed = {(action, resource, each.sid) for each in policy(name) for action in each.actions for resource in each.resources}

    unused = {
        (action, resource)
        for action, resource, sid in allowed
        if not any(allows(Statement(sid, (action,), (resource,)), call) for call in asked)
    }

    assert unused == set()


@pytest.mark.parametrize(("role", "least"), [(TENANT_ROLE, 100), (MEMBER_ROLE, 20)], ids=["tenants", "members"])
def test_a_teams_role_reaches_no_other_teams_keys(calls: list[Call], role: str, least: int) -> None:
    asked = [call for call in calls if call.by == role and call.keys[0].startswith("TEAM#")]

    others = [call.of_team("team_other") for call in asked]

    assert len(asked) > least
    assert not [call for call in others if any(allows(each, call) for each in OF_TEAMS[role])]


def test_what_serves_a_request_reaches_teams_keys_in_sessions_of_the_team_alone(calls: list[Call]) -> None:
    serving = {each.name for each in EVERY if "act for one team at a time" in each.rights}

    own = {(call.by, call.action) for call in calls if call.by in serving and any(key.startswith("TEAM#") for key in call.keys)}

    assert {*invoked_by_api(), API_FUNCTION.name} == serving
    assert own == {(API_FUNCTION.name, "dynamodb:GetItem")}  # whether the caller belongs to the team


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
    asked = {*TENANT_RIGHTS, *MEMBER_RIGHTS, *(right for each in EVERY for right in each.rights)}

    assert set(MEANINGS) == asked & set(MEANINGS)

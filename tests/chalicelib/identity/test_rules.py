from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.api.openapi import document
from chalicelib.api.resources import RESOURCES
from chalicelib.identity.rules import (
    ANYWHERE,
    MATRIX,
    SELF,
    Cell,
    Grant,
    Reach,
    Role,
    Scope,
    Verdict,
    decide,
    role_for,
    sees,
)

NAMES = st.sampled_from(["shop", "blog"])
ENVIRONMENTS = st.sampled_from(["prod", "staging"])
ROLES = st.sampled_from(list(Role))
SCOPES = st.builds(Scope, NAMES, st.sampled_from(["prod", "staging", ANYWHERE]), ROLES)
GRANTS = st.builds(Grant, ROLES, st.lists(SCOPES, max_size=3).map(tuple))
NARROWED = st.builds(Grant, ROLES, st.lists(SCOPES, min_size=1, max_size=2).map(tuple))
WHOLE = st.builds(Grant, ROLES)
OPERATIONS = st.sampled_from(sorted(MATRIX))
_STRENGTH = {Verdict.REFUSE: 0, Verdict.OUT_OF_SCOPE: 0, Verdict.ALLOW_UNLESS_PRODUCTION: 1, Verdict.ASK_IF_PRODUCTION: 2}


def strength(verdict: Verdict) -> int:
    return _STRENGTH.get(verdict, 3)


def operations() -> list[Any]:
    """Every operation that the API's document has."""
    return [each for path in document(RESOURCES)["paths"].values() for each in path.values()]


@pytest.mark.parametrize("operation", operations(), ids=lambda each: each["operationId"])
def test_every_operation_of_the_api_has_its_row_or_says_that_it_is_public(operation: dict[str, Any]) -> None:
    name, public = operation["operationId"], operation.get("security") == []

    assert [public, name in MATRIX, name in SELF].count(True) == 1


def test_no_row_is_for_an_operation_that_is_not_there() -> None:
    assert {*MATRIX, *SELF} == {each["operationId"] for each in operations() if each.get("security") != []}


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_whoever_may_more_may_all_that_the_others_may(name: str) -> None:
    order = [Cell.NO, Cell.OPEN, Cell.ASK, Cell.YES]
    cells = [MATRIX[name].cell(role) for role in (Role.VIEWER, Role.DEVELOPER, Role.ADMIN, Role.OWNER)]

    assert cells == sorted(cells, key=order.index)


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_a_viewer_changes_nothing(name: str) -> None:
    route = next(route for resource in RESOURCES for route in resource.routes if route.name == name)
    harmless = {"plan_build", "check_app_file", "draft_app_file"}

    assert MATRIX[name].viewer is Cell.NO or route.method == "GET" or name in harmless


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_a_rows_reach_fits_the_path_it_is_for(name: str) -> None:
    route = next(route for resource in RESOURCES for route in resource.routes if route.name == name)
    reach = MATRIX[name].reach

    assert (reach is Reach.ENVIRONMENT) == ("{environment}" in route.path)
    assert reach is not Reach.PROJECT or "{project}" in route.path


@given(GRANTS, OPERATIONS, NAMES, ENVIRONMENTS)
def test_narrowing_never_adds_a_right(grant: Grant, name: str, project: str, environment: str) -> None:
    narrowed = decide(grant, name, project, environment)

    assert strength(narrowed) <= strength(decide(Grant(grant.role), name, project, environment))


@given(NARROWED, OPERATIONS, ENVIRONMENTS)
def test_what_a_grant_does_not_see_it_cannot_touch(grant: Grant, name: str, environment: str) -> None:
    assert not sees(grant, "elsewhere")
    assert decide(grant, name, "elsewhere", environment) in (Verdict.OUT_OF_SCOPE, Verdict.REFUSE)


@given(GRANTS, GRANTS, OPERATIONS, NAMES, ENVIRONMENTS)
def test_whatever_is_handed_out_within_a_grant_may_no_more_than_it(
    given_out: Grant, own: Grant, name: str, project: str, environment: str
) -> None:
    assume(given_out.within(own))

    assert strength(decide(given_out, name, project, environment)) <= strength(decide(own, name, project, environment))


@given(GRANTS)
def test_every_grant_is_within_itself_and_within_an_owners(grant: Grant) -> None:
    assert grant.within(grant)
    assert grant.within(Grant(Role.OWNER))


@given(WHOLE, st.text(max_size=20))
def test_an_operation_that_is_not_known_is_refused(grant: Grant, name: str) -> None:
    assume(name not in MATRIX and name not in SELF)

    assert decide(grant, name, None, None) is Verdict.REFUSE


@given(OPERATIONS)
def test_without_a_team_nothing_but_the_caller_itself_can_be_asked_about(name: str) -> None:
    assert decide(None, name, "shop", "prod") is Verdict.REFUSE
    assert decide(None, "whoami", None, None) is Verdict.ALLOW


@pytest.mark.parametrize(
    ("scope", "reach", "environment", "role"),
    [
        (Scope("shop", "staging", Role.ADMIN), Reach.ENVIRONMENT, "staging", Role.DEVELOPER),
        (Scope("shop", "staging", Role.VIEWER), Reach.ENVIRONMENT, "staging", Role.VIEWER),
        (Scope("shop", "staging", Role.ADMIN), Reach.ENVIRONMENT, "prod", None),
        (Scope("shop", "staging", Role.ADMIN), Reach.PROJECT, None, None),
        (Scope("shop", "staging", Role.ADMIN), Reach.ANY, None, Role.DEVELOPER),
        (Scope("shop", ANYWHERE, Role.ADMIN), Reach.PROJECT, None, Role.DEVELOPER),
        (Scope("blog", ANYWHERE, Role.ADMIN), Reach.ANY, None, None),
        (Scope("shop", ANYWHERE, Role.OWNER), Reach.TEAM, None, None),
    ],
)
def test_a_developer_who_is_narrowed_has_at_most_their_own_role_there(
    scope: Scope, reach: Reach, environment: str | None, role: Role | None
) -> None:
    assert role_for(Grant(Role.DEVELOPER, (scope,)), reach, "shop", environment) is role

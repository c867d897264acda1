"""Roles × operations × targets, through the HTTP API, against the declared table: every cell has a verdict, none is guessed.

A target is the caller's own, another tenant's, one that was deleted, or a malformed id. What the table refuses is 403 whatever
the target is; what it allows is done on one's own, and 404 on all others, with one and the same body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.api.resources import RESOURCES
from chalicelib.api.routes import Route
from chalicelib.identity.rules import MATRIX, Cell, Grant, Role
from chalicelib.projects.service import EnvironmentKind, kind_of
from tests.chalicelib.api.requests import ASKS, Furnished, ask, furnished_store
from tests.support.world import Client

ROUTES = {route.name: route for resource in RESOURCES for route in resource.routes if not route.public}
GUARDED = [ROUTES[name] for name in MATRIX if name in ROUTES]
OTHER = "team_01J99999999999999999999999"
MALFORMED = "TEAM#x"
ABSENT = {
    "project": "gone",
    "environment": "gone",
    "service": "gone",
    "deployment": "dep_01J00000000000000000000009",
    "release": "9",
    "member": "usr_01J00000000000000000000009",
    "invitation": "inv_01J00000000000000000000009",
    "key": "key_01J00000000000000000000009",
    "cluster": "elsewhere",
    "trust": "tru_01J00000000000000000000009",
}
"""Names that nothing has, by parameter."""


@pytest.fixture
def own() -> Iterator[Furnished]:
    with furnished_store() as furnished:
        yield furnished


def parameters(route: Route) -> list[str]:
    return [each.strip("{}") for each in route.path.split("/") if each.startswith("{")]


def expected(route: Route, role: Role, environment: str) -> int | None:
    """The status that the table gives to a role's call on its own; None for the operation's own success."""
    cell = MATRIX[route.name].cell(role)
    production = kind_of(environment) is EnvironmentKind.PRODUCTION
    return 403 if cell is Cell.NO or (cell is Cell.OPEN and production) else None


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_every_operation_can_be_asked_for_by_these_tests(name: str) -> None:
    assert name in ASKS


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_on_ones_own(own: Furnished, route: Route, role: Role) -> None:
    ASKS[route.name].before(own)
    environment = "qa" if route.name == "create_environment" else own.names["environment"]

    answer = ask(Client(own.stage.fakes, grant=Grant(role)), route, own)

    wanted = expected(route, role, environment)
    assert answer.status == (wanted or route.status), answer.text
    if MATRIX[route.name].cell(role) is Cell.ASK and kind_of(environment) is EnvironmentKind.PRODUCTION:
        assert answer.json["state"] == "awaiting_approval"


@pytest.mark.parametrize("route", [each for each in GUARDED if parameters(each)], ids=lambda route: route.name)
def test_on_another_tenants_a_deleted_and_a_malformed_one(own: Furnished, route: Route) -> None:
    for role in Role:
        _on_what_is_not_ones_own(own, route, role)


def _on_what_is_not_ones_own(own: Furnished, route: Route, role: Role) -> None:
    fakes = own.stage.fakes
    member = Client(fakes, grant=Grant(role))
    neighbour = Client(replace(fakes, settings=replace(fakes.settings, admin_team=OTHER)), grant=Grant(role))
    last = parameters(route)[-1]

    theirs = ask(neighbour, route, own)
    absent = ask(neighbour, route, own, **{name: ABSENT[name] for name in ("project",) if name in parameters(route)})
    deleted = ask(member, route, own, **{last: ABSENT[last]})
    malformed = member(route.method, route.path.format(**{**own.names, last: MALFORMED}), headers={"if-match": '"1"'})

    refused = MATRIX[route.name].cell(role) is Cell.NO
    statuses = {each: answer.status for each, answer in {"theirs": theirs, "deleted": deleted, "malformed": malformed}.items()}
    production = MATRIX[route.name].cell(role) is Cell.OPEN and last not in ("project", "environment")
    assert statuses == {
        "theirs": 403 if refused else 404,
        "deleted": 403 if refused or production else 404,
        "malformed": 403 if refused else 404,
    }
    assert _blank(theirs, own.names) == _blank(absent, {**own.names, "project": ABSENT["project"]})


def _blank(answer: Any, names: dict[str, str]) -> str:
    """An answer's body without the names that were asked for."""
    text = str(answer.text)
    for name, value in names.items():
        text = text.replace(value, name)
    return text

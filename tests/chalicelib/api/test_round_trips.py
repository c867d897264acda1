from __future__ import annotations

import pytest

from bench.store_calls import DEPLOY_UNITS, Cost, deploy_cost, limit, route_costs
from chalicelib.api.resources import RESOURCES

ROUTES = [route.name for resource in RESOURCES for route in resource.routes]
WITHOUT_STORE = {
    "get_health",
    "get_openapi",
    "whoami",
    "plan_build",
    "check_app_file",
    "draft_app_file",
    "get_jwks",
    "list_providers",
}
OF_OAUTH = {"begin_login", "finish_login"}
"""OAuth sends browsers by GET, and what they come back with is kept, and used up."""


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    return route_costs()


@pytest.mark.slow
@pytest.mark.parametrize("route", [name for name in ROUTES if name not in WITHOUT_STORE])
def test_a_read_is_one_round_trip_and_a_write_two_but_where_it_says_why_not(costs: dict[str, Cost], route: str) -> None:
    assert costs[route].calls <= limit(route, costs[route])


def test_a_read_writes_nothing(costs: dict[str, Cost]) -> None:
    assert {name for name, cost in costs.items() if cost.method == "GET" and cost.units} == OF_OAUTH


def test_a_whole_deploy_costs_no_more_write_units_than_it_may() -> None:
    assert deploy_cost().units <= DEPLOY_UNITS

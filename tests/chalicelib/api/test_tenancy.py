"""Another team's resource answers exactly as an absent one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.api.resources import RESOURCES
from chalicelib.platform.aws import client
from tests.support.world import Client, Fakes

OTHER = "team_01J99999999999999999999999"
BODIES = {
    "describe_project": {"description": "x"},
    "describe_environment": {"description": "x"},
    "freeze_environment": {"until": "2027-01-01T00:00:00Z", "reason": "x"},
    "place_environment": {"cluster": None},
    "describe_service": {"description": "x"},
    "create_environment": {"name": "staging"},
    "create_service": {"name": "api"},
    "create_source": {"sha256": "0" * 64, "size": 1},
    "create_deployment": {"redeploy": True},
    "create_rollback": {"release": 1},
    "change_config": {"set": {"A": "1"}},
}
ROUTES = [route for resource in RESOURCES for route in resource.routes if "{project}" in route.path]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_another_teams_resource_is_as_absent_as_one_that_never_was(api: Client, hello: str, route: object) -> None:
    made = api.post(f"{hello}/deployments", {"source": _uploaded(api)}).json
    neighbour = _neighbour(api.fakes)
    names = {"project": "hello", "environment": "prod", "service": "web", "deployment": made["id"], "release": "1"}

    theirs = _ask(neighbour, route, names)
    absent = _ask(neighbour, route, {**names, "project": "nope"})

    assert (theirs.status, absent.status) == (404, 404)
    assert theirs.text.replace("hello", "nope") == absent.text


def test_two_teams_may_have_a_project_of_the_same_name(api: Client, hello: str) -> None:
    neighbour = _neighbour(api.fakes)

    assert neighbour.post("/v1/projects", {"name": "hello", "description": "ours"}).status == 201
    assert api.get("/v1/projects/hello").json["description"] == ""


def _ask(client: Client, route: object, names: dict[str, str]) -> object:
    path = route.path.format(**names)  # type: ignore[attr-defined]
    body = BODIES.get(route.name)  # type: ignore[attr-defined]
    return client(route.method, path, body, headers={"if-match": '"1"'})  # type: ignore[attr-defined]


def _neighbour(fakes: Fakes) -> Client:
    return Client(replace(fakes, settings=replace(fakes.settings, admin_team=OTHER)))


def _uploaded(api: Client) -> str:
    made = api.post("/v1/projects/hello/sources", {"sha256": "0" * 64, "size": 3}).json
    key = f"{api.fakes.settings.admin_team}/sources/{made['id']}.tar.gz"
    client("s3").put_object(Bucket="cygni", Key=key, Body=b"abc")
    return str(made["id"])

"""Quotas of a team: counted in the commit of what comes and goes, exact at the same moment, given back once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.projects.service import ServiceKey, forget_service
from tests.support.cast import meanwhile
from tests.support.world import TEAM, Client, Fakes, Reply

PROD = "/v1/projects/hello/environments/prod/services"


@pytest.fixture
def fakes(fakes: Fakes) -> Fakes:
    fakes.settings = replace(fakes.settings, quota_projects=2, quota_services=2, quota_previews=2)
    return fakes


@pytest.fixture
def api(fakes: Fakes) -> Client:
    client = Client(fakes)
    client.post("/v1/projects", {"name": "hello"})
    return client


def used(api: Client) -> tuple[int, int, int]:
    usage = api.get("/v1/team").json["usage"]
    return usage["projects"], usage["services"], usage["previews"]


def project(api: Client, name: str) -> Reply:
    return api.post("/v1/projects", {"name": name})


def service(api: Client, name: str) -> Reply:
    return api.post(PROD, {"name": name})


def preview(api: Client, name: str) -> Reply:
    return api.post("/v1/projects/hello/environments", {"name": f"pr-{name}"})


MAKE: dict[str, Callable[[Client, str], Reply]] = {"projects": project, "services": service, "preview environments": preview}


@pytest.mark.parametrize("what", list(MAKE))
def test_at_the_limit_the_team_is_told_what_and_how_many(api: Client, what: str) -> None:
    make, before = MAKE[what], 1 if what == "projects" else 0
    for number in range(2 - before):
        assert make(api, f"x{number}").status == 201

    refused = make(api, "more")

    assert (refused.status, refused.json["code"]) == (409, "quota-exceeded")
    assert refused.json["detail"] == f"The team has 2 {what}, which is as many as it may have."
    assert "Delete what is not needed" in refused.json["remedy"]
    assert 2 in used(api)


@pytest.mark.parametrize("what", list(MAKE))
def test_of_two_who_come_at_the_same_moment_the_last_place_has_one(api: Client, what: str) -> None:
    make = MAKE[what]
    if what != "projects":
        make(api, "first")

    with meanwhile(lambda: make(api, "one")) as replies:
        late = make(api, "two")

    assert (replies[0].status, late.status, late.json["code"]) == (201, 409, "quota-exceeded")
    assert 2 in used(api)


@pytest.mark.parametrize("what", list(MAKE))
def test_a_taken_name_is_told_before_a_full_quota_and_takes_no_room(api: Client, what: str) -> None:
    make = MAKE[what]
    make(api, "x")
    before = used(api)

    assert make(api, "x").json["code"] == "conflict"

    assert used(api) == before


def test_the_same_request_twice_takes_room_once(api: Client) -> None:
    for _ in range(3):
        assert api.post("/v1/projects", {"name": "x"}, headers={"idempotency-key": "k"}).status == 201
        assert api.post(PROD, {"name": "web"}, headers={"idempotency-key": "k"}).status == 201

    assert used(api) == (2, 1, 0)


def test_environments_that_are_no_previews_are_not_counted(api: Client) -> None:
    for name in ("staging", "qa", "load"):
        assert api.post("/v1/projects/hello/environments", {"name": name}).status == 201

    assert used(api) == (1, 0, 0)


def test_what_is_deleted_makes_room_again(api: Client) -> None:
    for name in ("a", "b"):
        preview(api, name)
    assert used(api) == (1, 0, 2)

    assert api("DELETE", "/v1/projects/hello/environments/pr-a").status == 204
    assert api("DELETE", "/v1/projects/hello/environments/pr-a").status == 404
    one = used(api)
    assert api("DELETE", "/v1/projects/hello").status == 204
    assert api("DELETE", "/v1/projects/hello").status == 404

    assert (one, used(api)) == ((1, 0, 1), (0, 0, 0))


def test_a_preview_that_is_deleted_twice_at_the_same_moment_is_given_back_once(api: Client) -> None:
    preview(api, "a")
    preview(api, "b")

    with meanwhile(lambda: api("DELETE", "/v1/projects/hello/environments/pr-a")) as replies:
        late = api("DELETE", "/v1/projects/hello/environments/pr-a")

    assert (replies[0].status, late.status) == (204, 409)
    assert used(api) == (1, 0, 1)


def test_a_service_gives_its_room_back_when_it_is_gone_and_once_however_often_that_is_said(api: Client) -> None:
    service(api, "web")
    service(api, "api")

    assert api("DELETE", f"{PROD}/web").status == 202
    marked = used(api)
    for _ in range(3):
        forget_service(ServiceKey(TEAM, "hello", "prod", "web"))

    assert (marked, used(api)) == ((1, 2, 0), (1, 1, 0))


def test_forgetting_a_service_twice_at_the_same_moment_gives_its_room_back_once(api: Client) -> None:
    service(api, "web")
    service(api, "api")
    key = ServiceKey(TEAM, "hello", "prod", "web")

    with meanwhile(lambda: forget_service(key)):
        forget_service(key)

    assert used(api) == (1, 1, 0)


def test_a_quota_of_nothing_admits_nothing(fakes: Fakes, api: Client) -> None:
    fakes.settings = replace(fakes.settings, quota_services=0)

    assert service(api, "web").json["code"] == "quota-exceeded"


def test_a_quota_that_was_lowered_takes_nothing_away(fakes: Fakes, api: Client) -> None:
    service(api, "web")
    fakes.settings = replace(fakes.settings, quota_services=1, quota_projects=1)

    refused = [service(api, "api"), project(api, "second")]

    assert [each.status for each in refused] == [409, 409]
    assert api.get(f"{PROD}/web").status == 200
    assert used(api) == (1, 1, 0)

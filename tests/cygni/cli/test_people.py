"""Names for ids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cygni.cli.client import Client
from cygni.cli.identity_api import IdentityApi
from cygni.cli.people import People
from cygni.cli.settings import Context
from tests.fakes.api import TOKEN, FakeApi, Fault
from tests.fakes.sign_in import OPERATORS
from tests.fakes.teams import Team, grant


@pytest.fixture
def operators(api: FakeApi) -> Team:
    """The operator's team, with three people in it."""
    team = api.identity.teams[OPERATORS]
    for name in ("ann", "bob", "cid"):
        team.members[api.identity.add_person(name)] = (grant("viewer"), 1)
    return team


@pytest.fixture
def people(api: FakeApi, operators: Team) -> Iterator[People]:
    client = Client(Context("test", api.url, TOKEN))
    yield People(IdentityApi(client))
    client.close()


def test_ids_in_a_text_become_names(people: People, api: FakeApi) -> None:
    ann, bob = api.identity.user("ann"), api.identity.user("bob")

    assert people.named(f"{ann} gave it to {bob}.") == "ann gave it to bob."


def test_nothing_is_asked_for_where_there_is_no_id(people: People, api: FakeApi) -> None:
    assert people.named("All gates pass; dep_1 and admin.") == "All gates pass; dep_1 and admin."
    assert api.requests == []


def test_each_list_is_asked_for_once(people: People, api: FakeApi) -> None:
    for _ in range(3):
        people.named(f"{api.identity.user('ann')} key_{'0' * 26}")

    assert len(api.asked("GET", "/v1/team/members")) == 2, "two pages"
    assert len(api.asked("GET", "/v1/team/keys")) == 1


def test_who_is_not_a_member_any_more_keeps_the_id(people: People) -> None:
    gone = "usr_" + "7" * 26

    assert people.name(gone) == gone


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_list_that_cannot_be_had_leaves_the_ids_and_is_not_asked_for_again(people: People, api: FakeApi, status: int) -> None:
    api.faults.append(Fault("/v1/team/members", status, times=99))
    people.api.client.sleep = lambda _: None
    ann = api.identity.user("ann")

    assert people.name(ann) == ann
    asked = len(api.asked("GET"))
    assert people.name(ann) == ann
    assert len(api.asked("GET")) == asked


def test_two_of_one_name_are_told_apart_by_address(people: People, api: FakeApi, operators: Team) -> None:
    twin = api.identity.add_person("ann", "ann@elsewhere.example.com")
    operators.members[twin] = (grant("viewer"), 1)

    assert people.name(twin) == "ann (ann@elsewhere.example.com)"
    assert people.name(api.identity.user("bob")) == "bob"

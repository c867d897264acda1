"""A team lives in one region: two installations on one store, and every row of a team is written by its own.

Every call of DynamoDB is attributed to the installation that was serving at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.client import BaseClient

from chalicelib.identity.regions import addresses, refuse_other_region
from chalicelib.platform.errors import WrongRegion
from chalicelib.platform.settings import Settings, from_env
from tests.support.cast import Cast
from tests.support.store import memory_store
from tests.support.world import Client, Fakes, Reply

HERE, THERE = "us-east-1", "eu-west-1"
REGIONS = f"{HERE}=https://us.example.com, {THERE}=https://eu.example.com"
WRITES = {"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"}


@dataclass
class Cells:
    """Two installations, their casts, and who wrote which key."""

    casts: dict[str, Cast]
    serving: str = ""
    written: dict[str, set[str]] = field(default_factory=dict)

    @contextmanager
    def of(self, region: str) -> Iterator[Cast]:
        before, self.serving = self.serving, region
        yield self.casts[region]
        self.serving = before

    def call(self, client: Client, region: str, method: str, path: str, body: Any = None) -> Reply:
        """A client's credential, at another installation's address."""
        there = Client(self.casts[region].fakes, key=client.key)
        with self.of(region):
            return there(method, path, body)

    def note(self, name: str, asked: dict[str, Any]) -> None:
        actions = [next(iter(each.values())) for each in asked.get("TransactItems", [{name: asked}])]
        for action in actions:
            pk = (action.get("Key") or action["Item"])["pk"]["S"]
            self.written.setdefault(pk, set()).add(self.serving)


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cells]:
    original = BaseClient._make_api_call

    def noted(client: Any, name: str, asked: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name == "dynamodb" and name in WRITES:
            made.note(name, asked)
        return original(client, name, asked)

    with memory_store():
        fakes = Fakes()
        casts = {}
        for number, region in enumerate((HERE, THERE)):
            settings = replace(
                fakes.settings, region=region, regions=REGIONS, admin_team=f"team_01J0000000000000000000000{number}"
            )
            casts[region] = Cast(replace(fakes, settings=settings), realm=region)  # both know the keys that sign tokens
        made = Cells(casts)
        monkeypatch.setattr(BaseClient, "_make_api_call", noted)
        yield made


@pytest.mark.slow
def test_every_row_of_a_team_is_written_by_its_own_installation(cells: Cells) -> None:
    teams = {}
    for region in (HERE, THERE):
        with cells.of(region) as cast:
            key, developer = cast.key, cast.developer
            key.post("/v1/projects", {"name": "hello"})
            developer.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
            teams[region] = cast.team
    for region, other in ((HERE, THERE), (THERE, HERE)):
        cast = cells.casts[region]
        for client in (cast.owner, cast.developer, cast.key):
            refused = [
                cells.call(client, other, "POST", "/v1/projects", {"name": "late"}),
                cells.call(client, other, "GET", "/v1/projects"),
                cells.call(client, other, "DELETE", "/v1/team"),
            ]
            assert [each.status for each in refused] == [421] * 3
            assert addresses(REGIONS)[region] in refused[0].json["remedy"]

    for region, team in teams.items():
        mine = {pk: who for pk, who in cells.written.items() if pk.startswith(f"TEAM#{team}")}
        assert len(mine) >= 3
        assert {each for who in mine.values() for each in who} == {region}


def test_the_team_its_keys_and_its_list_say_where_it_lives(cells: Cells) -> None:
    with cells.of(THERE) as cast:
        made = cast.owner.get("/v1/team").json
        listed = cast.owner.get("/v1/teams").json["items"]

    assert (made["region"], listed[0]["region"]) == (THERE, THERE)


@pytest.mark.parametrize(("region", "remedy"), [(THERE, "https://eu.example.com"), ("ap-south-1", "Ask the operator")])
def test_a_team_for_another_region_is_not_made_here(cells: Cells, region: str, remedy: str) -> None:
    with cells.of(HERE) as cast:
        ada = cast.sign_in("ada")
        refused = ada.post("/v1/teams", {"name": "T", "region": region})
        made = ada.post("/v1/teams", {"name": "T", "region": HERE})

    assert (refused.status, refused.json["code"], remedy in refused.json["remedy"]) == (421, "wrong-region", True)
    assert (made.status, made.json["region"]) == (201, HERE)


def test_an_invitation_of_elsewhere_is_accepted_there(cells: Cells) -> None:
    with cells.of(THERE) as cast:
        link = cast.invite("viewer")
    with cells.of(HERE) as cast:
        ada = cast.sign_in("ada")
        refused = [ada.post(f"/v1/invitations/{what}", {"token": link}) for what in ("show", "accept")]
        forged = ada.post("/v1/invitations/accept", {"token": link[:-1] + ("A" if link[-1] != "A" else "B")})

    assert [(each.status, "eu.example.com" in each.json["remedy"]) for each in refused] == [(421, True)] * 2
    assert forged.status == 404


def test_an_installation_that_names_no_region_serves_every_team_and_makes_none_for_a_region(fakes: Fakes) -> None:
    ada = Cast(fakes).sign_in("ada")

    refused = ada.post("/v1/teams", {"name": "T", "region": HERE})

    assert refused.status == 421
    refuse_other_region(Settings(), HERE)
    refuse_other_region(Settings(region=HERE), "")
    with pytest.raises(WrongRegion):
        refuse_other_region(Settings(region=HERE), THERE)


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({}, ""),
        ({"AWS_DEFAULT_REGION": "a"}, "a"),
        ({"AWS_REGION": "b", "AWS_DEFAULT_REGION": "a"}, "b"),
        ({"CYGNI_REGION": "c", "AWS_REGION": "b"}, "c"),
    ],
)
def test_the_region_is_the_settings_else_the_environments(environment: dict[str, str], region: str) -> None:
    assert from_env(environment).region == region


def test_addresses_are_read_with_their_regions() -> None:
    assert addresses(REGIONS) == {HERE: "https://us.example.com", THERE: "https://eu.example.com"}
    assert addresses("") == addresses(",=,x=,=y") == {}

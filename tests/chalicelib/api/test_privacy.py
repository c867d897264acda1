"""A person's own data: an export that leaves nothing out, and an erasure that leaves nothing that leads to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.audit.models import HEAD, HeadRecord, LineRecord, lines_pk, linked_of
from chalicelib.audit.rules import faults
from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.store import team_store
from functions.privacy import erase_user
from tests.chalicelib.api.test_secrets import stored
from tests.support.cast import Cast, meanwhile
from tests.support.world import Client, Fakes


@pytest.fixture
def cast(fakes: Fakes) -> Cast:
    return Cast(fakes)


def run_erasers(fakes: Fakes) -> list[int]:
    """What was sent to the erasing function, done."""
    found = [event for name, event in fakes.functions.calls if name == "cygni-erase-user"]
    fakes.functions.calls.clear()
    return [erase_user(event, None)["erased"] for event in found]


def sound(cast: Cast, team: str) -> list[str]:
    """What is wrong with a team's trail."""
    store = team_store(team)
    head = store.fetch(HeadRecord, f"TEAM#{team}", HEAD)
    assert head is not None
    lines = [linked_of(each) for each in store.every(LineRecord, lines_pk(team, 0), "L")]
    return [each.sentence for each in faults(lines, head_seq=int(head.seq), head_digest=head.digest, now=cast.fakes.clock())]


def sources(team: str) -> dict[str, set[str | None]]:
    """Where from each actor came, by the team's trail."""
    found: dict[str, set[str | None]] = {}
    for each in team_store(team).every(LineRecord, lines_pk(team, 0), "L"):
        found.setdefault(each.actor, set()).add(each.source or None)
    return found


# --- export


def test_an_export_holds_all_that_is_kept_of_a_person(cast: Cast) -> None:
    ada = cast.found("ada", "Own")
    left = cast.join("ada", "viewer")
    left.post("/v1/team/leave")
    cast.join("ada", "developer").post("/v1/projects", {"name": "hello"})
    cast.join("ada", "viewer", by=cast.found("bob", "Bobs")).post("/v1/team/leave")

    export = ada.get("/v1/me/export").json

    assert (export["profile"]["name"], export["profile"]["email"]) == ("Ada", "ada@example.test")
    assert [(each["issuer"], each["subject"]) for each in export["logins"]] == [("https://idp.test", "ada")]
    assert [(each["role"], bool(each["invitation"])) for each in export["teams"]] == [("owner", False), ("developer", True)]
    assert export["teams"][1]["invited_by"] == cast.users["owner"]
    assert len(export["past_teams"]) == 1
    assert len(export["sessions"]) == 8
    assert {each["operation"] for each in export["audit"]} == {
        "create_team",
        "accept_invitation",
        "leave_team",
        "create_project",
    }
    assert {each["actor"] for each in export["audit"]} == {cast.users["ada"]}
    assert {each["source"] for each in export["audit"]} == {"127.0.0.1"}


def test_an_export_names_every_record_that_begins_with_the_person(cast: Cast) -> None:
    ada = cast.join("ada", "viewer")
    cast.invite("viewer", by=cast.found("bob", "Bobs"))

    text = ada.get("/v1/me/export").text

    own = [place.rpartition("/")[2] for place in stored() if f"USER#{cast.users['ada']}/" in place]
    assert own
    assert [each for each in own if each != "PROFILE" and each.rpartition("#")[2] not in text] == []


def test_an_export_holds_no_secret_and_nothing_of_others(cast: Cast) -> None:
    ada = cast.join("ada", "admin")
    cast.key.post("/v1/projects", {"name": "hello"})

    text = ada.get("/v1/me/export").text

    secret = [json.loads(each) for place, each in stored().items() if f"USER#{cast.users['ada']}/SESSION" in place]
    assert secret
    assert [each for each in secret if each["digest"]["S"] in text] == []
    assert "pepper" not in text
    assert "owner@example.test" not in text
    assert "create_project" not in text


@pytest.mark.slow
def test_a_long_export_comes_in_pages(cast: Cast) -> None:
    ada = cast.found("ada", "One")
    for number in range(120):
        ada("PUT", "/v1/team", {"name": f"T{number}"}, headers={"if-match": f'"{number + 1}"'})
    cast.found("ada", "Two")

    pages, cursor = [], None
    while True:
        pages.append(ada.get("/v1/me/export", query={"cursor": cursor} if cursor else {}).json)
        cursor = pages[-1]["next_cursor"]
        if cursor is None:
            break

    assert len(pages) == 2
    assert pages[1]["profile"] is None
    lines = [each for page in pages for each in page["audit"]]
    assert (len(lines), len({each["digest"] for each in lines})) == (122, 122)


@pytest.mark.parametrize("cursor", ["x", "eyJ0ZWFtIjoxfQ", "eyJ0ZWFtIjoidGVhbV94IiwibGluZXMiOjF9"])
def test_a_foreign_cursor_is_refused(cast: Cast, cursor: str) -> None:
    assert cast.sign_in("ada").get("/v1/me/export", query={"cursor": cursor}).status == 400


# --- erasure


def test_after_an_erasure_nothing_leads_to_the_person(cast: Cast, fakes: Fakes) -> None:
    cast.join("ada", "viewer").post("/v1/team/leave")
    ada = cast.join("ada", "developer", by=cast.found("bob", "Bobs"))
    bobs = ada.get("/v1/team").json["id"]
    ada.post("/v1/projects", {"name": "hello"})
    ada.post("/v1/team/invitations", {"role": "viewer"})
    own = cast.found("ada", "Own")
    user = cast.users["ada"]
    (login,) = [place for place, text in stored().items() if "/LOGIN#" in place and user in text]

    assert own("DELETE", "/v1/me").status == 204
    erased = run_erasers(fakes)

    text = json.dumps(stored())
    assert login.split("/")[1] not in text
    assert [each for each in ("Ada", "ada@example.test", f"USER#{user}", '"ada"') if each in text] == []
    assert sum(erased) == 8
    for team in (cast.team, bobs):
        assert sources(team)[user] == {None}
        assert sound(cast, team) == []
    assert sources(bobs)[cast.users["bob"]] == {"127.0.0.1"}
    assert [each["name"] for each in cast.sign_in("bob", bobs).get("/v1/team/members").json["items"]] == ["Bob"]


def test_erasing_twice_is_no_error_and_an_erased_trail_is_left_alone(cast: Cast, fakes: Fakes) -> None:
    ada = cast.join("ada", "developer")
    ada.post("/v1/projects", {"name": "hello"})

    assert [ada("DELETE", "/v1/me").status for _ in range(2)] == [204, 204]
    events = list(fakes.functions.calls)
    first, second = run_erasers(fakes), [erase_user(event, None)["erased"] for _, event in events]

    assert sum(first) == 3
    assert sum(second) == 0
    assert sound(cast, cast.team) == []


def test_an_erasure_that_was_interrupted_goes_on(cast: Cast, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, team = cast.join("ada", "developer"), cast.team

    def down(_name: str, _event: Any) -> None:
        raise RuntimeError("the function cannot be reached")

    with monkeypatch.context() as patched:
        patched.setattr(fakes.functions, "send", down)
        assert ada("DELETE", "/v1/me").status == 500
    assert cast.sign_in("ada").get("/v1/teams").json["items"] == []

    assert ada("DELETE", "/v1/me").status == 204
    assert sum(run_erasers(fakes)) == 2
    assert f"USER#{cast.users['ada']}" not in json.dumps(stored())
    assert sources(team)[cast.users["ada"]] == {None}


def test_a_team_of_one_ends_with_its_only_member(cast: Cast, fakes: Fakes) -> None:
    ada = cast.found("ada", "Own")
    team = ada.get("/v1/team").json["id"]
    ada.post("/v1/team/keys", {"name": "k", "role": "viewer"})

    assert ada("DELETE", "/v1/me").status == 204

    assert [place for place in stored() if f"/TEAM#{team}/" in place and not place.endswith("/AUDIT")] == []
    run_erasers(fakes)
    assert sources(team)[cast.users["ada"]] == {None}


@pytest.mark.parametrize("why", ["others are in it", "it has projects"])
def test_whoever_is_needed_is_refused_before_anything_is_erased(cast: Cast, fakes: Fakes, why: str) -> None:
    viewer = cast.join("ada", "viewer")
    own = cast.found("ada", "Own")
    if why == "it has projects":
        own.post("/v1/projects", {"name": "hello"})
    else:
        cast.join("bob", "viewer", by=own)
    before = stored()

    refused = viewer("DELETE", "/v1/me")

    assert (refused.status, "Own" in refused.json["detail"]) == (409, True)
    assert "then erase yourself" in refused.json["remedy"]
    assert stored() == before
    assert fakes.functions.calls == []


def test_of_two_owners_who_are_erased_at_the_same_moment_one_is_told_to_stay(cast: Cast) -> None:
    owner, second = cast.owner, cast.raise_to_owner("second")

    with meanwhile(lambda: second("DELETE", "/v1/me")) as replies:
        late = owner("DELETE", "/v1/me")

    assert (replies[0].status, late.status) == (204, 409)


def test_an_owner_of_the_operators_team_may_be_erased(cast: Cast, api: Client) -> None:
    cast.join("ada", "admin", by=api)
    api("PUT", f"/v1/team/members/{cast.users['ada']}", {"role": "owner"})
    api.post("/v1/projects", {"name": "hello"})

    assert cast.sign_in("ada")("DELETE", "/v1/me").status == 204
    assert api.get("/v1/team/members").json["items"] == []


def test_a_line_that_expires_while_it_is_erased_does_not_come_back(cast: Cast) -> None:
    ada = cast.join("ada", "developer")
    ada.post("/v1/projects", {"name": "hello"})
    place = {"pk": {"S": lines_pk(cast.team, 0)}, "sk": {"S": "L000000000004"}}
    assert dynamodb().get_item(TableName="cygni-audit", Key=place)["Item"]["actor"]["S"] == cast.users["ada"]

    with meanwhile(lambda: dynamodb().delete_item(TableName="cygni-audit", Key=place)):
        erase_user({"team": cast.team, "user": cast.users["ada"]}, None)

    assert "Item" not in dynamodb().get_item(TableName="cygni-audit", Key=place)


def test_a_team_without_a_trail_has_nothing_to_erase(cast: Cast) -> None:
    assert erase_user({"team": "team_01J00000000000000000000009", "user": cast.person("ada")}, None) == {"erased": 0}

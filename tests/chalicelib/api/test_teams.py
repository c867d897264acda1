"""Teams: founding, settings, listing, deleting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.identity import service as identity
from chalicelib.identity.models_teams import USAGE, MemberRecord, UsageRecord, team_pk
from chalicelib.platform.aws import client as aws
from chalicelib.platform.store import Store, team_store
from chalicelib.platform.table import Put
from tests.support.cast import Cast, meanwhile
from tests.support.world import KEY, TEAM, Client, Fakes


@pytest.fixture
def cast(fakes: Fakes) -> Cast:
    return Cast(fakes)


def stored(team: str) -> list[str]:
    """Sort keys of all that lies in a team's own partition, but for the audit trail's head."""
    rows = aws("dynamodb").scan(TableName="cygni")["Items"]
    return [row["sk"]["S"] for row in rows if row["pk"]["S"] == team_pk(team) and row["sk"]["S"] != "AUDIT"]


def test_a_person_founds_a_team(cast: Cast) -> None:
    made = cast.sign_in("ada").post("/v1/teams", {"name": "My Team"})

    assert made.status == 201
    assert made.headers["etag"] == '"1"'
    usage = {"projects": 0, "services": 0, "previews": 0, "most_projects": 20, "most_services": 100, "most_previews": 50}
    assert made.json | {"id": "", "created_at": ""} == {
        "id": "",
        "name": "My Team",
        "region": "",
        "audit_retention_days": 400,
        "usage": usage,
        "created_at": "",
        "version": 1,
    }
    client = cast.sign_in("ada", made.json["id"])
    assert client.get("/v1/team").json == made.json
    (line,) = client.get("/v1/audit").json["items"]
    assert (line["operation"], line["resource"]) == ("create_team", f"teams/{made.json['id']}")


def test_the_same_key_founds_one_team(cast: Cast) -> None:
    client = cast.sign_in("ada")

    both = [client.post("/v1/teams", {"name": "T"}, headers={"idempotency-key": "k"}) for _ in range(2)]
    other = client.post("/v1/teams", {"name": "U"}, headers={"idempotency-key": "k"})

    assert both[0].json["id"] == both[1].json["id"]
    assert (other.status, other.json["code"]) == (409, "idempotency-key-reused")
    assert len(client.get("/v1/teams").json["items"]) == 1


def test_two_people_may_use_the_same_idempotency_key(cast: Cast) -> None:
    made = [cast.sign_in(name).post("/v1/teams", {"name": "T"}, headers={"idempotency-key": "k"}) for name in ("ada", "bob")]

    assert [each.status for each in made] == [201, 201]


def test_machines_and_the_operator_found_and_leave_nothing(cast: Cast, api: Client) -> None:
    link = cast.invite("viewer")
    for client in (api, cast.key):
        answers = [
            client.post("/v1/teams", {"name": "T"}),
            client.post("/v1/team/leave"),
            client.post("/v1/invitations/accept", {"token": link}),
            client.get("/v1/me/export"),
            client("DELETE", "/v1/me"),
        ]
        assert [answer.status for answer in answers] == [403] * 5, [answer.text for answer in answers]


@pytest.mark.parametrize("name", ["", " ", " x", "x ", "x" * 61, None, "a\nb "])
def test_a_name_that_is_none_is_refused(cast: Cast, name: Any) -> None:
    refused = cast.sign_in("ada").post("/v1/teams", {"name": name})

    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "body.name")


def test_a_person_founds_as_many_teams_as_the_installation_allows(cast: Cast, fakes: Fakes) -> None:
    fakes.settings = replace(fakes.settings, quota_teams=2)
    ada = cast.sign_in("ada")

    made = [ada.post("/v1/teams", {"name": f"T{number}"}) for number in range(3)]
    cast.join("ada", "viewer")
    left = cast.sign_in("ada", made[0].json["id"])("DELETE", "/v1/team")

    assert [each.status for each in made] == [201, 201, 409]
    assert (made[2].json["code"], "2 teams" in made[2].json["detail"]) == ("quota-exceeded", True)
    assert left.status == 204
    assert cast.sign_in("ada").post("/v1/teams", {"name": "again"}).status == 201


def test_settings_are_changed_by_whoever_saw_the_newest(cast: Cast) -> None:
    body = {"name": "Renamed", "audit_retention_days": 30}

    assert cast.owner("PUT", "/v1/team", body).status == 400
    assert cast.admin("PUT", "/v1/team", body, headers={"if-match": '"7"'}).status == 412
    changed = cast.admin("PUT", "/v1/team", body, headers={"if-match": '"1"'})
    again = cast.admin("PUT", "/v1/team", {"name": "Again"}, headers={"if-match": changed.headers["etag"]})

    assert (changed.status, changed.json["name"], changed.json["audit_retention_days"]) == (200, "Renamed", 30)
    assert (again.json["name"], again.json["audit_retention_days"], again.json["version"]) == ("Again", 30, 3)
    assert [each["name"] for each in cast.viewer.get("/v1/teams").json["items"]] == ["Again"]


def test_two_who_change_the_settings_at_the_same_moment_are_told_apart(cast: Cast) -> None:
    admin, seen = cast.admin, {"if-match": '"1"'}

    with meanwhile(lambda: admin("PUT", "/v1/team", {"name": "First"}, headers=seen)):
        late = cast.owner("PUT", "/v1/team", {"name": "Second"}, headers=seen)

    assert late.status == 412
    assert cast.owner.get("/v1/team").json["name"] == "First"


def test_lines_of_the_trail_are_kept_as_long_as_the_team_says_from_then_on(cast: Cast) -> None:
    cast.owner("PUT", "/v1/team", {"name": "Crew", "audit_retention_days": 7}, headers={"if-match": '"1"'})

    newest, oldest = cast.owner.get("/v1/audit").json["items"]

    day, now = 86400, int(cast.fakes.clock().timestamp())
    assert [round((each["expires"] - now) / day) for each in (newest, oldest)] == [7, 400]


def test_the_operators_team_need_not_be_recorded_and_is_by_its_first_change(api: Client) -> None:
    found = api.get("/v1/team")
    assert (found.json["name"], found.json["created_at"], found.headers["etag"]) == ("operator", None, '"0"')

    assert api("PUT", "/v1/team", {"name": "Home"}, headers={"if-match": '"3"'}).status == 412
    changed = api("PUT", "/v1/team", {"name": "Home"}, headers={"if-match": '"0"'})
    late = api("PUT", "/v1/team", {"name": "Other"}, headers={"if-match": '"0"'})

    assert (changed.json["name"], changed.json["version"], late.status) == ("Home", 1, 412)
    assert [each["name"] for each in api.get("/v1/teams").json["items"]] == ["Home"]


def test_a_persons_teams_are_listed_with_what_they_are_there(cast: Cast) -> None:
    cast.found("ada", "Own")
    client = cast.join("ada", "viewer")

    listed = client.get("/v1/teams").json["items"]
    pages = [client.get("/v1/teams", query={"limit": "1"}).json]
    pages.append(client.get("/v1/teams", query={"limit": "1", "cursor": pages[0]["next_cursor"]}).json)

    assert [(each["name"], each["role"], each["current"]) for each in listed] == [
        ("Own", "owner", False),
        ("Crew", "viewer", True),
    ]
    assert [page["items"][0]["name"] for page in pages] == ["Own", "Crew"]
    assert cast.sign_in("nobody yet").get("/v1/teams").json["items"] == []


def test_a_key_has_the_team_that_it_works_for(cast: Cast) -> None:
    (listed,) = cast.key.get("/v1/teams").json["items"]

    assert (listed["id"], listed["role"], listed["current"]) == (cast.team, "developer", True)


def test_a_person_without_a_team_is_told_what_to_do(cast: Cast) -> None:
    client = cast.sign_in("ada")

    answers = [client.get("/v1/projects"), client.get("/v1/team"), client.post("/v1/team/leave")]

    assert [answer.status for answer in answers] == [403] * 3
    assert "team create" in answers[0].json["remedy"]


# --- the end of a team


def test_a_team_ends_with_all_that_belongs_to_it(cast: Cast) -> None:
    developer, key, team = cast.developer, cast.key, cast.team
    cast.invite("viewer")
    cast.owner.post("/v1/team/trusts", {"name": "t", "repository": "a/b", "role": "developer"})

    assert cast.admin("DELETE", "/v1/team").status == 403
    assert cast.owner("DELETE", "/v1/team").status == 204

    assert stored(team) == []
    assert key.get("/v1/whoami").status == 401
    assert developer.post("/v1/projects", {"name": "late"}).status == 401
    assert cast.owner.get("/v1/team").status == 404
    assert cast.sign_in("developer").get("/v1/teams").json["items"] == []
    assert cast.sign_in("owner").get("/v1/teams").json["items"] == []


def test_a_team_with_projects_stays(cast: Cast) -> None:
    cast.developer.post("/v1/projects", {"name": "hello"})

    refused = cast.owner("DELETE", "/v1/team")
    cast.owner("DELETE", "/v1/projects/hello")

    assert (refused.status, refused.json["detail"]) == (409, "The team still has 1 project.")
    assert cast.owner("DELETE", "/v1/team").status == 204


@pytest.mark.parametrize("what", ["project", "key", "trust", "member"])
def test_what_comes_in_while_a_team_is_deleted_keeps_it(cast: Cast, what: str) -> None:
    owner, admin = cast.owner, cast.admin
    link, newcomer = cast.invite("viewer"), cast.sign_in("newcomer")
    comes = {
        "project": lambda: admin.post("/v1/projects", {"name": "hello"}),
        "key": lambda: admin.post("/v1/team/keys", {"name": "k", "role": "viewer"}),
        "trust": lambda: admin.post("/v1/team/trusts", {"name": "t", "repository": "a/b", "role": "viewer"}),
        "member": lambda: newcomer.post("/v1/invitations/accept", {"token": link}),
    }

    with meanwhile(comes[what]) as replies:
        refused = owner("DELETE", "/v1/team")

    assert (replies[0].status, refused.status) == (201, 409)
    assert owner.get("/v1/team").status == 200


@pytest.mark.slow
def test_a_large_team_ends_too_and_may_be_interrupted(cast: Cast, fakes: Fakes) -> None:
    owner = cast.owner
    for _ in range(60):
        user = fakes.ids("usr", fakes.clock())
        record = MemberRecord(team_pk(cast.team), f"MEMBER#{user}", role="viewer", joined_at=fakes.clock())
        team_store(cast.team).commit([Put(record), identity.room_for(cast.team, fakes.settings, members=1).write])

    with meanwhile(lambda: owner.post("/v1/projects", {"name": "hello"})):
        assert owner("DELETE", "/v1/team").status == 409
    left = len([each for each in stored(cast.team) if each.startswith("MEMBER#")])
    usage = team_store(cast.team).fetch(UsageRecord, team_pk(cast.team), USAGE)

    assert 0 < left < 61
    assert usage is not None
    assert int(usage.members) == left
    assert owner("DELETE", "/v1/projects/hello").status == 204
    assert owner("DELETE", "/v1/team").status == 204
    assert stored(cast.team) == []


def test_the_operators_team_begins_anew(cast: Cast, api: Client) -> None:
    cast.join("helper", "admin", by=api)

    assert api("DELETE", "/v1/team").status == 204

    assert stored(TEAM) == []
    assert Client(cast.fakes, key=KEY).get("/v1/team").json["name"] == "operator"


def test_a_store_for_a_person_and_a_team_reaches_no_other(cast: Cast) -> None:
    wide = team_store("a").also("USER#u")

    assert wide == Store(("TEAM#a", "USER#u"))

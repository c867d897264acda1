"""Members of a team: who may change whom, and that a team keeps an Owner, whatever happens at the same moment."""

from __future__ import annotations

import pytest

from chalicelib.identity.service import refresh_names
from chalicelib.identity.users import Person, admit
from tests.support.cast import SCOPES, Cast, meanwhile
from tests.support.world import Client, Fakes


@pytest.fixture
def cast(fakes: Fakes) -> Cast:
    return Cast(fakes)


def member(cast: Cast, name: str) -> str:
    return f"/v1/team/members/{cast.users[name]}"


def roles(cast: Cast) -> dict[str, str]:
    return {each["name"]: each["role"] for each in cast.owner.get("/v1/team/members").json["items"]}


def test_whoever_founds_a_team_owns_it(cast: Cast) -> None:
    listed = cast.owner.get("/v1/team/members").json["items"]

    assert [(each["name"], each["email"], each["role"], each["version"]) for each in listed] == [
        ("Owner", "owner@example.test", "owner", 1)
    ]


def test_members_are_listed_page_by_page_for_all_of_them(cast: Cast) -> None:
    everybody = [cast.owner, cast.admin, cast.developer, cast.viewer, cast.narrowed]

    pages = [each.get("/v1/team/members", query={"limit": "3"}).json for each in everybody]

    assert {len(page["items"]) for page in pages} == {3}
    rest = cast.viewer.get("/v1/team/members", query={"cursor": pages[0]["next_cursor"]}).json["items"]
    assert [each["name"] for each in pages[0]["items"] + rest] == ["Owner", "Admin", "Developer", "Viewer", "Narrowed"]
    assert rest[-1]["scopes"] == [{"project": "hello", "environment": "staging", "role": "developer"}]


def test_a_role_is_changed_and_the_token_of_before_changes_nothing_any_more(cast: Cast) -> None:
    developer = cast.developer
    assert developer.post("/v1/projects", {"name": "hello"}).status == 201

    changed = cast.admin("PUT", member(cast, "developer"), {"role": "viewer"})

    assert (changed.status, changed.json["role"], changed.headers["etag"]) == (200, "viewer", '"2"')
    late = developer.post("/v1/projects", {"name": "second"})
    assert (late.status, late.json["code"]) == (401, "unauthenticated")
    assert developer.get("/v1/projects").status == 200
    again = cast.sign_in("developer", cast.team)
    assert again.post("/v1/projects", {"name": "second"}).status == 403


def test_a_role_is_narrowed_and_widened_again(cast: Cast) -> None:
    cast.developer.post("/v1/projects", {"name": "hello"})
    cast.developer.post("/v1/projects", {"name": "other"})

    narrowed = cast.admin("PUT", member(cast, "developer"), {"role": "developer", "scopes": SCOPES})
    seen = cast.sign_in("developer", cast.team).get("/v1/projects").json["items"]
    cast.admin("PUT", member(cast, "developer"), {"role": "developer"})

    assert narrowed.json["scopes"] == [{"project": "hello", "environment": "staging", "role": "developer"}]
    assert [each["name"] for each in seen] == ["hello"]
    assert len(cast.sign_in("developer", cast.team).get("/v1/projects").json["items"]) == 2


def test_saying_again_what_is_so_changes_nothing(cast: Cast) -> None:
    developer = cast.developer

    answer = cast.admin("PUT", member(cast, "developer"), {"role": "developer"})

    assert (answer.status, answer.json["version"]) == (200, 1)
    assert developer.post("/v1/projects", {"name": "hello"}).status == 201


def test_an_old_etag_is_refused_and_none_is_needed(cast: Cast) -> None:
    cast.developer  # noqa: B018 - joins
    path = member(cast, "developer")
    assert cast.admin("PUT", path, {"role": "viewer"}, headers={"if-match": '"1"'}).status == 200

    stale = cast.admin("PUT", path, {"role": "admin"}, headers={"if-match": '"1"'})

    assert (stale.status, stale.json["code"]) == (412, "stale-version")
    assert roles(cast)["Developer"] == "viewer"


@pytest.mark.parametrize("who", ["developer", "viewer", "narrowed", "key"])
def test_who_does_not_run_the_team_changes_nobody(cast: Cast, who: str) -> None:
    client: Client = getattr(cast, who)
    cast.viewer  # noqa: B018 - joins

    answers = [client("PUT", member(cast, "viewer"), {"role": "admin"}), client("DELETE", member(cast, "viewer"))]

    assert [answer.status for answer in answers] == [403, 403]
    assert roles(cast)["Viewer"] == "viewer"


def test_an_admin_neither_makes_nor_touches_an_owner(cast: Cast) -> None:
    admin = cast.admin

    answers = [
        admin("PUT", member(cast, "owner"), {"role": "viewer"}),
        admin("DELETE", member(cast, "owner")),
        admin("PUT", member(cast, "admin"), {"role": "owner"}),
        admin.post("/v1/team/transfer", {"user": cast.users["admin"]}),
        admin.post("/v1/team/invitations", {"role": "owner"}),
        admin.post("/v1/team/keys", {"name": "k", "role": "owner"}),
    ]

    assert [answer.status for answer in answers] == [403] * 6
    assert roles(cast) == {"Owner": "owner", "Admin": "admin"}


def test_what_a_use_case_refuses_is_in_the_trail_too(cast: Cast) -> None:
    cast.admin("DELETE", member(cast, "owner"))

    (line,) = cast.owner.get("/v1/audit", query={"outcome": "refused"}).json["items"]
    assert (line["actor"], line["operation"], line["code"]) == (cast.users["admin"], "remove_member", "forbidden")
    assert line["resource"] == f"team/members/{cast.users['owner']}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "owner", "scopes": SCOPES}, "body.scopes"),
        ({"role": "viewer", "scopes": [{"project": "hello", "role": "admin"}]}, "body.scopes.0.role"),
        ({"role": "developer", "scopes": SCOPES + SCOPES}, "body.scopes.1"),
        ({"role": "king"}, "body.role"),
        ({"role": "viewer", "scopes": [{"project": "hello"}] * 21}, "body.scopes"),
        ({"role": "viewer", "joined_at": "1970-01-01"}, "body.joined_at"),
    ],
)
def test_a_role_that_makes_no_sense_is_refused_and_named(cast: Cast, body: dict[str, object], field: str) -> None:
    cast.developer  # noqa: B018 - joins

    refused = cast.owner("PUT", member(cast, "developer"), body)

    assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)
    assert roles(cast)["Developer"] == "developer"


@pytest.mark.parametrize("user", ["usr_01J00000000000000000000009", "nobody", "owner#"])
def test_a_member_who_is_none_is_not_found(cast: Cast, user: str) -> None:
    answers = [
        cast.owner("PUT", f"/v1/team/members/{user}", {"role": "viewer"}),
        cast.owner("DELETE", f"/v1/team/members/{user}"),
        cast.owner.post("/v1/team/transfer", {"user": user}),
    ]

    assert [answer.status for answer in answers] == [404] * 3


def test_another_teams_members_are_not_found(cast: Cast) -> None:
    cast.developer  # noqa: B018 - joins

    theirs = cast.stranger("DELETE", member(cast, "developer"))
    absent = cast.stranger("DELETE", "/v1/team/members/usr_01J00000000000000000000009")

    assert (theirs.status, theirs.text) == (404, absent.text)
    assert "Developer" in roles(cast)


def test_a_member_who_was_removed_is_out_at_once_and_may_come_back(cast: Cast) -> None:
    developer = cast.developer

    assert cast.admin("DELETE", member(cast, "developer")).status == 204

    assert developer.post("/v1/projects", {"name": "hello"}).status == 401
    assert cast.sign_in("developer").get("/v1/teams").json["items"] == []
    assert cast.admin("DELETE", member(cast, "developer")).status == 404
    back = cast.join("developer", "viewer")
    assert [each["role"] for each in back.get("/v1/teams").json["items"]] == ["viewer"]


# --- the last Owner


def test_ownership_is_transferred(cast: Cast) -> None:
    cast.admin  # noqa: B018 - joins

    moved = cast.owner.post("/v1/team/transfer", {"user": cast.users["admin"]})

    assert (moved.status, moved.json["role"]) == (200, "owner")
    cast.owner = cast.sign_in("admin", cast.team)
    assert roles(cast) == {"Owner": "admin", "Admin": "owner"}
    assert cast.sign_in("owner", cast.team).post("/v1/team/leave").status == 204


def test_ownership_is_not_transferred_to_oneself(cast: Cast) -> None:
    assert cast.owner.post("/v1/team/transfer", {"user": cast.users["owner"]}).status == 409


def test_the_last_owner_can_neither_leave_nor_be_removed_nor_step_down(cast: Cast) -> None:
    cast.admin  # noqa: B018 - joins

    answers = [
        cast.owner.post("/v1/team/leave"),
        cast.owner("DELETE", member(cast, "owner")),
        cast.owner("PUT", member(cast, "owner"), {"role": "admin"}),
        cast.owner("DELETE", "/v1/me"),
    ]

    assert [(answer.status, answer.json["code"]) for answer in answers] == [(409, "conflict")] * 4
    assert all("Owner" in answer.json["detail"] for answer in answers)
    assert roles(cast)["Owner"] == "owner"


def test_one_of_two_owners_may_do_any_of_it(cast: Cast) -> None:
    cast.raise_to_owner("second")

    assert cast.owner("PUT", member(cast, "owner"), {"role": "viewer"}).status == 200

    assert cast.sign_in("second", cast.team).post("/v1/team/leave").status == 409


@pytest.mark.parametrize("way", ["leave", "remove", "step down", "remove each other", "transfer", "erase"])
def test_of_two_owners_who_go_at_the_same_moment_one_stays(cast: Cast, way: str) -> None:
    first, second = cast.owner, cast.raise_to_owner("second")
    if way == "transfer":
        cast.viewer  # noqa: B018 - joins
    own, other = member(cast, "owner"), member(cast, "second")
    ways = {
        "leave": lambda client, _mine, _theirs: client.post("/v1/team/leave"),
        "remove": lambda client, mine, _theirs: client("DELETE", mine),
        "step down": lambda client, mine, _theirs: client("PUT", mine, {"role": "viewer"}),
        "remove each other": lambda client, _mine, theirs: client("DELETE", theirs),
        "transfer": lambda client, _mine, theirs: client.post("/v1/team/transfer", {"user": theirs.rpartition("/")[2]}),
        "erase": lambda client, _mine, _theirs: client("DELETE", "/v1/me"),
    }

    with meanwhile(lambda: ways[way](second, other, own)) as replies:
        late = ways[way](first, own, other)

    (early,) = replies
    assert early.status in (200, 204), early.text
    assert late.status in (401, 409), late.text
    whoami = [cast.sign_in(name, cast.team).get("/v1/whoami").json["role"] for name in ("owner", "second")]
    assert "owner" in whoami


def test_a_member_is_changed_twice_at_the_same_moment_and_both_are_in_the_trail(cast: Cast) -> None:
    cast.developer  # noqa: B018 - joins
    admin, path = cast.admin, member(cast, "developer")

    with meanwhile(lambda: admin("PUT", path, {"role": "admin"})):
        late = cast.owner("PUT", path, {"role": "viewer"})

    assert (late.status, late.json["version"]) == (200, 3)
    changes = cast.owner.get("/v1/audit", query={"operation": "change_member"}).json["items"]
    assert [each["actor"] for each in changes] == [cast.users["owner"], cast.users["admin"]]


# --- the installation's own team


def test_members_of_the_operators_team_come_and_go_and_its_last_owner_too(cast: Cast, api: Client) -> None:
    helper = cast.join("helper", "admin", by=api)
    assert [each["name"] for each in helper.get("/v1/teams").json["items"]] == ["operator"]

    assert api("PUT", member(cast, "helper"), {"role": "owner"}).status == 200
    assert cast.sign_in("helper", api.get("/v1/team").json["id"]).post("/v1/team/leave").status == 204
    assert api.get("/v1/team/members").json["items"] == []


# --- names


def test_whoever_signs_in_under_a_new_name_has_it_in_all_their_teams(cast: Cast, fakes: Fakes) -> None:
    cast.developer  # noqa: B018 - joins

    admit(Person("local", "https://idp.test", "developer", "Dev New", "new@example.test"), fakes.clock(), fakes.ids)

    listed = {each["user"]: each for each in cast.owner.get("/v1/team/members").json["items"]}
    shown = listed[cast.users["developer"]]
    assert (shown["name"], shown["email"]) == ("Dev New", "new@example.test")


def test_names_follow_the_person_into_all_their_teams(cast: Cast) -> None:
    cast.join("stranger", "viewer")
    user = cast.users["stranger"]

    refresh_names(user, "New Name", "new@example.com")
    refresh_names(user, "New Name", "new@example.com")

    listed = {each["user"]: each for each in cast.owner.get("/v1/team/members").json["items"]}
    assert (listed[user]["name"], listed[user]["email"], listed[user]["version"]) == ("New Name", "new@example.com", 2)

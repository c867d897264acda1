"""API keys: a secret that is shown once, two that are valid while one is replaced, an end, and nothing beyond their role."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.store_count import counting
from chalicelib.identity import credentials
from chalicelib.identity.service import room_for
from chalicelib.platform.store import team_store
from tests.chalicelib.api.test_secrets import stored
from tests.support.cast import SCOPES, Cast, meanwhile
from tests.support.world import KEY, Client, Fakes

UNKNOWN = "The API key is not known here."


@pytest.fixture
def cast(fakes: Fakes) -> Cast:
    return Cast(fakes)


def holder(cast: Cast, key: str) -> Client:
    return Client(cast.fakes, key=key)


def secret_of(key: str) -> str:
    return key[57:]


def test_a_key_is_shown_once_and_kept_only_as_a_hash(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = cast.admin.post("/v1/team/keys", {"name": "ci", "role": "developer", "expires_in_days": 30})

    key = made.json["key"]
    assert (made.status, len(key), made.json["created_by"]) == (201, 100, cast.users["admin"])
    assert key.startswith(made.json["prefix"] + "_")
    holder(cast, key).get("/v1/whoami")
    (listed,) = cast.admin.get("/v1/team/keys").json["items"]
    assert "key" not in listed
    hidden = json.dumps(listed) + json.dumps(stored()) + caplog.text
    assert secret_of(key) not in hidden
    assert credentials.digest_of(secret_of(key)) in json.dumps(stored())


def test_a_key_is_who_it_is_and_may_what_its_role_says(cast: Cast) -> None:
    made = cast.new_key(name="deploys")
    key = holder(cast, made["key"])

    who = key.get("/v1/whoami").json
    created = key.post("/v1/projects", {"name": "hello"})

    assert (who["subject"], who["kind"], who["name"], who["team"], who["role"]) == (
        made["id"],
        "key",
        "deploys",
        cast.team,
        "developer",
    )
    assert created.status == 201
    assert key.get("/v1/team/keys").status == 403
    line = cast.owner.get("/v1/audit", query={"actor": made["id"], "outcome": "done"}).json["items"][0]
    assert (line["actor_kind"], line["operation"]) == ("key", "create_project")
    assert cast.owner.get("/v1/audit", query={"operation": "create_api_key"}).json["items"][0]["resource"] == (
        f"team/keys/{made['id']}"
    )


def test_a_narrowed_key_reaches_its_part_of_the_team_alone(cast: Cast) -> None:
    for project in ("hello", "other"):
        cast.owner.post("/v1/projects", {"name": project})
        cast.owner.post(f"/v1/projects/{project}/environments", {"name": "staging"})
    key = holder(cast, cast.new_key(scopes=SCOPES)["key"])

    made = {
        place: key.post(f"/v1/projects/{place[0]}/environments/{place[1]}/services", {"name": "web"}).status
        for place in (("hello", "staging"), ("hello", "prod"), ("other", "staging"))
    }

    assert made == {("hello", "staging"): 201, ("hello", "prod"): 403, ("other", "staging"): 403}
    assert [each["name"] for each in key.get("/v1/projects").json["items"]] == ["hello"]


@pytest.mark.parametrize(("role", "status"), [("admin", 201), ("developer", 201), ("viewer", 201), ("owner", 403)])
def test_no_machine_is_an_owner(cast: Cast, role: str, status: int) -> None:
    assert cast.owner.post("/v1/team/keys", {"name": "k", "role": role}).status == status


def test_a_key_expires_and_says_so_to_its_holder_alone(cast: Cast) -> None:
    made = cast.new_key(expires_in_days=1)
    guessed = made["key"][:-1] + ("A" if made["key"][-1] != "A" else "B")
    cast.fakes.clock.now += timedelta(days=1)

    late, stranger = holder(cast, made["key"]).get("/v1/whoami"), holder(cast, guessed).get("/v1/whoami")

    assert (late.status, late.json["detail"]) == (401, "The API key has expired.")
    assert (stranger.status, stranger.json["detail"]) == (401, UNKNOWN)
    assert cast.owner.get("/v1/team/keys").json["items"][0]["expires_at"] == made["expires_at"]


# --- rotation


def test_both_secrets_are_valid_while_one_replaces_the_other(cast: Cast) -> None:
    made = cast.new_key()
    rotated = cast.admin.post(f"/v1/team/keys/{made['id']}/rotate", {"overlap_hours": 2})
    assert rotated.status == 200

    def admitted() -> list[int]:
        return [holder(cast, key).get("/v1/whoami").status for key in (made["key"], rotated.json["key"])]

    at_first = admitted()
    cast.fakes.clock.now += timedelta(hours=2, seconds=-1)
    just_before = admitted()
    listed = cast.owner.get("/v1/team/keys").json["items"][0]
    cast.fakes.clock.now += timedelta(seconds=2)
    just_after = admitted()

    assert (at_first, just_before, just_after) == ([200, 200], [200, 200], [401, 200])
    assert listed["old_secret_until"] == rotated.json["old_secret_until"]
    assert cast.owner.get("/v1/team/keys").json["items"][0]["old_secret_until"] is None


def test_rotating_twice_leaves_the_two_newest(cast: Cast) -> None:
    made = cast.new_key()
    keys = [made["key"]]
    for _ in range(2):
        keys.append(cast.owner.post(f"/v1/team/keys/{made['id']}/rotate", {}).json["key"])

    assert [holder(cast, key).get("/v1/whoami").status for key in keys] == [401, 200, 200]


def test_without_overlap_the_old_secret_ends_at_once(cast: Cast) -> None:
    made = cast.new_key()

    rotated = cast.owner.post(f"/v1/team/keys/{made['id']}/rotate", {"overlap_hours": 0})

    assert [holder(cast, key).get("/v1/whoami").status for key in (made["key"], rotated.json["key"])] == [401, 200]


def test_a_rotated_key_lives_anew_and_an_expired_secret_does_not(cast: Cast) -> None:
    made = cast.new_key(expires_in_days=10)
    cast.fakes.clock.now += timedelta(days=11)

    rotated = cast.owner.post(f"/v1/team/keys/{made['id']}/rotate", {"overlap_hours": 100})

    assert [holder(cast, key).get("/v1/whoami").status for key in (made["key"], rotated.json["key"])] == [401, 200]
    cast.fakes.clock.now += timedelta(days=9)
    assert holder(cast, rotated.json["key"]).get("/v1/whoami").status == 200


def test_two_rotations_at_the_same_moment_both_hold(cast: Cast) -> None:
    made, admin = cast.new_key(), cast.admin
    path = f"/v1/team/keys/{made['id']}/rotate"

    with meanwhile(lambda: admin.post(path, {})) as replies:
        late = cast.owner.post(path, {})

    keys = [made["key"], replies[0].json["key"], late.json["key"]]
    assert [holder(cast, key).get("/v1/whoami").status for key in keys] == [401, 200, 200]


@pytest.mark.parametrize("what", ["create", "rotate"])
def test_a_secret_is_not_shown_a_second_time(cast: Cast, what: str) -> None:
    made = cast.new_key()
    path, body = ("", {"name": "k", "role": "viewer"}) if what == "create" else (f"/{made['id']}/rotate", {})
    asked = [cast.owner.post(f"/v1/team/keys{path}", body, headers={"idempotency-key": "k"}) for _ in range(2)]

    assert [each.status for each in asked] == [201 if what == "create" else 200, 409]
    assert "otate key key_" in asked[1].json["remedy"]
    assert len(cast.owner.get("/v1/team/keys").json["items"]) == (2 if what == "create" else 1)
    if what == "rotate":
        assert holder(cast, made["key"]).get("/v1/whoami").status == 200


# --- the end of a key


def test_a_deleted_key_is_unknown_at_once(cast: Cast) -> None:
    made = cast.new_key()

    assert cast.admin("DELETE", f"/v1/team/keys/{made['id']}").status == 204

    gone = holder(cast, made["key"]).get("/v1/whoami")
    assert (gone.status, gone.json["detail"]) == (401, UNKNOWN)
    assert cast.admin("DELETE", f"/v1/team/keys/{made['id']}").status == 404


def test_a_request_that_is_under_way_when_its_key_is_deleted_changes_nothing(cast: Cast) -> None:
    made, owner = cast.new_key(), cast.owner
    key = holder(cast, made["key"])
    key.get("/v1/whoami")

    with meanwhile(lambda: owner("DELETE", f"/v1/team/keys/{made['id']}")) as replies:
        late = key.post("/v1/projects", {"name": "hello"})

    assert (replies[0].status, late.status) == (204, 401)
    assert owner.get("/v1/projects").json["items"] == []


def test_another_teams_key_is_not_found(cast: Cast) -> None:
    made = cast.new_key()
    absent = "key_01J00000000000000000000009"
    for method, below, body in (("DELETE", "", None), ("POST", "/rotate", {})):
        theirs = cast.stranger(method, f"/v1/team/keys/{made['id']}{below}", body)
        nothing = cast.stranger(method, f"/v1/team/keys/{absent}{below}", body)
        assert (theirs.status, theirs.text) == (404, nothing.text)
    assert holder(cast, made["key"]).get("/v1/whoami").status == 200


# --- what is no key


def altered(cast: Cast, how: str) -> str:
    key = str(cast.new_key()["key"])
    other = cast.stranger.get("/v1/team").json["id"].removeprefix("team_")
    return {
        "another secret": key[:-1] + ("A" if key[-1] != "A" else "B"),
        "another key": key[:30] + "01J00000000000000000000009" + key[56:],
        "another team": key[:4] + other + key[30:],
        "lower case": key[:4] + key[4:56].lower() + key[56:],
        "too short": key[:-1],
        "too long": key + "A",
        "no secret": key[:57],
        "its hash": key[:57] + credentials.digest_of(secret_of(key))[:43],
        "an empty old secret": key[:57] + "=" * 43,
        "a prefix": key[:56],
        "no key at all": "cyg_",
        "another scheme": "sk_" + key[4:],
        "a letter from elsewhere": key[:-1] + "Ａ",
        "a line end": key + "%0a",
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "another secret",
        "another key",
        "another team",
        "lower case",
        "too short",
        "too long",
        "no secret",
        "its hash",
        "an empty old secret",
        "a prefix",
        "no key at all",
        "another scheme",
        "a letter from elsewhere",
        "a line end",
    ],
)
def test_whatever_is_wrong_with_a_key_is_answered_alike(cast: Cast, how: str) -> None:
    refused = holder(cast, altered(cast, how)).get("/v1/whoami")

    plain = holder(cast, "x").get("/v1/whoami")
    assert (refused.status, refused.text, refused.headers["www-authenticate"]) == (401, plain.text, 'Bearer realm="cygni"')


@pytest.mark.parametrize("key", ["", "one.two.three", "cyr_", "cyg_"])
def test_the_operators_key_works_whatever_it_looks_like(cast: Cast, fakes: Fakes, key: str) -> None:
    key = key or str(cast.new_key()["key"])
    settings = type(fakes.settings)(admin_key_sha256=credentials.digest_of(key), admin_team=fakes.settings.admin_team)
    fakes.settings = settings

    assert holder(cast, key).get("/v1/whoami").json["kind"] == "operator"
    assert holder(cast, KEY).get("/v1/whoami").status == 401


@given(st.text(max_size=120))
def test_whatever_is_no_key_of_ours_is_none(text: str) -> None:
    found = credentials.read_api_key(text)

    assert found is None or credentials.api_key(found.team, found.id, found.secret) == text


def test_a_key_that_was_written_is_read(cast: Cast) -> None:
    made = cast.new_key()

    found = credentials.read_api_key(made["key"])

    assert found is not None
    assert (found.team, found.id) == (cast.team, made["id"])
    assert found.secret not in repr(found)


# --- what a request with a key costs, and when it was last used


def test_a_key_costs_one_read_and_its_use_is_recorded_once_an_hour(cast: Cast) -> None:
    made = cast.new_key()
    key, owner = holder(cast, made["key"]), cast.owner

    calls = []
    for minutes in (0, 59, 1, 1):
        cast.fakes.clock.now += timedelta(minutes=minutes)
        with counting() as counter:
            key.get("/v1/projects")
        calls.append(counter.calls)

    assert calls == [
        ["GetItem", "PutItem", "Query"],
        ["GetItem", "Query"],
        ["GetItem", "PutItem", "Query"],
        ["GetItem", "Query"],
    ]
    used = owner.get("/v1/team/keys").json["items"][0]["last_used_at"]
    assert used == (cast.fakes.clock() - timedelta(minutes=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_key_that_was_never_used_says_so_and_a_wrong_secret_is_no_use(cast: Cast) -> None:
    made = cast.new_key()
    holder(cast, made["key"][:-1] + "A" if made["key"][-1] != "A" else made["key"][:-1] + "B").get("/v1/whoami")

    assert cast.owner.get("/v1/team/keys").json["items"][0]["last_used_at"] is None


def test_a_request_is_served_though_its_use_could_not_be_recorded(cast: Cast) -> None:
    made, owner = cast.new_key(), cast.owner

    with meanwhile(lambda: owner.post(f"/v1/team/keys/{made['id']}/rotate", {})) as replies:
        served = holder(cast, made["key"]).get("/v1/whoami")

    assert (replies[0].status, served.status) == (200, 200)
    assert owner.get("/v1/team/keys").json["items"][0]["old_secret_until"] is not None


def test_a_team_has_a_hundred_keys_and_deleting_one_makes_room(cast: Cast) -> None:
    owner = cast.owner
    team_store(cast.team).commit([room_for(cast.team, cast.fakes.settings, keys=99).write])
    made = [owner.post("/v1/team/keys", {"name": "k", "role": "viewer"}) for _ in range(2)]

    assert [each.status for each in made] == [201, 409]
    assert "100 API keys" in made[-1].json["detail"]
    owner("DELETE", f"/v1/team/keys/{made[0].json['id']}")
    assert owner.post("/v1/team/keys", {"name": "k", "role": "viewer"}).status == 201

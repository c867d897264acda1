"""Invitations: a link works once, for whoever has it, until it expires or is withdrawn; all that is not so answers alike."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity import credentials
from chalicelib.identity.models_teams import InvitationRecord, team_pk
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from tests.chalicelib.api.test_secrets import stored
from tests.support.cast import SCOPES, Cast, meanwhile
from tests.support.world import Client, Fakes, Reply


@pytest.fixture
def cast(fakes: Fakes) -> Cast:
    return Cast(fakes)


def accept(client: Client, link: str) -> Reply:
    return client.post("/v1/invitations/accept", {"token": link})


def show(client: Client, link: str) -> Reply:
    return client.post("/v1/invitations/show", {"token": link})


def test_an_invitation_is_shown_once_as_a_link_and_offers_what_it_says(cast: Cast) -> None:
    body = {"role": "developer", "scopes": SCOPES, "note": "for Bo", "expires_in_hours": 2}
    made = cast.admin.post("/v1/team/invitations", body)

    assert made.status == 201
    assert made.json["link"].startswith("https://api.cygni.dev/v1/invitations#")
    offer = show(cast.sign_in("bo"), made.json["link"])
    scopes = [{"project": "hello", "environment": "staging", "role": "developer"}]
    assert offer.json == {
        "team": cast.team,
        "team_name": "Crew",
        "role": "developer",
        "scopes": scopes,
        "expires_at": made.json["expires_at"],
    }
    (listed,) = cast.admin.get("/v1/team/invitations").json["items"]
    assert "link" not in listed
    assert (listed["note"], listed["invited_by"]) == ("for Bo", cast.users["admin"])


def test_whoever_accepts_is_a_member_with_what_was_offered(cast: Cast) -> None:
    link = cast.invite("developer", scopes=SCOPES)
    client = cast.sign_in("bo")

    joined = accept(client, link)

    assert joined.status == 201
    assert joined.json == {"id": cast.team, "name": "Crew", "role": "developer", "region": "", "current": False}
    listed = cast.owner.get("/v1/team/members").json["items"]
    assert [(each["name"], each["role"], len(each["scopes"])) for each in listed][1:] == [("Bo", "developer", 1)]
    line = cast.owner.get("/v1/audit").json["items"][0]
    assert (line["operation"], line["actor"], line["source"]) == ("accept_invitation", cast.users["bo"], "127.0.0.1")


@pytest.mark.parametrize("form", ["{link}", "{token}", "  {link}\n", "https://other.example/x#{token}"])
def test_the_whole_link_or_what_is_behind_its_mark_will_do(cast: Cast, form: str) -> None:
    link = cast.invite("viewer")

    assert accept(cast.sign_in("bo"), form.format(link=link, token=link.partition("#")[2])).status == 201


def test_accepting_again_answers_the_same_and_uses_nothing_up(cast: Cast) -> None:
    link, client = cast.invite("viewer"), cast.sign_in("bo")

    answers = [accept(client, link) for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    assert len(cast.owner.get("/v1/team/members").json["items"]) == 2


def test_a_link_that_was_used_is_of_no_use_to_others(cast: Cast) -> None:
    link = cast.invite("viewer")
    accept(cast.sign_in("bo"), link)

    answers = [accept(cast.sign_in("eve"), link), show(cast.sign_in("eve"), link)]

    assert [answer.status for answer in answers] == [404, 404]
    assert cast.owner.get("/v1/team/invitations").json["items"] == []


def test_of_two_who_accept_at_the_same_moment_one_is_a_member(cast: Cast) -> None:
    link, bo, eve = cast.invite("viewer"), cast.sign_in("bo"), cast.sign_in("eve")

    with meanwhile(lambda: accept(eve, link)) as replies:
        late = accept(bo, link)

    assert (replies[0].status, late.status) == (201, 404)
    assert [each["name"] for each in cast.owner.get("/v1/team/members").json["items"]] == ["Owner", "Eve"]


def test_the_same_click_twice_at_the_same_moment_is_one(cast: Cast) -> None:
    link, bo = cast.invite("viewer"), cast.sign_in("bo")

    with meanwhile(lambda: accept(bo, link)) as replies:
        late = accept(bo, link)

    assert (replies[0].status, late.status) == (201, 201)
    assert late.json == replies[0].json


def test_a_member_does_not_use_up_what_is_for_somebody_else(cast: Cast) -> None:
    link = cast.invite("admin")

    refused = accept(cast.viewer, link)

    assert (refused.status, "member of this team already" in refused.json["detail"]) == (409, True)
    assert accept(cast.sign_in("bo"), link).status == 201


def spoilt(cast: Cast, how: str) -> str:
    """A link that is not valid, for one reason or another."""
    link = cast.invite("viewer", expires_in_hours=1)
    listed = cast.owner.get("/v1/team/invitations").json["items"][-1]["id"]
    match how:
        case "expired":
            cast.fakes.clock.now += timedelta(hours=1)
        case "withdrawn":
            assert cast.owner("DELETE", f"/v1/team/invitations/{listed}").status == 204
        case "another secret":
            return link[:-1] + ("A" if link[-1] != "A" else "B")
        case "another invitation":
            at = link.index("#") + 27
            return link[:at] + "01J00000000000000000000009" + link[at + 26 :]
        case "another team":
            at = link.index("#") + 1
            return link[:at] + "01J00000000000000000000009" + link[at + 26 :]
        case "cut short":
            return link[:-1]
        case "none at all":
            return "https://example.com/"
    return link


@pytest.mark.parametrize(
    "how",
    ["expired", "withdrawn", "another secret", "another invitation", "another team", "cut short", "none at all"],
)
def test_what_is_not_valid_is_answered_alike_whatever_is_wrong_with_it(cast: Cast, how: str) -> None:
    link, bo = spoilt(cast, how), cast.sign_in("bo")

    answers = [accept(bo, link), show(bo, link)]

    plain = accept(bo, "x")
    assert [(answer.status, answer.text) for answer in answers] == [(404, plain.text)] * 2
    assert bo.get("/v1/teams").json["items"] == []


def test_an_invitation_counts_only_while_its_giver_may_still_give_it(cast: Cast) -> None:
    links = {"admin": cast.invite("admin", by=cast.admin), "viewer": cast.invite("viewer", by=cast.admin)}

    cast.owner("PUT", f"/v1/team/members/{cast.users['admin']}", {"role": "developer"})
    demoted = {role: accept(cast.sign_in(f"new {role}"), link).status for role, link in links.items()}
    more = cast.invite("viewer", by=cast.raise_to_owner("second"))
    cast.owner("DELETE", f"/v1/team/members/{cast.users['second']}")

    assert demoted == {"admin": 404, "viewer": 201}
    assert accept(cast.sign_in("late"), more).status == 404


def test_a_key_that_may_invite_is_asked_the_same(cast: Cast) -> None:
    made = cast.new_key(role="admin")
    key = Client(cast.fakes, key=made["key"])
    links = [cast.invite("viewer", by=key) for _ in range(2)]

    first = accept(cast.sign_in("bo"), links[0])
    cast.owner("DELETE", f"/v1/team/keys/{made['id']}")

    assert (first.status, accept(cast.sign_in("eve"), links[1]).status) == (201, 404)


@pytest.mark.parametrize(
    ("who", "role", "status"),
    [("owner", "admin", 201), ("owner", "owner", 403), ("admin", "admin", 201), ("developer", "viewer", 403)],
)
def test_nobody_offers_more_than_they_may(cast: Cast, who: str, role: str, status: int) -> None:
    assert getattr(cast, who).post("/v1/team/invitations", {"role": role}).status == status


def test_the_link_is_not_shown_a_second_time(cast: Cast) -> None:
    asked = {"role": "viewer"}
    first = cast.owner.post("/v1/team/invitations", asked, headers={"idempotency-key": "k"})

    again = cast.owner.post("/v1/team/invitations", asked, headers={"idempotency-key": "k"})

    assert (again.status, again.json["code"]) == (409, "conflict")
    assert first.json["id"] in again.json["remedy"]
    assert len(cast.owner.get("/v1/team/invitations").json["items"]) == 1


@pytest.mark.slow
def test_a_team_has_a_hundred_open_invitations_and_expired_ones_make_room(cast: Cast) -> None:
    owner, team, now = cast.owner, cast.team, cast.fakes.clock()
    kept = {"role": "viewer", "invited_by": "x", "created_at": now, "valid_until": now + timedelta(hours=1), "digest": "x"}
    for start in (0, 50):
        some = [
            Put(InvitationRecord(team_pk(team), f"INVITE#{number}", **kept)) for number in range(start, min(start + 50, 99))
        ]
        team_store(team).commit(some)

    made = [owner.post("/v1/team/invitations", {"role": "viewer", "expires_in_hours": 1}) for _ in range(2)]

    assert [each.status for each in made] == [201, 409]
    assert made[-1].json["code"] == "quota-exceeded"
    cast.fakes.clock.now += timedelta(hours=1)
    assert owner.get("/v1/team/invitations", query={"limit": "100"}).json["items"] == []
    assert owner.post("/v1/team/invitations", {"role": "viewer"}).status == 201


def test_withdrawing_what_is_not_there_or_not_ones_own_is_not_found(cast: Cast) -> None:
    cast.invite("viewer")
    (listed,) = cast.owner.get("/v1/team/invitations").json["items"]

    theirs = cast.stranger("DELETE", f"/v1/team/invitations/{listed['id']}")
    absent = cast.stranger("DELETE", "/v1/team/invitations/inv_01J00000000000000000000009")

    assert (theirs.status, theirs.text) == (404, absent.text)
    assert cast.owner("DELETE", f"/v1/team/invitations/{listed['id']}").status == 204


def test_the_link_opens_a_page_that_says_how_to_join(cast: Cast) -> None:
    address = cast.invite("viewer").partition("#")[0].removeprefix("https://api.cygni.dev")

    page = cast.nobody.get(address)

    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "cygni team join" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_a_link_is_kept_only_as_a_hash_and_is_in_no_answer_but_its_own(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    link, bo = cast.invite("viewer"), cast.sign_in("bo")
    secret = link[-43:]

    kept = json.dumps(stored())
    told = [show(bo, link), cast.owner.get("/v1/team/invitations"), accept(bo, link), accept(cast.sign_in("eve"), link)]

    assert credentials.digest_of(secret) in kept
    assert secret not in kept + json.dumps(stored()) + "".join(each.text for each in told) + caplog.text


def test_an_erased_person_does_not_come_back_by_a_token_of_before(cast: Cast) -> None:
    bo, link = cast.sign_in("bo"), cast.invite("viewer")
    assert bo("DELETE", "/v1/me").status == 204

    answers = [accept(bo, link), bo.post("/v1/teams", {"name": "T"})]

    assert [answer.status for answer in answers] == [401, 401]


@given(st.text(max_size=200))
def test_whatever_is_no_link_of_ours_is_none(text: str) -> None:
    found = credentials.read_invitation(text)

    assert found is None or text.strip().endswith(f"_{found.secret}")

"""Trusts of GitHub Actions: who may make them, and which jobs they mean."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.identity.minting import Holder, Minter
from chalicelib.identity.service import Grant, Role, Scope, matching_grant, room_for
from chalicelib.identity.standing import Standing
from chalicelib.platform.store import team_store
from tests.support.cast import SCOPES, Cast
from tests.support.world import Client, Fakes

JOB = {
    "repository": "Acme/Shop",
    "repository_id": "42",
    "ref": "refs/heads/main",
    "environment": "production",
    "sub": "repo:Acme/Shop:ref:refs/heads/main",
}
"""What GitHub says of a job, as far as it matters here."""


@pytest.fixture
def cast(fakes: Fakes) -> Cast:
    return Cast(fakes)


def trust(cast: Cast, **body: Any) -> dict[str, Any]:
    made = cast.owner.post("/v1/team/trusts", {"name": "t", "repository": "acme/shop", "role": "developer", **body})
    assert made.status == 201, made.text
    return dict(made.json)


def found(cast: Cast, **claims: Any) -> tuple[str, Grant] | None:
    given = {name: value for name, value in {**JOB, **claims}.items() if value is not None}
    return matching_grant(team_store(cast.team), cast.team, given, cast.fakes.clock())


def test_a_trust_is_what_it_says_and_is_listed(cast: Cast) -> None:
    made = trust(cast, repository_id="42", ref="refs/tags/v*", environment="production", scopes=SCOPES)

    (listed,) = cast.admin.get("/v1/team/trusts").json["items"]

    assert listed == made
    assert (made["created_by"], made["id"][:4]) == (cast.users["owner"], "tru_")
    assert made["scopes"] == [{"project": "hello", "environment": "staging", "role": "developer"}]


@pytest.mark.parametrize(
    ("body", "claims", "fits"),
    [
        ({}, {}, True),
        ({"repository": "acme/Other"}, {}, False),
        ({"repository": "acme/sho"}, {}, False),
        ({}, {"repository": "acme/shop-evil"}, False),
        ({}, {"repository": None}, False),
        ({"repository_id": "42"}, {}, True),
        ({"repository_id": "42"}, {"repository_id": "43"}, False),
        ({"repository_id": "42"}, {"repository_id": None}, False),
        ({"ref": "refs/heads/main"}, {}, True),
        ({"ref": "refs/heads/main"}, {"ref": "refs/heads/main2"}, False),
        ({"ref": "refs/heads/main"}, {"ref": "refs/heads/Main"}, False),
        ({"ref": "refs/heads/release-*"}, {"ref": "refs/heads/release-1"}, True),
        ({"ref": "refs/tags/v*"}, {"ref": "refs/tags/v1.2"}, True),
        ({"ref": "refs/tags/v*"}, {}, False),
        ({}, {"ref": "refs/heads/any"}, True),
        ({}, {"ref": "refs/pull/7/merge"}, False),
        ({}, {"ref": "refs/tags/v1"}, False),
        ({}, {"ref": None}, False),
        ({"environment": "Production"}, {}, True),
        ({"environment": "staging"}, {}, False),
        ({"environment": "production"}, {"environment": None}, False),
    ],
)
def test_a_trust_means_jobs_of_which_all_is_true_that_it_says(
    cast: Cast, body: dict[str, str], claims: dict[str, Any], fits: bool
) -> None:
    made = trust(cast, **body)

    assert found(cast, **claims) == ((made["id"], Grant(Role.DEVELOPER)) if fits else None)


def test_of_several_that_fit_the_one_that_gives_most_is_taken(cast: Cast) -> None:
    trust(cast, role="viewer")
    trust(cast, role="developer", scopes=SCOPES)
    most = trust(cast, role="developer")
    trust(cast, role="developer")

    assert found(cast) == (most["id"], Grant(Role.DEVELOPER))


def test_a_narrowed_trust_gives_a_narrowed_grant(cast: Cast) -> None:
    made = trust(cast, scopes=SCOPES)

    assert found(cast) == (made["id"], Grant(Role.DEVELOPER, (Scope("hello", "staging", Role.DEVELOPER),)))


def test_another_teams_trusts_mean_nothing_here(cast: Cast) -> None:
    cast.stranger.post("/v1/team/trusts", {"name": "t", "repository": "acme/shop", "role": "admin"})

    assert found(cast) is None


def test_a_trust_that_is_revoked_means_nobody_and_is_gone(cast: Cast) -> None:
    made = trust(cast)

    theirs = cast.stranger("DELETE", f"/v1/team/trusts/{made['id']}")
    assert cast.admin("DELETE", f"/v1/team/trusts/{made['id']}").status == 204

    assert theirs.status == 404
    assert found(cast) is None
    assert cast.admin("DELETE", f"/v1/team/trusts/{made['id']}").text == theirs.text


def test_an_access_token_of_a_revoked_trust_changes_nothing_any_more(cast: Cast) -> None:
    made, owner, fakes = trust(cast), cast.owner, cast.fakes
    minter = Minter(fakes.keys, fakes.settings.issuer, fakes.settings.audience)
    standing = Standing(cast.team, "", Grant(Role.DEVELOPER))
    job = Client(fakes, key=minter.access_token(Holder(made["id"], "federated", "ci", ""), standing, fakes.clock(), "tok_1"))
    assert job.post("/v1/projects", {"name": "hello"}).status == 201

    fakes.clock.sleep(1)
    owner("DELETE", f"/v1/team/trusts/{made['id']}")

    assert job.post("/v1/projects", {"name": "second"}).status == 401


def test_the_same_key_makes_one_trust(cast: Cast) -> None:
    body = {"name": "t", "repository": "acme/shop", "role": "viewer"}
    both = [cast.owner.post("/v1/team/trusts", body, headers={"idempotency-key": "k"}) for _ in range(2)]

    assert [each.status for each in both] == [201, 201]
    assert both[0].json == both[1].json


@pytest.mark.parametrize(
    ("who", "role", "status"), [("owner", "owner", 403), ("admin", "admin", 201), ("viewer", "viewer", 403)]
)
def test_nobody_trusts_a_workflow_with_more_than_they_may_give(cast: Cast, who: str, role: str, status: int) -> None:
    body = {"name": "t", "repository": "a/b", "role": role}

    assert getattr(cast, who).post("/v1/team/trusts", body).status == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ref": "main"}, "body.ref"),
        ({"ref": "*"}, "body.ref"),
        ({"repository": "shop"}, "body.repository"),
        ({"repository": "acme/*"}, "body.repository"),
        ({"repository_id": "x"}, "body.repository_id"),
        ({"audience": "x"}, "body.audience"),
    ],
)
def test_what_could_mean_no_job_or_anybodys_is_refused_and_named(cast: Cast, body: dict[str, str], field: str) -> None:
    refused = cast.owner.post("/v1/team/trusts", {"name": "t", "repository": "acme/shop", "role": "viewer", **body})

    assert (refused.status, refused.json["errors"][0]["field"]) == (422, field)


def test_a_team_has_fifty_trusts(cast: Cast) -> None:
    body = {"name": "t", "repository": "a/b", "role": "viewer"}
    team_store(cast.team).commit([room_for(cast.team, cast.fakes.settings, trusts=49).write])
    made = [cast.owner.post("/v1/team/trusts", body) for _ in range(2)]

    assert [each.status for each in made] == [201, 409]
    assert made[-1].json["code"] == "quota-exceeded"

from __future__ import annotations

from typing import Any

import pytest

from cygni.local.idp.workflows import NotAJob, discovery, job_claims, read_job

NOW = 1_800_000_000


def claims(**given: Any) -> dict[str, Any]:
    return job_claims(read_job({"repository": "acme/shop", **given}), "http://idp/actions", NOW, "id")


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ({}, "repo:acme/shop:ref:refs/heads/main"),
        ({"ref": "refs/tags/v1.2"}, "repo:acme/shop:ref:refs/tags/v1.2"),
        ({"environment": "prod"}, "repo:acme/shop:environment:prod"),
        ({"environment": "eu:prod"}, "repo:acme/shop:environment:eu%3Aprod"),
        ({"ref": "refs/pull/7/merge"}, "repo:acme/shop:pull_request"),
        ({"ref": "refs/pull/7/merge", "environment": "preview"}, "repo:acme/shop:environment:preview"),
        (
            {"immutable_subject": True, "repository_id": 74, "repository_owner_id": "65"},
            "repo:acme@65/shop@74:ref:refs/heads/main",
        ),
    ],
)
def test_the_subject_is_as_github_writes_it(given: dict[str, Any], subject: str) -> None:
    assert claims(**given)["sub"] == subject


def test_what_is_left_out_is_filled_in_as_a_push_to_main() -> None:
    found = claims()

    assert found["repository_owner"] == "acme"
    assert found["aud"] == "https://github.com/acme"
    assert (found["ref"], found["ref_type"], found["event_name"]) == ("refs/heads/main", "branch", "push")
    assert found["workflow_ref"] == "acme/shop/.github/workflows/deploy.yml@refs/heads/main"
    assert found["job_workflow_ref"] == found["workflow_ref"]
    assert (found["iat"], found["exp"]) == (NOW, NOW + 300)
    assert "environment" not in found
    assert all(isinstance(value, str) for name, value in found.items() if name not in ("iat", "exp", "nbf"))


def test_what_is_given_is_taken() -> None:
    given = {
        "repository_id": "74",
        "repository_owner_id": 65,
        "environment": "prod",
        "workflow_ref": "acme/shop/.github/workflows/x.yml@refs/heads/main",
        "actor": "ada",
        "repository_visibility": "public",
    }
    found = claims(audience="https://cygni.example", **given)

    assert found["aud"] == "https://cygni.example"
    assert {name: found[name] for name in given} == {**given, "repository_owner_id": "65"}


def test_the_ids_of_a_repository_do_not_change_and_are_its_own() -> None:
    assert claims()["repository_id"] == claims(repository="ACME/Shop")["repository_id"]
    assert claims()["repository_id"] != claims(repository="acme/other")["repository_id"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"repository": ""}, "repository must be owner/name"),
        ({"repository": "acme"}, "repository must be owner/name"),
        ({"repository": "acme/shop:ref:refs/heads/main"}, "repository must be owner/name"),
        ({"repository": "acme/shop/x"}, "repository must be owner/name"),
        ({"repository_owner": "evil"}, "repository_owner must be the owner"),
        ({"ref": "main"}, "ref must be whole"),
        ({"ref": "refs/heads/a b"}, "ref must be whole"),
        ({"repository_id": "7x"}, "repository_id must be a number"),
        ({"repository_id": True}, "repository_id must be a text"),
        ({"environment": ["prod"]}, "environment must be a text"),
        ({"environment": "p" * 301}, "environment must be a text"),
        ({"environment": "a\nb"}, "environment must be a text"),
        ({"immutable_subject": "perhaps"}, "immutable_subject must be true or false"),
        ({"sub": "repo:evil/shop"}, "sub is not a field"),
    ],
)
def test_what_is_no_job_is_refused_by_the_name_of_the_field(given: dict[str, Any], why: str) -> None:
    with pytest.raises(NotAJob, match=why):
        claims(**given)


def test_every_claim_is_among_those_that_the_issuer_lists() -> None:
    assert set(claims(environment="prod")) <= set(discovery("http://idp/actions")["claims_supported"])

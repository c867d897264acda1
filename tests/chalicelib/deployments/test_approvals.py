"""What a Developer does in production waits for an Owner or Admin; what is proposed is what is approved."""

from __future__ import annotations

import pytest

from chalicelib.identity.service import Grant, Role
from tests.support.rollout import Stage
from tests.support.world import Client


@pytest.fixture
def developer(stage: Stage) -> Client:
    return Client(stage.fakes, grant=Grant(Role.DEVELOPER))


@pytest.fixture
def proposed(stage: Stage, developer: Client) -> str:
    """A proposal, while release 1 is live."""
    stage.deploy()
    made = developer.post(f"{stage.path}/deployments", {"source": stage.source()})
    assert (made.status, made.json["state"]) == (201, "awaiting_approval")
    return str(made.json["id"])


def decide(client: Client, stage: Stage, deployment: str, decision: str) -> tuple[int, dict[str, object]]:
    answer = client.post(f"{stage.path}/deployments/{deployment}/{decision}")
    return answer.status, answer.json


def test_a_proposal_takes_no_place_in_the_lane_and_starts_nothing(stage: Stage, proposed: str) -> None:
    assert proposed not in stage.fakes.workflows.started
    assert stage.api.get(stage.path).json["active_deployment"] is None
    assert stage.api.get(stage.path).json["waiting_deployment"] is None


def test_an_approval_starts_it_and_says_who_gave_it(stage: Stage, proposed: str) -> None:
    status, approved = decide(stage.api, stage, proposed, "approve")

    assert (status, approved["state"], approved["approved_by"]) == (202, "queued", "admin")
    assert approved["created_by"] == "usr_tester"
    assert proposed in stage.fakes.workflows.started


def test_an_approved_release_goes_the_way_of_any_other(stage: Stage, proposed: str) -> None:
    decide(stage.api, stage, proposed, "approve")
    stage.begin(proposed)
    stage.built(proposed, digit="b")
    stage.run(proposed)
    stage.finish(proposed)

    assert stage.read(proposed)["state"] == "promoted"


def test_approving_twice_is_approving_once(stage: Stage, proposed: str) -> None:
    decide(stage.api, stage, proposed, "approve")

    status, again = decide(stage.api, stage, proposed, "approve")

    assert (status, again["state"]) == (202, "queued")
    assert len([name for name in stage.fakes.workflows.started if name.startswith(proposed)]) == 1


def test_a_developer_cannot_approve_or_reject(stage: Stage, developer: Client, proposed: str) -> None:
    assert decide(developer, stage, proposed, "approve")[0] == 403
    assert decide(developer, stage, proposed, "reject")[0] == 403
    assert stage.read(proposed)["state"] == "awaiting_approval"


def test_a_rejected_proposal_has_ended_and_cannot_be_approved(stage: Stage, proposed: str) -> None:
    status, rejected = decide(stage.api, stage, proposed, "reject")

    assert (status, rejected["state"], rejected["ended"]) == (200, "cancelled", True)
    assert decide(stage.api, stage, proposed, "approve")[0] == 409


def test_whoever_proposed_may_withdraw(stage: Stage, developer: Client, proposed: str) -> None:
    withdrawn = developer.post(f"{stage.path}/deployments/{proposed}/abort")

    assert (withdrawn.status, withdrawn.json["state"]) == (202, "cancelled")


@pytest.mark.parametrize("wish", ["promote", "pause", "resume"])
def test_a_proposal_can_not_be_steered(stage: Stage, proposed: str, wish: str) -> None:
    refused = stage.api.post(f"{stage.path}/deployments/{proposed}/{wish}")

    assert refused.status == 409
    assert "awaiting approval" in refused.json["detail"]


def test_an_approval_while_another_deployment_is_under_way_waits_its_turn(stage: Stage, proposed: str) -> None:
    active = stage.create()

    decide(stage.api, stage, proposed, "approve")

    service = stage.api.get(stage.path).json
    assert (service["active_deployment"], service["waiting_deployment"]) == (active["id"], proposed)
    assert proposed not in stage.fakes.workflows.started


def test_what_awaits_no_approval_can_be_neither_approved_nor_rejected(stage: Stage) -> None:
    made = stage.create()

    assert decide(stage.api, stage, made["id"], "approve")[0] == 409
    assert decide(stage.api, stage, made["id"], "reject")[0] == 409
    assert decide(stage.api, stage, "dep_00000000000000000000000000", "approve")[0] == 404


def test_a_rollback_in_production_waits_too_and_aborts_nothing_meanwhile(stage: Stage, developer: Client) -> None:
    stage.deploy()
    stage.deploy(digit="b")
    active = stage.create()

    proposed = developer.post(f"{stage.path}/rollback", {"release": 1})

    assert (proposed.status, proposed.json["state"]) == (201, "awaiting_approval")
    assert stage.read(active["id"])["requested"] is None


def test_in_staging_a_developer_needs_nobody(stage: Stage, developer: Client) -> None:
    developer.post("/v1/projects/hello/environments", {"name": "staging"})
    developer.post("/v1/projects/hello/environments/staging/services", {"name": "web"})
    path = stage.path.replace("/prod/", "/staging/")

    made = developer.post(f"{path}/deployments", {"source": stage.source(own=False)})

    assert (made.status, made.json["state"]) == (201, "queued")
    assert made.json["id"] in stage.fakes.workflows.started


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "{service}/config", {"set": {"A": "1"}}),
        ("DELETE", "{service}", None),
        ("POST", "/v1/projects/hello/environments", {"name": "live", "kind": "production"}),
        ("POST", "/v1/projects/hello/environments", {"name": "production"}),
    ],
)
def test_what_changes_production_for_good_is_refused_to_a_developer_with_a_remedy(
    stage: Stage, developer: Client, method: str, path: str, body: object
) -> None:
    refused = developer(method, path.format(service=stage.path), body)

    assert (refused.status, refused.json["code"]) == (403, "forbidden")
    assert "production" in refused.json["detail"]
    assert "Owner or Admin" in refused.json["remedy"]

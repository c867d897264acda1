"""Freeze windows: when no release begins, who may lift them, and who may deploy in spite of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.identity.service import Grant, Role
from tests.support.rollout import Stage
from tests.support.world import Client, Reply

PROD = "/v1/projects/hello/environments/prod"


def freeze(api: Client, *, begins: float | None = None, until: float = 3600, reason: str = "Holidays.") -> Reply:
    """Seconds from now."""
    now = api.fakes.clock()
    body: dict[str, Any] = {"until": (now + timedelta(seconds=until)).isoformat(), "reason": reason}
    if begins is not None:
        body["begins"] = (now + timedelta(seconds=begins)).isoformat()
    return api.post(f"{PROD}/freezes", body)


def deploy(stage: Stage, api: Client | None = None, **body: Any) -> Reply:
    return (api or stage.api).post(f"{stage.path}/deployments", {"source": stage.source(), **body})


def test_while_an_environment_is_frozen_no_release_begins_and_the_answer_says_until_when(stage: Stage) -> None:
    assert freeze(stage.api).status == 200

    refused = deploy(stage)

    assert refused.status == 409
    assert refused.json["detail"] == "Environment prod is frozen until 2026-01-02 04:04 UTC: Holidays."
    assert "--override-freeze" in refused.json["remedy"]
    assert stage.api.get(f"{stage.path}/deployments").json["items"] == []


@pytest.mark.parametrize(("begins", "until", "later", "status"), [(60, 120, 0, 201), (60, 120, 61, 409), (0, 120, 120, 201)])
def test_a_window_holds_from_its_beginning_to_its_end(
    stage: Stage, begins: float, until: float, later: float, status: int
) -> None:
    freeze(stage.api, begins=begins, until=until)
    stage.fakes.clock.sleep(later)

    assert deploy(stage).status == status


def test_a_rollback_is_never_frozen(stage: Stage) -> None:
    stage.deploy()
    stage.deploy(digit="b")
    freeze(stage.api)

    assert stage.api.post(f"{stage.path}/rollback", {}).status == 201


def test_who_may_lift_a_freeze_may_deploy_in_spite_of_it_and_that_is_told(stage: Stage) -> None:
    freeze(stage.api)

    made = deploy(stage, override_freeze=True)

    assert made.status == 201
    events = stage.api.get(f"{stage.path}/deployments/{made.json['id']}/timeline").json["items"]
    assert [each["message"] for each in events if each["kind"] == "freeze_overridden"] == [
        "The environment is frozen: Holidays."
    ]


def test_a_developer_may_neither_lift_a_freeze_nor_override_it(stage: Stage) -> None:
    freeze(stage.api)
    developer = Client(stage.fakes, grant=Grant(Role.DEVELOPER))

    assert developer("DELETE", f"{PROD}/freezes").status == 403
    assert deploy(stage, developer, override_freeze=True).status == 403
    assert deploy(stage, developer).status == 409


def frozen_in_the_queue(stage: Stage, **body: Any) -> str:
    """A deployment whose turn comes while its environment is frozen."""
    first, second = stage.create(), stage.create(**body)
    freeze(stage.api)
    stage.begin(first["id"])
    stage.built(first["id"])
    stage.run(first["id"])
    stage.finish(first["id"])
    return str(second["id"])


def test_one_whose_turn_comes_in_a_freeze_says_so_and_begins_when_it_is_over(stage: Stage) -> None:
    waits = frozen_in_the_queue(stage)
    held = stage.sweep(), stage.sweep()
    state = stage.read(waits)["state"]

    stage.fakes.clock.sleep(3600)

    assert (held, state, stage.sweep()) == ((0, 0), "queued", 1)
    assert stage.told(waits, "frozen") == [
        "It begins when the environment is no longer frozen, 2026-01-02 04:04 UTC: Holidays."
    ]
    assert waits in stage.fakes.workflows.started


def test_one_that_a_freeze_holds_begins_when_the_freeze_is_lifted(stage: Stage) -> None:
    waits = frozen_in_the_queue(stage)

    stage.api("DELETE", f"{PROD}/freezes")

    assert (stage.sweep(), waits in stage.fakes.workflows.started) == (1, True)


def test_one_that_a_freeze_holds_can_be_aborted(stage: Stage) -> None:
    waits = frozen_in_the_queue(stage)

    assert stage.api.post(f"{stage.path}/deployments/{waits}/abort").status == 202
    stage.sweep()
    stage.begin(waits)
    stage.finish(waits)

    assert stage.read(waits)["state"] == "cancelled"
    assert stage.api.get(stage.path).json["active_deployment"] is None


def test_what_was_asked_for_in_spite_of_a_freeze_is_not_held_by_it(stage: Stage) -> None:
    waits = frozen_in_the_queue(stage, override_freeze=True)

    assert waits in stage.fakes.workflows.started


def test_what_is_approved_in_a_freeze_begins_when_it_is_over(stage: Stage) -> None:
    developer = Client(stage.fakes, grant=Grant(Role.DEVELOPER))
    proposed = deploy(stage, developer).json
    freeze(stage.api)

    approved = [stage.api.post(f"{stage.path}/deployments/{proposed['id']}/approve").status for _ in range(2)]
    started = list(stage.fakes.workflows.started)
    stage.fakes.clock.sleep(3600)
    stage.sweep()

    assert (proposed["state"], approved, started) == ("awaiting_approval", [202, 202], [])
    assert len(stage.told(proposed["id"], "frozen")) == 1
    assert list(stage.fakes.workflows.started) == [proposed["id"]]


def test_a_freeze_is_shown_and_lifted_and_added_once(stage: Stage) -> None:
    for _ in range(2):
        freeze(stage.api)
    shown = stage.api.get(PROD).json["freezes"]

    lifted = stage.api("DELETE", f"{PROD}/freezes")

    assert [each["reason"] for each in shown] == ["Holidays."]
    assert lifted.json["freezes"] == []
    assert deploy(stage).status == 201


@pytest.mark.parametrize(("begins", "until"), [(None, -1), (None, 0), (100, 50), (100, 100)])
def test_a_window_without_time_is_refused(stage: Stage, begins: float | None, until: float) -> None:
    refused = freeze(stage.api, begins=begins, until=until)

    assert refused.status == 422
    assert refused.json["errors"][0]["field"] == "until"


def test_there_are_at_most_twenty_windows_and_those_that_are_over_make_room(stage: Stage) -> None:
    for number in range(20):
        assert freeze(stage.api, begins=number, until=100 + number).status == 200
    full = freeze(stage.api, until=5000)
    stage.fakes.clock.sleep(200)

    assert full.status == 409
    assert freeze(stage.api, until=5000).status == 200
    assert len(stage.api.get(PROD).json["freezes"]) == 1

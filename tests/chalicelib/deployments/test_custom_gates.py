"""Gates on measurements of the user's own, from the app file to the verdict."""

from __future__ import annotations

from typing import Any

from chalicelib.platform.webhooks import Answer
from chalicelib.projects.service import ServiceSpec
from tests.support.rollout import SPEC, TASKS, Stage

HOOK = "https://example.com/smoke"
DEPTH = {"name": "depth", "query": 'max(depth{app="{{canary}}",then="{{ stable }}",ns="{{namespace}}"})', "max": 100}
SMOKE = {"name": "smoke", "webhook": HOOK}


def asking(*gates: dict[str, Any]) -> ServiceSpec:
    spec = SPEC.model_dump(mode="json", by_alias=True)
    spec["rollout"]["gates"]["custom"] = list(gates)
    return ServiceSpec.model_validate(spec)


def query(stage: Stage) -> str:
    """The query as it must reach the server."""
    namespace = next(key[1] for key, _ in stage.cluster.state().items() if key[0] == "Deployment")
    return f'max(depth{{app="web-r2",then="web-r1",ns="{namespace}"}})'


def reason(deployment: dict[str, Any]) -> str:
    return str(deployment["outcome"])


def test_a_value_over_its_limit_rolls_back_and_is_told(stage: Stage) -> None:
    stage.deploy()
    stage.fakes.metrics.values[query(stage)] = 120.0

    ended = stage.deploy(digit="b", spec=asking(DEPTH))

    assert ended["state"] == "rolled_back"
    assert reason(ended) == "depth is 120; at most 100 is allowed, broken 3 looks in a row."


def test_a_value_within_its_limit_lets_the_release_on(stage: Stage) -> None:
    stage.deploy()
    stage.fakes.metrics.values[query(stage)] = 99.0

    assert stage.deploy(digit="b", spec=asking(DEPTH))["state"] == "promoted"


def test_a_value_that_cannot_be_had_lets_nothing_on_and_says_why(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], asking(DEPTH), digit="b")
    stage.run(made["id"], until="Analyse")

    assert TASKS["Analyse"](stage.event(made["id"]), stage.ports()) == {"next": "Analyse"}
    verdict = stage.api.get(f"{stage.path}/deployments/{made['id']}/traffic").json["verdict"]
    assert verdict["decision"] == "inconclusive"
    assert verdict["reason"].startswith("depth is not known: Nobody knows max(depth")


def test_a_webhook_decides_and_is_told_what_it_is_asked_about(stage: Stage) -> None:
    stage.deploy()
    stage.fakes.webhooks.answers[HOOK] = Answer(False, "checkout is broken")

    ended = stage.deploy(digit="b", spec=asking(SMOKE))

    assert ended["state"] == "rolled_back"
    assert reason(ended) == "The webhook of smoke said no, 3 looks in a row: checkout is broken."
    url, question = stage.fakes.webhooks.asked[0]
    assert url == HOOK
    assert question == {
        "gate": "smoke",
        "deployment": ended["id"],
        "project": "hello",
        "environment": "prod",
        "service": "web",
        "release": 2,
        "stableRelease": 1,
        "phase": "analysing",
        "step": 0,
        "weight": 20,
    }


def test_an_advisory_webhook_says_no_and_the_release_goes_on(stage: Stage) -> None:
    stage.deploy()
    stage.fakes.webhooks.answers[HOOK] = Answer(False)

    ended = stage.deploy(digit="b", spec=asking({**SMOKE, "weight": "advisory"}))

    assert ended["state"] == "promoted"
    gates = stage.api.get(f"{stage.path}/deployments/{ended['id']}/evidence").json["items"][-1]["verdict"]["gates"]
    assert [(gate["name"], gate["outcome"]) for gate in gates][-1] == ("smoke", "fail")

"""State machines as they are synthesized."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.catalog import FUNCTIONS, STATE_MACHINES
from infra.settings import parse

STAGE: dict[str, Any] = {
    "region": "us-east-1",
    "data": {"protect": False},
    "cluster": {"apps_domain": "apps.example.com"},
    "alarms": {},
}


def resources(out: Path, *, tracing: bool) -> list[dict[str, Any]]:
    """The workflows alone, of functions that are already there."""
    pytest.importorskip("aws_cdk", reason="what synthesizes is installed by `make synth`")
    import aws_cdk as cdk

    from infra.stacks import new_app
    from infra.workflows import Workflows

    app = new_app(str(out))
    stack = cdk.Stack(app, "workflows")
    arn = "arn:aws:lambda:us-east-1:123456789012:function:"
    functions: Any = {each.name: SimpleNamespace(version_arn=f"{arn}{each.name}:1") for each in FUNCTIONS}
    settings = parse({**STAGE, "tracing": tracing}, "a test")
    Workflows(stack, "Workflows", machines=STATE_MACHINES, functions=functions, settings=settings)
    app.synth()
    return list(json.loads((out / "workflows.template.json").read_text())["Resources"].values())


@pytest.mark.slow
@pytest.mark.parametrize("tracing", [True, False])
def test_workflows_are_traced_where_the_stage_says_so(tmp_path: Path, tracing: bool) -> None:
    made = resources(tmp_path, tracing=tracing)

    machines = [each["Properties"] for each in made if each["Type"] == "AWS::StepFunctions::StateMachine"]
    policies = [json.dumps(each) for each in made if each["Type"] == "AWS::IAM::Policy"]

    assert [each["TracingConfiguration"]["Enabled"] for each in machines] == [tracing] * len(STATE_MACHINES)
    assert ["xray:" in each for each in policies] == [tracing] * len(STATE_MACHINES)

"""What judges whether a template upgrades without breaking what is under way; `make synth` puts it before every stage."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from infra.promises import unlogged, unpinned
from infra.sections import Release
from infra.shifts import Shift

KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
SOUND: dict[str, Any] = {
    "Function": {"Type": "AWS::Lambda::Function"},
    "Version": {"Type": "AWS::Lambda::Version", **KEPT},
    "Alias": {"Type": "AWS::Lambda::Alias", "DependsOn": ["Before"]},
    "Runner": {"Type": "AWS::Lambda::Alias"},
    "Before": {"Type": "Custom::CygniMigrations", "Properties": {"Phase": "before", "ServiceToken": {"Ref": "Runner"}}},
    "After": {
        "Type": "Custom::CygniMigrations",
        "DependsOn": ["Alias", "MachineAlias"],
        "Properties": {"Phase": "after", "ServiceToken": {"Ref": "Runner"}},
    },
    "Machine": {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"DefinitionString": {"Fn::Join": ["", ['{"Resource": "', {"Ref": "Version"}, '"}']]}},
    },
    "MachineVersion": {"Type": "AWS::StepFunctions::StateMachineVersion", **KEPT},
    "MachineAlias": {"Type": "AWS::StepFunctions::StateMachineAlias", "DependsOn": "Before"},
    "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": {"Target": {"Arn": {"Ref": "Alias"}}}},
    "Table": {"Type": "AWS::DynamoDB::GlobalTable", **KEPT, "DeletionPolicy": "RetainExceptOnCreate"},
    "Account": {"Type": "AWS::ApiGateway::Account", **KEPT, "DeletionPolicy": "RetainExceptOnCreate"},
    "Rule": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Arn": {"Ref": "Alias"}}]}},
    "Api": {
        "Type": "AWS::Serverless::Api",
        "DependsOn": "Account",
        "Properties": {
            "AccessLogSetting": {"DestinationArn": "arn:aws:logs:x:1:log-group:access"},
            "DefinitionBody": {
                "paths": {
                    "/v1": {
                        "get": {
                            "x-amazon-apigateway-integration": {
                                "uri": {"Fn::Sub": "arn:aws:lambda:x:1:function:cygni-api:live/invocations"}
                            }
                        }
                    }
                }
            },
        },
    },
}
LATEST = {"Fn::Sub": "arn:aws:lambda:x:1:function:cygni-api/invocations"}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The sound template with one thing otherwise."""
    resources = deepcopy(SOUND)
    inner: Any = resources
    *parents, name = path.split(">")
    for each in parents:
        inner = inner[each]
    inner[name] = value
    return {"Resources": resources}


def test_a_template_that_keeps_all_is_no_finding() -> None:
    assert unpinned({"Resources": SOUND}) == unlogged({"Resources": SOUND}) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("Machine>Properties>DefinitionString", {"Fn::Join": ["", [{"Ref": "Function"}]]}, "Function, which is no version"),
        ("Machine>Properties>DefinitionString", '"arn:aws:lambda:x:1:function:f"', "and no version of it"),
        ("Machine>Properties>DefinitionString", {"Fn::GetAtt": ["Machine", "Arn"]}, "Machine, which is no version"),
        ("Version>DeletionPolicy", "Delete", "Version is deleted"),
        ("MachineVersion>UpdateReplacePolicy", "Delete", "MachineVersion is deleted"),
        ("Table>DeletionPolicy", "Retain", "Table stays when the deploy that makes it fails"),
        ("Table>UpdateReplacePolicy", "Delete", "Table is deleted when it is replaced"),
        ("Schedule>Properties>Target", {"Arn": {"Fn::GetAtt": ["Function", "Arn"]}}, "Schedule invokes Function"),
        ("Rule>Properties>Targets", [{"Arn": {"Ref": "Version"}}], "Rule invokes Version"),
        ("Alias>DependsOn", [], "Alias does not wait"),
        ("MachineAlias>DependsOn", [], "MachineAlias does not wait"),
        ("After>DependsOn", ["Alias"], "waits for MachineAlias"),
        (
            "Api>Properties>DefinitionBody>paths>/v1>get>x-amazon-apigateway-integration>uri",
            LATEST,
            "get /v1 invokes what is deployed last",
        ),
    ],
)
def test_each_promise_that_is_broken_is_found(path: str, value: Any, said: str) -> None:
    (found,) = unpinned(changed(path, value))

    assert said in found


@pytest.mark.parametrize("path", ["Account>DeletionPolicy", "Api>DependsOn"])
def test_an_api_that_logs_before_it_may_or_takes_the_right_from_others_is_found(path: str) -> None:
    (found,) = unlogged(changed(path, "Nothing"))

    assert found.startswith(path.partition(">")[0])


def test_a_level_alone_is_logging_and_a_stage_that_does_not_log_waits_for_nobody() -> None:
    logging = {"MethodSettings": [{"HttpMethod": "*", "LoggingLevel": "ERROR"}]}
    silent = {"MethodSettings": [{"HttpMethod": "*", "LoggingLevel": "OFF"}]}

    for kind in ("AWS::Serverless::Api", "AWS::ApiGateway::Stage"):
        found = [unlogged({"Resources": {"Api": {"Type": kind, "Properties": told}}}) for told in (logging, silent)]
        assert [len(each) for each in found] == [1, 0]


def test_a_version_with_a_snapshot_may_go() -> None:
    template = changed("Function>Properties", {"SnapStart": {"ApplyOn": "PublishedVersions"}})
    template["Resources"]["Version"] = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}

    assert unpinned(template) == []


@pytest.mark.parametrize(
    ("name", "of_lambda"),
    [
        ("CANARY_10PERCENT_5MINUTES", "CodeDeployDefault.LambdaCanary10Percent5Minutes"),
        ("LINEAR_10PERCENT_EVERY_1MINUTE", "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"),
        ("LINEAR_10PERCENT_EVERY_10MINUTES", "CodeDeployDefault.LambdaLinear10PercentEvery10Minutes"),
    ],
)
def test_a_shift_has_the_name_that_codedeploy_gives_it(name: str, of_lambda: str) -> None:
    assert Shift.parse(Release(shift=name).shift).for_lambda == of_lambda


def test_at_once_is_no_gradual_shift() -> None:
    assert Shift.parse("ALL_AT_ONCE").at_once
    assert not Shift.parse("CANARY_10PERCENT_5MINUTES").at_once

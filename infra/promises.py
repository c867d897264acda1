"""What a template must keep so that Cygni upgrades itself without breaking what is under way. Pure.

1. A workflow names versions of functions and of workflows, never what is deployed last.
2. Versions outlive the deploy that replaces them, but for those with a snapshot, which is paid for and which no workflow names.
3. Whatever invokes from outside goes by an alias.
4. No alias moves before the migrations of its release that come before, and those that come after wait for every alias.
5. What outlives its stack is taken back when the deploy that makes it fails: else the next one finds its name taken.
6. An API that logs waits for the account's role to log by, which outlives the stack since it is every API's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from functions.catalog import RELEASE

Template = Mapping[str, Any]
_VERSIONS = ("AWS::Lambda::Version", "AWS::StepFunctions::StateMachineVersion")
_ALIASES = ("AWS::Lambda::Alias", "AWS::StepFunctions::StateMachineAlias")
_MIGRATIONS = "Custom::CygniMigrations"
_ACCOUNT = "AWS::ApiGateway::Account"
_KEPT_ONCE_MADE = "RetainExceptOnCreate"


def unpinned(template: Template) -> list[str]:
    """What of it is not kept."""
    resources = template.get("Resources", {})
    return [
        *(line for id_, each in resources.items() for line in _of_machine(template, id_, each)),
        *(
            f"{id_} is deleted when it is replaced"
            for id_, each in resources.items()
            if each["Type"] in _VERSIONS
            and not _has_snapshot(resources, each)
            and {each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")} != {"Retain"}
        ),
        *(line for id_, each in resources.items() for line in _of_caller(template, id_, each)),
        *_of_order(resources),
        *_of_what_stays(resources),
    ]


def unlogged(template: Template) -> list[str]:
    """The APIs of it that log, and that API Gateway would refuse in a region where no API has logged yet."""
    resources = template.get("Resources", {})
    roles = {id_ for id_, each in resources.items() if each["Type"] == _ACCOUNT}
    found = [f"{id_} is deleted with the stack" for id_ in roles if resources[id_].get("DeletionPolicy") != _KEPT_ONCE_MADE]
    for id_, each in resources.items():
        if _logs(each) and not roles & set(_waits_for(each)):
            found.append(f"{id_} logs, and waits for no {_ACCOUNT}")
    return found


def _logs(resource: Mapping[str, Any]) -> bool:
    told = resource.get("Properties", {})
    if resource["Type"] not in ("AWS::Serverless::Api", "AWS::ApiGateway::Stage"):
        return False
    levels = {each.get("LoggingLevel", "OFF") for each in told.get("MethodSettings", ())}
    return "AccessLogSetting" in told or bool(levels - {"OFF"})


def _of_what_stays(resources: Mapping[str, Any]) -> Iterator[str]:
    for id_, each in resources.items():
        if each["Type"] in _VERSIONS:
            continue  # they go with their function or workflow
        kept, replaced = each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")
        if kept == "Retain":
            yield f"{id_} stays when the deploy that makes it fails"
        elif kept == _KEPT_ONCE_MADE and replaced != "Retain":
            yield f"{id_} is deleted when it is replaced"


def _has_snapshot(resources: Mapping[str, Any], version: Mapping[str, Any]) -> bool:
    names = _referred(version.get("Properties", {}).get("FunctionName", ""))
    return any("SnapStart" in resources.get(name, {}).get("Properties", {}) for name in names)


def _of_machine(template: Template, id_: str, resource: Mapping[str, Any]) -> Iterator[str]:
    if resource["Type"] != "AWS::StepFunctions::StateMachine":
        return
    definition = resource["Properties"]["DefinitionString"]
    if ":function:" in json.dumps(definition) or ":stateMachine:" in json.dumps(definition):
        yield f"{id_} names a function or workflow, and no version of it"
    for name in _referred(definition):
        if _type(template, name) not in _VERSIONS and not name.startswith("AWS::"):
            yield f"{id_} names {name}, which is no version"


def _of_caller(template: Template, id_: str, resource: Mapping[str, Any]) -> Iterator[str]:
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Scheduler::Schedule":
        targets = [properties["Target"]["Arn"]]
    elif resource["Type"] == "AWS::Events::Rule":
        targets = [each["Arn"] for each in properties.get("Targets", ())]
    elif resource["Type"] == "AWS::Serverless::Api":
        yield from _of_routes(id_, properties.get("DefinitionBody", {}))
        return
    else:
        return
    for target in targets:
        names = list(_referred(target))
        if any(_type(template, name) in ("AWS::Lambda::Function", "AWS::Lambda::Version") for name in names):
            yield f"{id_} invokes {', '.join(names)}, and not its alias"


def _of_routes(id_: str, definition: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in definition.get("paths", {}).items():
        for method, operation in methods.items():
            uri = json.dumps(operation.get("x-amazon-apigateway-integration", {}).get("uri", ""))
            if ":function:" in uri and f":{RELEASE}/invocations" not in uri:
                yield f"{id_}: {method} {path} invokes what is deployed last, and not the alias"


def _of_order(resources: Mapping[str, Any]) -> Iterator[str]:
    asked = {id_: each for id_, each in resources.items() if each["Type"] == _MIGRATIONS}
    before = {id_ for id_, each in asked.items() if each["Properties"]["Phase"] == "before"}
    after = {id_: set(_waits_for(each)) for id_, each in asked.items() if each["Properties"]["Phase"] == "after"}
    runners = {name for each in asked.values() for name in _referred(each["Properties"]["ServiceToken"])}
    for id_, each in resources.items():
        if each["Type"] not in _ALIASES or id_ in runners:
            continue
        if not before & set(_waits_for(each)):
            yield f"{id_} does not wait for the migrations before it"
        if not any(id_ in waits for waits in after.values()):
            yield f"no migration after the release waits for {id_}"


def _waits_for(resource: Mapping[str, Any]) -> list[str]:
    given = resource.get("DependsOn", [])
    return [given] if isinstance(given, str) else list(given)


def _referred(value: Any) -> Iterator[str]:
    """Names of resources that a value refers to."""
    if isinstance(value, list):
        for each in value:
            yield from _referred(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name == "Ref":
                yield each
            elif name == "Fn::GetAtt":
                yield each[0] if isinstance(each, list) else each.partition(".")[0]
            else:
                yield from _referred(each)


def _type(template: Template, name: str) -> str:
    return str(template["Resources"].get(name, {}).get("Type", ""))

"""Templates with values in place of references, so that what reads policies can read them. Pure.

The account and region are stand-ins; a resource's ARN is made from its type and its name, as AWS would make it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

ACCOUNT, REGION = "123456789012", "us-east-1"
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
    "AWS::NoValue": "",
}
_HERE = f"{REGION}:{ACCOUNT}"
_ARNS = {
    "AWS::IAM::Role": ("RoleName", f"arn:aws:iam::{ACCOUNT}:role/{{}}"),
    "AWS::KMS::Key": ("", f"arn:aws:kms:{_HERE}:key/00000000-0000-0000-0000-000000000000"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{_HERE}:function:{{}}"),
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{_HERE}:{{}}"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::EKS::Cluster": ("Name", f"arn:aws:eks:{_HERE}:cluster/{{}}"),
    "AWS::Logs::LogGroup": ("LogGroupName", f"arn:aws:logs:{_HERE}:log-group:{{}}:*"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{_HERE}:{{}}"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", f"arn:aws:states:{_HERE}:stateMachine:{{}}"),
}
"""A type's property that holds its name, and the ARN that it goes into."""

Template = Mapping[str, Any]


def resolved(template: Template, value: Any) -> Any:
    """The value without references to its template; what cannot be known is the reference's own words."""
    if isinstance(value, list):
        return [resolved(template, each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, given),) = value.items()
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](template, given)
    return {key: resolved(template, each) for key, each in value.items()}


def _ref(template: Template, name: str) -> str:
    if name in _PSEUDO:
        return _PSEUDO[name]
    resource = template["Resources"].get(name, {})
    named, _ = _ARNS.get(resource.get("Type", ""), ("", ""))
    found = resource.get("Properties", {}).get(named)
    return str(resolved(template, found)) if found else name.lower()


def _get_att(template: Template, given: Any) -> str:
    name, attribute = given if isinstance(given, list) else given.split(".", 1)
    kind = template["Resources"].get(name, {}).get("Type", "")
    if attribute == "Arn" and kind in _ARNS:
        return _ARNS[kind][1].format(_ref(template, name))
    return f"{name}.{attribute}".lower()


def _sub(template: Template, given: Any) -> str:
    text, values = given if isinstance(given, list) else (given, {})

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name in values:
            return str(resolved(template, values[name]))
        return _get_att(template, name) if "." in name else _ref(template, name)

    return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", value, text)


_FUNCTIONS: dict[str, Any] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": lambda template, given: given[0].join(str(each) for each in resolved(template, given[1])),
    "Fn::ImportValue": lambda template, given: _imported(str(resolved(template, given))),
}


def _imported(name: str) -> str:
    """The ARN behind an export, whose name ends with the id and attribute of what is exported."""
    if "FnGetAttKey" in name:
        return _ARNS["AWS::KMS::Key"][1]
    return name.lower()


def policies(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy that a template gives a role: its logical id, and the document with values in it."""
    for id_, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            yield id_, resolved(template, properties["PolicyDocument"])
        for each in properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            yield id_, resolved(template, each["PolicyDocument"])

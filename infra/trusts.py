"""Whom the roles of a template trust: from outside AWS, and what those may do; and services of AWS. Pure.

1. A web identity is one subject of one audience: both are compared for equality, and neither is a pattern.
2. Its role may become the roles of the CDK bootstrap, each by its name, and may do nothing else.
3. A service that says for which account it acts assumes a role for this one alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.resolve import resolved

_SUBJECT = re.compile(r"repo:[^*?:/]+/[^*?:/]+:environment:[^*?:/]+")
_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/cdk-\w+-[a-z-]+-role-\d{12}-[a-z0-9-]+")

_SAY_FOR_WHOM = frozenset(f"{each}.amazonaws.com" for each in ("codebuild", "codedeploy", "lambda", "scheduler", "states"))
"""EC2, EKS, S3, API Gateway and flow logs are not known to say so."""

Template = Mapping[str, Any]


def too_open(template: Template) -> list[str]:
    """What of it is not kept."""
    found = []
    for id_, each in template.get("Resources", {}).items():
        trusted = [one for one in _trust(template, each) if "AssumeRoleWithWebIdentity" in str(one.get("Action"))]
        if trusted:
            found += [f"{id_} {line}" for one in trusted for line in _of_trust(one)]
            found += [f"{id_} {line}" for line in _of_rights(template, id_)]
    return found


def borrowable(template: Template) -> list[str]:
    """Roles of it that a service would assume on behalf of somebody else's account."""
    return [
        f"{id_} is assumed by {service} for whichever account"
        for id_, each in template.get("Resources", {}).items()
        for statement in _trust(template, each)
        for service in _services(statement["Principal"])
        if service in _SAY_FOR_WHOM and "aws:SourceAccount" not in statement.get("Condition", {}).get("StringEquals", {})
    ]


def _services(principal: Any) -> list[str]:
    found = principal.get("Service", []) if isinstance(principal, Mapping) else []
    return [found] if isinstance(found, str) else list(found)


def _trust(template: Template, resource: Mapping[str, Any]) -> list[dict[str, Any]]:
    if resource["Type"] != "AWS::IAM::Role":
        return []
    return list(resolved(template, resource["Properties"]["AssumeRolePolicyDocument"])["Statement"])


def _of_trust(statement: Mapping[str, Any]) -> Iterator[str]:
    conditions = statement.get("Condition", {})
    equal = {name.rpartition(":")[2]: value for name, value in conditions.get("StringEquals", {}).items()}
    if set(conditions) != {"StringEquals"} or set(equal) != {"aud", "sub"}:
        yield "compares with something else than one audience and one subject"
    if not _SUBJECT.fullmatch(str(equal.get("sub", ""))):
        yield f"trusts {equal.get('sub', 'every subject')}, which is no environment of one repository"
    if not isinstance(equal.get("aud"), str) or "*" in equal["aud"]:
        yield "takes tokens that are meant for somebody else"


def _of_rights(template: Template, role: str) -> Iterator[str]:
    properties = template["Resources"][role]["Properties"]
    if properties.get("ManagedPolicyArns") or properties.get("Policies"):
        yield "has policies beside the one that names what it may become"
    for each in template["Resources"].values():
        if each["Type"] == "AWS::IAM::Policy" and {"Ref": role} in each["Properties"].get("Roles", ()):
            for statement in resolved(template, each["Properties"]["PolicyDocument"])["Statement"]:
                yield from _of_statement(statement)


def _of_statement(statement: Mapping[str, Any]) -> Iterator[str]:
    if statement["Action"] != "sts:AssumeRole":
        yield f"may do {statement['Action']}"
    resources = statement["Resource"]
    for each in [resources] if isinstance(resources, str) else resources:
        if not _ROLE.fullmatch(each):
            yield f"may reach {each}, which is no role of the CDK bootstrap"

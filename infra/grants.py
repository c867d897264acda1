"""Statements of `rights.py` as policies of CDK's roles, each pattern with its reason beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.rights import Places, Statement


def places_of(stack: cdk.Stack) -> Places:
    """Where the things of a stack's account and region are."""
    return Places(stack.partition, stack.region, stack.account, bucket_name(stack.account, stack.region))


def bucket_name(account: str, region: str) -> str:
    """The bucket of sources, plans, results and logs in a region."""
    return f"cygni-{account}-{region}"


def role(
    scope: Construct,
    id_: str,
    *,
    service: str,
    source: str,
    statements: Iterable[Statement],
    name: str | None = None,
    description: str,
) -> iam.Role:
    """A role that a service assumes for one thing of this account, `source`: an ARN, or a pattern of one."""
    by = trusted(scope, service).with_conditions({"ArnLike": {"aws:SourceArn": source}})
    made = iam.Role(scope, id_, assumed_by=by, role_name=name, description=description)
    grant(made, statements)
    return made


def trusted(scope: Construct, service: str) -> iam.PrincipalBase:
    """A service that acts for this account: nobody else's may have it assume a role of ours, whose name is easily guessed."""
    own = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}}
    return iam.ServicePrincipal(service).with_conditions(own)


def grant(made: iam.Role, statements: Iterable[Statement]) -> None:
    """Gives a role statements as one policy, and tells cdk-nag why their patterns are there."""
    known = tuple(statements)
    policy = iam.Policy(made, "Rights", statements=[_rendered(each) for each in known], roles=[made])
    for each in known:
        for pattern in each.resources:
            if "*" in pattern or "?" in pattern:
                acknowledge(policy, f"AwsSolutions-IAM5[Resource::{readable(made, pattern)}]", each.because)


def _rendered(statement: Statement) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=statement.sid,
        actions=list(statement.actions),
        resources=list(statement.resources),
        conditions=statement.conditions or None,
    )


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """A finding of cdk-nag that is meant to be so. Raises ValueError without a reason."""
    if not reason:
        raise ValueError(f"{scope.node.path}: {rule} has no reason")
    cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))


def accept_lint(construct: Construct, rule: str, reason: str) -> None:
    """A finding of cfn-lint that is meant to be so. The template keeps the reason beside the rule."""
    resource = construct.node.default_child
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": [rule]}, "reason": reason})


def readable(scope: Construct, value: str) -> str:
    """A resource as cdk-nag writes it: references in pointed brackets, by the names that they have in the template."""
    found = cdk.Stack.of(scope).resolve(value)
    return "".join(_part(each) for each in _parts(found))


def _parts(value: object) -> Sequence[object]:
    if isinstance(value, dict) and "Fn::Join" in value:
        return list(value["Fn::Join"][1])
    return [value]


def _part(value: object) -> str:
    if isinstance(value, dict):
        ((kind, name),) = value.items()
        return f"<{name}>" if kind == "Ref" else f"<{'.'.join(name)}>" if kind == "Fn::GetAtt" else f"<{name}>"
    return str(value)

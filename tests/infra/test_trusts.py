"""What judges whom a role trusts from outside AWS; `make synth` puts it before every template."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from infra.settings import SettingsRefused, load, parse
from infra.trusts import borrowable, too_open
from tests.infra.test_settings import changed

ISSUER = "token.actions.githubusercontent.com"
SUBJECT = "repo:acme@12/cygni@34:environment:production"
BOOTSTRAP = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-x9-deploy-role-${AWS::AccountId}-eu-central-1"}


def template() -> dict[str, Any]:
    """A template whose role is trusted as it should be."""
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": {"Fn::GetAtt": ["GitHub", "Arn"]}},
        "Condition": {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": SUBJECT}},
    }
    becomes = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": [BOOTSTRAP]}
    return {
        "Resources": {
            "GitHub": {"Type": "AWS::IAM::OIDCProvider", "Properties": {}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}}},
            "Rights": {
                "Type": "AWS::IAM::Policy",
                "Properties": {"Roles": [{"Ref": "Role"}], "PolicyDocument": {"Statement": [becomes]}},
            },
        }
    }


def test_one_environment_of_one_repository_that_becomes_the_bootstraps_roles_is_no_finding() -> None:
    assert too_open(template()) == []


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}},
        {"StringEquals": {f"{ISSUER}:sub": SUBJECT}},
        {"StringLike": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": SUBJECT}},
        *(
            {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}}
            for subject in (
                "repo:acme/cygni:ref:refs/heads/main",
                "repo:acme/cygni:environment:*",
                "repo:acme/*:environment:prod",
                [SUBJECT, "repo:other/cygni:environment:production"],
            )
        ),
        {"StringEquals": {f"{ISSUER}:aud": "*", f"{ISSUER}:sub": SUBJECT}},
    ],
)
def test_a_trust_that_more_than_one_environment_meets_is_found(condition: dict[str, Any]) -> None:
    given = template()
    given["Resources"]["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] = condition

    assert too_open(given) != []


@pytest.mark.parametrize(
    "change",
    [
        {"Action": ["sts:AssumeRole", "iam:PassRole"]},
        {"Action": "sts:*"},
        {"Resource": "*"},
        {"Resource": [BOOTSTRAP, "arn:aws:iam::123456789012:role/cygni-api"]},
        {"Resource": "arn:aws:iam::123456789012:role/cdk-*"},
    ],
)
def test_a_right_beside_the_roles_of_the_bootstrap_is_found(change: dict[str, Any]) -> None:
    given = template()
    given["Resources"]["Rights"]["Properties"]["PolicyDocument"]["Statement"][0].update(deepcopy(change))

    assert too_open(given) != []


def test_a_managed_policy_of_such_a_role_is_found_and_roles_of_services_are_let_be() -> None:
    given = template()
    given["Resources"]["Role"]["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]
    service = {"Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    of_service = {"AssumeRolePolicyDocument": {"Statement": [service]}, "ManagedPolicyArns": ["x"]}
    given["Resources"]["OfService"] = {"Type": "AWS::IAM::Role", "Properties": of_service}

    assert [line.split()[0] for line in too_open(given)] == ["Role"]


def test_no_stage_that_is_shipped_for_use_trusts_a_repository_that_somebody_else_may_have() -> None:
    assert [load(stage).delivery for stage in ("dev", "staging", "prod")] == [None] * 3


@pytest.mark.parametrize("repository", ["acme", "acme/*", "*", "acme/cygni:ref:x", "acme@12/cygni", "acme/cygni@34", "a b/c"])
def test_a_repository_that_is_no_single_one_is_refused_by_its_setting(repository: str) -> None:
    with pytest.raises(SettingsRefused, match=r"delivery\.repository: "):
        parse(changed("delivery", {"repository": repository, "environment": "production"}), "prod.toml")


@pytest.mark.parametrize("repository", ["acme/cygni", "acme@12/cygni@34", "a-b/c.d_e"])
def test_a_repository_is_named_as_its_tokens_name_it(repository: str) -> None:
    given = parse(changed("delivery", {"repository": repository, "environment": "production"}), "prod.toml")

    assert given.delivery is not None
    assert given.delivery.repository == repository


def role_of(service: str, **condition: Any) -> dict[str, Any]:
    """A template with a role that a service may assume."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}, **condition}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}}}


def test_a_role_that_a_service_assumes_for_whichever_account_is_found() -> None:
    own = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    assert borrowable(role_of("states.amazonaws.com")) == ["Role is assumed by states.amazonaws.com for whichever account"]
    assert borrowable(role_of("states.amazonaws.com", Condition=own)) == []
    assert borrowable(role_of("ec2.amazonaws.com")) == []

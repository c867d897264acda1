"""Who deploys without a person: the workflow of one repository, in one of its environments, as a role of this account.

No key is kept anywhere: GitHub signs a token for the job, and AWS takes it for the role. The role may become the roles that
`cdk bootstrap` made, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.grants import grant
from infra.rights import Statement
from infra.sections import Delivery

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
_BECOMES = ("deploy", "file-publishing", "lookup")
"""Roles of the bootstrap, by what the CDK command does as them. That for images is left out: there are none to publish."""


class DeliveryStack(cdk.Stack):
    """The provider of GitHub's tokens, unless the account has it, and the workflow's role."""

    def __init__(self, scope: cdk.App, id_: str, *, delivery: Delivery, regions: Iterable[str], **more: Any) -> None:
        super().__init__(scope, id_, **more)
        provider = delivery.provider or self._build_provider()
        subject = f"repo:{delivery.repository}:environment:{delivery.environment}"
        made = iam.Role(
            self,
            "Role",
            role_name="cygni-delivery",
            description=f"Deploys Cygni from the environment {delivery.environment} of its repository.",
            assumed_by=iam.WebIdentityPrincipal(
                provider, {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}}
            ),
        )
        grant(made, [self._becomes(regions)])
        cdk.CfnOutput(self, "RoleArn", value=made.role_arn, description="AWS_ROLE of the environment's variables.")

    def _build_provider(self) -> str:
        made = iam.CfnOIDCProvider(self, "GitHub", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
        return str(made.attr_arn)

    def _becomes(self, regions: Iterable[str]) -> Statement:
        qualifier = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        prefix = f"arn:{self.partition}:iam::{self.account}:role/cdk-{qualifier}"
        roles = [f"{prefix}-{each}-role-{self.account}-{region}" for region in regions for each in _BECOMES]
        return Statement("BecomeTheRolesOfTheBootstrap", ("sts:AssumeRole",), tuple(roles))

"""API Gateway's role for logs, which is one setting for all APIs of the account in a region."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.grants import acknowledge

_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_KEPT = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


class GatewayAccount(Construct):
    """The role, and the setting that names it. Both outlive the stack, since other APIs of the account log by them, too."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        policy = f"arn:{cdk.Aws.PARTITION}:iam::aws:policy/{_POLICY}"
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="Writes the logs of all APIs of this region of the account.",
            managed_policies=[iam.ManagedPolicy.from_managed_policy_arn(self, "Push", policy)],
        )
        because = "API Gateway checks that the role has these rights, which reach every log: it serves all APIs of the account."
        acknowledge(role, f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_POLICY}]", because)
        role.apply_removal_policy(_KEPT)
        self.setting = apigateway.CfnAccount(self, "Setting", cloud_watch_role_arn=role.role_arn)
        self.setting.apply_removal_policy(_KEPT)

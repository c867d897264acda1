"""An EKS cluster that services run on: the door of one that is there, or the whole of one that is made.

Made of CloudFormation's own resources alone, so that synthesis needs no network and nothing of ours runs to make it. What is
installed into it comes by Helm, from `infra/helm` (`python -m infra.addons`): see ADR 24.
"""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from functions.catalog import FUNCTIONS
from infra.addons import GROUP
from infra.functions import log_group_of
from infra.grants import acknowledge
from infra.pairs import role_names
from infra.sections import Eks
from infra.settings import Settings

REACHES = "reach clusters"
_OF_CONTROL_PLANE = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
_OF_NODES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
_ADMIN = "AmazonEKSClusterAdminPolicy"


class ClusterStack(cdk.Stack):
    """The cluster, where one is made, and who is admitted to it."""

    def __init__(self, scope: Construct, id_: str, *, eks: Eks, key: kms.IKey, settings: Settings, **more: Any) -> None:
        super().__init__(scope, id_, **more)
        made = self._build(eks, key, settings) if eks.make else None
        for function in FUNCTIONS:
            if REACHES in function.rights:
                for role in role_names(function.name, settings):
                    self._admit(eks, made, role)
        for number, role in enumerate(eks.operators if eks.make else ()):
            self._admit_operator(eks, made, f"Operator{number}", role)
        if made is not None:
            cdk.CfnOutput(self, "Endpoint", value=made.attr_endpoint, description="For `cygni clusters add`.")

    def _admit(self, eks: Eks, made: aws_eks.CfnCluster | None, role: str) -> None:
        entry = aws_eks.CfnAccessEntry(
            self,
            "Admits" + "".join(part.capitalize() for part in role.split("-")),
            cluster_name=eks.name,
            principal_arn=f"arn:{self.partition}:iam::{self.account}:role/{role}",
            kubernetes_groups=[GROUP],
            type="STANDARD",
        )
        if made is not None:
            entry.add_resource_dependency(made)

    def _admit_operator(self, eks: Eks, made: aws_eks.CfnCluster | None, id_: str, role: str) -> None:
        policy = aws_eks.CfnAccessEntry.AccessPolicyProperty(
            policy_arn=f"arn:{self.partition}:eks::aws:cluster-access-policy/{_ADMIN}",
            access_scope=aws_eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
        )
        entry = aws_eks.CfnAccessEntry(
            self, id_, cluster_name=eks.name, principal_arn=role, access_policies=[policy], type="STANDARD"
        )
        if made is not None:
            entry.add_resource_dependency(made)

    def _build(self, eks: Eks, key: kms.IKey, settings: Settings) -> aws_eks.CfnCluster:
        network = self._build_network(eks, settings)
        control = self._build_role("ControlPlaneRole", "eks.amazonaws.com", _OF_CONTROL_PLANE)
        nodes = self._build_role("NodeRole", "ec2.amazonaws.com", _OF_NODES)
        enabled = aws_eks.CfnCluster.LoggingTypeConfigProperty
        kinds = ("api", "audit", "authenticator", "controllerManager", "scheduler")
        made = aws_eks.CfnCluster(
            self,
            "Cluster",
            name=eks.name,
            version=eks.version,
            role_arn=control.role_arn,
            resources_vpc_config=aws_eks.CfnCluster.ResourcesVpcConfigProperty(
                subnet_ids=[each.subnet_id for each in network.private_subnets],
                endpoint_private_access=True,
                endpoint_public_access=True,
                public_access_cidrs=list(eks.admits),
            ),
            access_config=aws_eks.CfnCluster.AccessConfigProperty(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            bootstrap_self_managed_addons=False,
            compute_config=aws_eks.CfnCluster.ComputeConfigProperty(
                enabled=True, node_pools=["general-purpose", "system"], node_role_arn=nodes.role_arn
            ),
            kubernetes_network_config=aws_eks.CfnCluster.KubernetesNetworkConfigProperty(
                elastic_load_balancing=aws_eks.CfnCluster.ElasticLoadBalancingProperty(enabled=True)
            ),
            storage_config=aws_eks.CfnCluster.StorageConfigProperty(
                block_storage=aws_eks.CfnCluster.BlockStorageProperty(enabled=True)
            ),
            encryption_config=[
                aws_eks.CfnCluster.EncryptionConfigProperty(
                    provider=aws_eks.CfnCluster.ProviderProperty(key_arn=key.key_arn), resources=["secrets"]
                )
            ],
            logging=aws_eks.CfnCluster.LoggingProperty(
                cluster_logging=aws_eks.CfnCluster.ClusterLoggingProperty(enabled_types=[enabled(type=each) for each in kinds])
            ),
            deletion_protection=settings.data.guarded,
            upgrade_policy=aws_eks.CfnCluster.UpgradePolicyProperty(support_type="STANDARD"),
        )
        kept = log_group_of(self, "ControlPlaneLog", f"/aws/eks/{eks.name}/cluster", settings)
        made.node.add_dependency(kept)  # EKS would make it, and keep what is in it for ever
        because = "Lambda has no address of its own to admit; every caller is a role that IAM and the cluster's RBAC know."
        acknowledge(made, "AwsSolutions-EKS1", because)
        metrics = aws_eks.CfnAddon(self, "MetricsServer", cluster_name=eks.name, addon_name="metrics-server")
        metrics.add_resource_dependency(made)
        return made

    def _build_network(self, eks: Eks, settings: Settings) -> ec2.Vpc:
        """Nodes have no address that is reached from outside; what they fetch goes through one gateway."""
        kept = log_group_of(self, "FlowLog", f"/cygni/{eks.name}/flows", settings)
        made = ec2.Vpc(
            self,
            "Network",
            max_azs=3,
            nat_gateways=1,
            restrict_default_security_group=False,
            flow_logs={"All": ec2.FlowLogOptions(destination=ec2.FlowLogDestination.to_cloud_watch_logs(kept))},
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24),
                ec2.SubnetConfiguration(name="Nodes", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=19),
            ],
        )
        for subnets, role in ((made.public_subnets, "elb"), (made.private_subnets, "internal-elb")):
            for each in subnets:  # EKS puts no load balancer where no tag says that it may
                cdk.Tags.of(each).add(f"kubernetes.io/role/{role}", "1")
        return made

    def _build_role(self, id_: str, service: str, policies: tuple[str, ...]) -> iam.Role:
        principal = iam.ServicePrincipal(service)
        made = iam.Role(self, id_, assumed_by=principal.with_session_tags() if service.startswith("eks") else principal)
        for each in policies:
            arn = f"arn:{self.partition}:iam::aws:policy/{each}"
            made.add_managed_policy(iam.ManagedPolicy.from_managed_policy_arn(self, f"{id_}{each}", arn))
            name = f"arn:<AWS::Partition>:iam::aws:policy/{each}"
            acknowledge(
                made, f"AwsSolutions-IAM4[Policy::{name}]", "EKS Auto Mode is run by AWS, with the rights AWS says it needs."
            )
        return made

"""The second region of a pair: what stands by there, and the alarm by which each region says that the other is away."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.builds import REPOSITORIES, BuildsStack
from infra.control_plane import ControlPlaneStack
from infra.data import ReplicaStack
from infra.settings import Settings

AWAY = "the other region does not answer"
"""What a function of a pair logs when it cannot read the other's copy: `chalicelib/platform/duty.py` says it."""
_WATCHER = "cygni-sweep"
"""The function that runs each minute in both regions, and so notices within one."""


def build_standby(app: cdk.App, replica: ReplicaStack, settings: Settings, *, env: cdk.Environment) -> None:
    """The stacks of the standby region: builds and the control plane, over the copied tables, bucket and secrets."""
    builds = BuildsStack(app, "cygni-builds-standby", key=replica.key, settings=settings, env=env)
    control_plane = ControlPlaneStack(app, "cygni-control-plane-standby", key=replica.key, settings=settings, env=env)
    watch_the_other(control_plane)
    copy_images(builds, settings.region)
    for stack in (builds, control_plane):
        stack.add_stack_dependency(replica)


def watch_the_other(stack: ControlPlaneStack) -> None:
    """An alarm when this region has not reached the other for five minutes."""
    seen = logs.CfnMetricFilter(
        stack,
        "OtherRegionAway",
        log_group_name=f"/aws/lambda/{_WATCHER}",
        filter_pattern=f'{{ $.message = "{AWAY}" }}',
        metric_transformations=[
            logs.CfnMetricFilter.MetricTransformationProperty(
                metric_namespace="Cygni", metric_name="OtherRegionAway", metric_value="1"
            )
        ],
    )
    seen.node.add_dependency(stack.functions)
    metric = cloudwatch.Metric(
        namespace="Cygni", metric_name="OtherRegionAway", period=cdk.Duration.minutes(1), statistic="Sum"
    )
    stack.alarms.add("OtherRegionAwayAlarm", f"{stack.region} does not reach the other region.", "failover", metric, periods=5)


def copy_images(scope: Construct, there: str) -> None:
    """Every image that is pushed here is copied to the other region's registry; what came as a copy is not copied on."""
    ecr.CfnReplicationConfiguration(
        scope,
        "CopyImages",
        replication_configuration={
            "rules": [
                {
                    "destinations": [{"region": there, "registryId": cdk.Stack.of(scope).account}],
                    "repositoryFilters": [{"filter": f"{REPOSITORIES}/", "filterType": "PREFIX_MATCH"}],
                }
            ]
        },
    )

"""The stacks of an installation, by how long what they hold lives."""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.builds import BuildsStack
from infra.cluster import ClusterStack
from infra.console import ConsoleStack
from infra.control_plane import ControlPlaneStack
from infra.data import DataStack, ReplicaStack
from infra.delivery import DeliveryStack
from infra.places import regions
from infra.regions import build_standby, copy_images, watch_the_other
from infra.settings import Settings

FLAGS = {
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,  # a bucket's log is written by its policy, not by legacy rights
    "@aws-cdk/aws-lambda:recognizeLayerVersion": True,  # a function with other libraries is another version
    "@aws-cdk/aws-lambda:recognizeVersionProps": True,
    "aws:cdk:disable-stack-trace": True,  # traces of the kernel's temporary files would be in the output, other ones each time
    "@aws-cdk/core:validateAgainstDefaultRules": True,  # what CloudFormation would refuse fails synthesis
}
"""How CDK behaves: said here and not in `cdk.json`, so that it is the same whoever runs the app."""


def new_app(outdir: str) -> cdk.App:
    """An app without stacks, which writes into a folder and tells nobody of it."""
    return cdk.App(analytics_reporting=False, tree_metadata=False, outdir=outdir, context=FLAGS)


def build(app: cdk.App, settings: Settings) -> None:
    """Adds the stacks, and the rules that judge them at synthesis."""
    here = cdk.Environment(account=settings.account, region=settings.region)
    data = DataStack(app, "cygni-data", settings=settings, env=here)
    if settings.replica_region:
        there = cdk.Environment(account=settings.account, region=settings.replica_region)
        replica = ReplicaStack(app, "cygni-replica", settings=settings, env=there)
        data.add_stack_dependency(replica)
        if settings.standby:
            build_standby(app, replica, settings, env=there)
    builds = BuildsStack(app, "cygni-builds", key=data.key, settings=settings, env=here)
    control_plane = ControlPlaneStack(app, "cygni-control-plane", key=data.key, settings=settings, env=here)
    if settings.standby:
        copy_images(builds, settings.standby.region)
        watch_the_other(control_plane)
    if settings.eks:
        cluster = ClusterStack(app, "cygni-cluster", eks=settings.eks, key=data.key, settings=settings, env=here)
        cluster.add_stack_dependency(control_plane)  # whose roles it admits
    if settings.console.make:
        ConsoleStack(app, "cygni-console", api=control_plane.api.address, settings=settings, env=here)
    if settings.delivery:
        DeliveryStack(app, "cygni-delivery", delivery=settings.delivery, regions=regions(settings), env=here)
    cdk.Tags.of(app).add("cygni", "control-plane")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))

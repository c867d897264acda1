"""The stacks of an installation, by how long what they hold lives."""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra.control_plane import ControlPlaneStack
from infra.data import DataStack, ReplicaStack
from infra.settings import Settings


def build(app: cdk.App, settings: Settings) -> None:
    """Adds the stacks, and the rules that judge them at synthesis."""
    here = cdk.Environment(account=settings.account, region=settings.region)
    data = DataStack(app, "cygni-data", settings=settings, env=here)
    if settings.data.replica_region:
        there = cdk.Environment(account=settings.account, region=settings.data.replica_region)
        replica = ReplicaStack(app, "cygni-replica", settings=settings, env=there)
        data.add_stack_dependency(replica)
    ControlPlaneStack(app, "cygni-control-plane", key=data.key, settings=settings, env=here)
    cdk.Tags.of(app).add("cygni", "control-plane")
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))

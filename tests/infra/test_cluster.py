"""The cluster of a stage, as it is synthesized: who is admitted, and what one that is made must have to be of use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functions.catalog import FUNCTIONS
from infra.addons import GROUP
from infra.settings import parse

GIVEN: dict[str, Any] = {
    "region": "us-east-1",
    "log_days": 30,
    "data": {"protect": True},
    "cluster": {"apps_domain": "apps.example.com"},
    "alarms": {},
}
OPERATOR = "arn:aws:iam::111111111111:role/operators"
MADE = {"name": "apps", "make": True, "operators": [OPERATOR]}
Resources = dict[str, Any]
pytestmark = pytest.mark.slow


def synthesized(eks: dict[str, Any], out: Path) -> Resources:
    """The stack of the cluster alone, by a stage's settings."""
    pytest.importorskip("aws_cdk", reason="what synthesizes is installed by `make synth`")
    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms

    from infra.cluster import ClusterStack
    from infra.stacks import new_app

    app, settings = new_app(str(out)), parse({**GIVEN, "eks": eks}, "a test")
    assert settings.eks is not None
    here = cdk.Environment(region=settings.region)
    key = kms.Key(cdk.Stack(app, "data", env=here), "Key")
    ClusterStack(app, "cluster", eks=settings.eks, key=key, settings=settings, env=here)
    app.synth()
    return dict(json.loads((out / "cluster.template.json").read_text())["Resources"])


def of_kind(resources: Resources, kind: str) -> list[Any]:
    return [each["Properties"] for each in resources.values() if each["Type"] == f"AWS::{kind}"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return synthesized(MADE, tmp_path_factory.mktemp("made"))


def admitted(resources: Resources) -> dict[str, list[str]]:
    """The groups of those who are in one, by their roles' names."""
    entries = [each for each in of_kind(resources, "EKS::AccessEntry") if "KubernetesGroups" in each]
    return {str(each["PrincipalArn"]["Fn::Join"][1][-1]).rpartition("/")[2]: each["KubernetesGroups"] for each in entries}


def test_a_cluster_that_is_there_is_opened_to_the_functions_that_reach_clusters_and_nothing_else_is_made(
    tmp_path: Path,
) -> None:
    resources = synthesized({"name": "ours"}, tmp_path)

    assert {each["Type"] for each in resources.values()} == {"AWS::EKS::AccessEntry"}
    assert admitted(resources) == {each.name: [GROUP] for each in FUNCTIONS if "reach clusters" in each.rights}
    assert {each["Type"] for each in of_kind(resources, "EKS::AccessEntry")} == {"STANDARD"}


def test_functions_have_no_policy_of_eks_in_one_that_is_made_and_only_operators_administer_it(made: Resources) -> None:
    entries = of_kind(made, "EKS::AccessEntry")
    (cluster,) = of_kind(made, "EKS::Cluster")

    assert [each["PrincipalArn"] for each in entries if "AccessPolicies" in each] == [OPERATOR]
    assert cluster["AccessConfig"] == {"AuthenticationMode": "API", "BootstrapClusterCreatorAdminPermissions": False}


def test_each_subnet_says_which_load_balancers_may_be_in_it(made: Resources) -> None:
    roles = [
        (each["MapPublicIpOnLaunch"], tag["Key"])
        for each in of_kind(made, "EC2::Subnet")
        for tag in each["Tags"]
        if tag["Key"].startswith("kubernetes.io/role/")
    ]

    assert len(roles) == len(of_kind(made, "EC2::Subnet"))
    assert set(roles) == {(True, "kubernetes.io/role/elb"), (False, "kubernetes.io/role/internal-elb")}


def test_its_logs_are_kept_as_long_as_the_stage_says_and_it_waits_for_the_one_that_eks_writes_to(made: Resources) -> None:
    kept = {each["LogGroupName"]: each["RetentionInDays"] for each in of_kind(made, "Logs::LogGroup")}
    (cluster,) = (each for each in made.values() if each["Type"] == "AWS::EKS::Cluster")

    assert kept == {"/aws/eks/apps/cluster": 30, "/cygni/apps/flows": 30}
    assert any(id_.startswith("ControlPlaneLog") for id_ in cluster["DependsOn"])


def test_nothing_runs_to_make_it(made: Resources) -> None:
    kinds = {each["Type"] for each in made.values()}

    assert {each for each in kinds if each.startswith(("AWS::Lambda", "Custom::", "AWS::CloudFormation::Custom"))} == set()

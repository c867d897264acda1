"""What is installed into a cluster fits what Cygni asks of it, and is installed by commands that may be run again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from chalicelib.platform.gateways import PRESETS, Asked
from chalicelib.platform.kubeport import KINDS
from chalicelib.platform.settings import Settings
from chalicelib.runtime.cluster_rules import KEDA_RIGHTS, RIGHTS, Right
from chalicelib.runtime.drift import WATCHED
from chalicelib.runtime.plan import ORDER, SHARED
from chalicelib.runtime.rules import GATEWAY_NAME, GATEWAY_NAMESPACE
from infra.addons import AUTO_MODE, GROUP, HELM, MANIFESTS, ROOT, charts, commands
from infra.sections import Eks
from infra.settings import load

CHARTS = charts()


def documents(name: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((ROOT / "infra" / "manifests" / name).read_text()) if each]


ROLE = next(each for each in documents("cygni-cluster-role.yaml") if each["kind"] == "ClusterRole")


def granted() -> set[Right]:
    return {
        Right(verb, group, resource)
        for rule in ROLE["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def on(kind: str, *verbs: str, below: str = "") -> set[Right]:
    """The verbs on a kind that Cygni knows, or on a subresource of it."""
    group = KINDS[kind].api_version.rpartition("/")[0]
    return {Right(verb, group, KINDS[kind].plural + below) for verb in verbs}


def used() -> set[Right]:
    """What the code does: releases are applied and deleted in the plan's order, drift is looked for in what is watched."""
    found = {right for kind in ORDER for right in on(kind, "get", "create", "patch")}  # a repair reads what it applies
    found |= {right for kind in {*ORDER} - SHARED | {"Namespace"} for right in on(kind, "delete")}
    found |= {right for kind in (*WATCHED, "CygniService") for right in on(kind, "list", "watch")}
    found |= on("CygniService", "get", "patch") | on("CygniService", "patch", below="/status")
    found |= on("ReferenceGrant", "create", "patch", "delete") | on("Event", "list", "create", "patch")
    return found | on("Pod", "list") | on("Pod", "get", below="/log") | on("Service", "get", below="/proxy")


def test_the_role_that_is_shipped_has_what_a_check_of_the_cluster_asks_for() -> None:
    assert {*RIGHTS, *KEDA_RIGHTS} <= granted()


def test_it_grants_what_cygni_does_and_nothing_else() -> None:
    assert sorted(map(str, granted() - used())) == []
    assert sorted(map(str, used() - granted())) == []


def test_it_is_bound_to_the_group_that_the_access_entries_name() -> None:
    (bound,) = (each for each in documents("cygni-cluster-role.yaml") if each["kind"] == "ClusterRoleBinding")

    assert bound["roleRef"]["name"] == ROLE["metadata"]["name"]
    assert bound["subjects"] == [{"kind": "Group", "name": GROUP, "apiGroup": "rbac.authorization.k8s.io"}]


def test_the_gateway_is_the_one_that_routes_name() -> None:
    (gateway,) = (each for each in documents("gateway.yaml") if each["kind"] == "Gateway")

    assert (gateway["metadata"]["name"], gateway["metadata"]["namespace"]) == (GATEWAY_NAME, GATEWAY_NAMESPACE)


def test_its_proxies_are_in_the_namespace_that_network_policies_let_in() -> None:
    values = yaml.safe_load((HELM / "envoy-gateway.yaml").read_text())
    parts = {each["kind"]: each for each in documents("gateway.yaml")}

    assert values["config"]["envoyGateway"]["provider"]["kubernetes"]["deploy"]["type"] == "GatewayNamespace"
    assert parts["EnvoyProxy"]["metadata"] == parts["Gateway"]["metadata"]
    assert parts["Gateway"]["spec"]["infrastructure"]["parametersRef"]["name"] == parts["EnvoyProxy"]["metadata"]["name"]


def test_every_chart_has_a_version_and_values_and_no_values_are_left_over() -> None:
    assert {path.stem for path in HELM.glob("*.yaml")} == {each.name for each in CHARTS}
    for each in CHARTS:
        assert isinstance(yaml.safe_load(each.values.read_text()), dict)
        assert each.version.lstrip("v").count(".") == 2
        assert each.chart.startswith("oci://") != bool(each.repository)


def test_keda_is_where_cygni_looks_for_it() -> None:
    assert {each.namespace for each in CHARTS if each.name in ("keda", "http-add-on")} == {Settings().keda_namespace}


def run(tmp_path: Path, *arguments: str, fails: str = "none") -> tuple[int, list[str], str]:
    """With programs that only note what they are asked, and of which one fails."""
    noted = tmp_path / "noted"
    for name in ("aws", "helm", "kubectl"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {noted}\ncase "$*" in *{fails}*) exit 3;; esac\n')
        program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "infra.addons", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, noted.read_text().splitlines() if noted.exists() else [], done.stdout + done.stderr


def test_without_being_told_to_run_it_only_shows(tmp_path: Path) -> None:
    code, noted, said = run(tmp_path)

    assert (code, noted) == (0, [])
    assert len(said.splitlines()) == len(CHARTS) + len(MANIFESTS) == len(list(commands()))


def test_it_installs_charts_first_and_then_what_is_of_their_kinds(tmp_path: Path) -> None:
    code, noted, _ = run(tmp_path, "--run")

    assert code == 0
    assert [line.split()[0] for line in noted] == ["helm"] * len(CHARTS) + ["kubectl"] * len(MANIFESTS)
    assert all("upgrade --install" in line for line in noted[: len(CHARTS)])


def test_it_stops_at_what_fails_and_says_that_it_may_be_run_again(tmp_path: Path) -> None:
    code, noted, said = run(tmp_path, "--run", fails="cert-manager")

    assert code == 3
    assert len(noted) == 2
    assert "run this again" in said


def test_the_cluster_of_a_stage_is_turned_to_first_and_gets_its_disks_and_policies_before_charts_that_need_them(
    tmp_path: Path,
) -> None:
    code, noted, _ = run(tmp_path, "full", "--run")

    assert code == 0
    assert noted[0] == "aws eks update-kubeconfig --name apps --region us-east-1"
    assert noted[1].endswith(AUTO_MODE)
    assert len(noted) == 2 + len(list(commands()))


def test_a_cluster_that_was_there_keeps_the_disks_that_it_has() -> None:
    given = load("full")
    there = given.model_copy(update={"eks": Eks(name="ours")})

    assert [each[0] for each in commands(there)][:2] == ["aws", "helm"]


def test_a_stage_without_a_cluster_is_refused_and_nothing_is_run(tmp_path: Path) -> None:
    code, noted, said = run(tmp_path, "dev", "--run")

    assert (code, noted) == (1, [])
    assert "eks is missing" in said


def test_the_disks_that_charts_ask_for_are_the_default_ones_of_a_cluster_that_is_made() -> None:
    parts = {each["kind"]: each for each in documents(AUTO_MODE)}
    disks, network = parts["StorageClass"], parts["ConfigMap"]

    assert disks["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert (disks["provisioner"], disks["parameters"]["encrypted"]) == ("ebs.csi.eks.amazonaws.com", "true")
    assert network["data"] == {"enable-network-policy-controller": "true"}


def test_the_gateway_that_is_shipped_counts_what_the_judge_asks_of_it() -> None:
    (proxy,) = [each for each in documents("gateway.yaml") if each["kind"] == "EnvoyProxy"]

    assert "envoy_cluster_endpoint_rq_" in PRESETS["envoy-gateway"].requests(Asked("shop-prod", "web-r3", 0.0))
    assert proxy["spec"]["telemetry"]["metrics"]["enablePerEndpointStats"] is True

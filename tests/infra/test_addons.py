"""What is installed into a cluster fits what Cygni asks of it, and is installed by commands that may be run again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.platform.kube import KINDS
from chalicelib.platform.settings import Settings
from chalicelib.runtime.cluster_rules import KEDA_RIGHTS, RIGHTS, Right
from chalicelib.runtime.rules import GATEWAY_NAME, GATEWAY_NAMESPACE
from infra.addons import HELM, MANIFESTS, ROOT, charts, commands

CHARTS = charts()


def documents(name: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((ROOT / "infra" / "manifests" / name).read_text()) if each]


ROLE = next(each for each in documents("cygni-cluster-role.yaml") if each["kind"] == "ClusterRole")


def may(verb: str, group: str, resource: str) -> bool:
    return any(verb in rule["verbs"] and group in rule["apiGroups"] and resource in rule["resources"] for rule in ROLE["rules"])


@pytest.mark.parametrize("right", [*RIGHTS, *KEDA_RIGHTS], ids=str)
def test_the_role_that_is_shipped_has_what_a_check_of_the_cluster_asks_for(right: Right) -> None:
    assert may(right.verb, right.group, right.resource)


@pytest.mark.parametrize("kind", KINDS)
def test_it_covers_each_kind_that_cygni_knows_and_grants_nothing_on_all(kind: str) -> None:
    group = KINDS[kind].api_version.rpartition("/")[0]

    assert may("list", group, KINDS[kind].plural)
    assert all("*" not in rule[part] for rule in ROLE["rules"] for part in ("verbs", "apiGroups", "resources"))


def test_the_gateway_is_the_one_that_routes_name() -> None:
    (gateway,) = (each for each in documents("gateway.yaml") if each["kind"] == "Gateway")

    assert (gateway["metadata"]["name"], gateway["metadata"]["namespace"]) == (GATEWAY_NAME, GATEWAY_NAMESPACE)


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
    for name in ("helm", "kubectl"):
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

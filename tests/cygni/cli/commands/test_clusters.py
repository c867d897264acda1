"""`cygni clusters`: registering, checking, placing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.platform.kubeauth import BearerToken, EksRole, EntraClient
from cygni.cli.exits import Exit
from tests.cygni.cli.conftest import Cli
from tests.fakes.api import FakeApi

SERVER = ("--server", "https://k8s.example.com")
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture
def ca(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "ca.crt").write_text(PEM)
    return "--ca", str(tmp_path / "ca.crt")


def add(cli: Cli, *given: str, stdin: str = "t0ken\n", code: int = 0) -> str:
    done = cli("clusters", "add", "far", "--kind", "token", *SERVER, "--credential", "-", *given, stdin=stdin)
    assert done.exit_code == code, done.stderr
    return done.stdout


def test_a_cluster_is_registered_and_checked_with_its_token_from_stdin(cli: Cli, api: FakeApi) -> None:
    shown = add(cli)

    assert "far is healthy. Kubernetes 1.34 answers." in shown
    assert "cygni clusters place far" in shown
    assert api.clusters.given[0].credential == BearerToken("t0ken")
    assert cli.document("clusters", "list")["items"][0]["health"] == "healthy"
    assert "https://k8s.example.com" in cli("clusters", "list").stdout


def test_eks_and_aks_say_what_they_are(cli: Cli, api: FakeApi, ca: tuple[str, str], tmp_path: Path) -> None:
    role = "arn:aws:iam::123456789012:role/cygni-cluster-a"
    eks = ("--kind", "eks", "--eks-cluster", "shop", "--region", "eu-west-1", "--role", role)
    directory = "72f988bf-86f1-41af-91ab-2d7cd011db47"
    (tmp_path / "secret").write_text("s\n")
    aks = ("--kind", "aks", "--tenant", directory, "--client", directory, "--credential", str(tmp_path / "secret"))

    assert cli("clusters", "add", "one", *SERVER, *ca, *eks).exit_code == 0
    assert cli("clusters", "add", "two", *SERVER, *ca, *aks).exit_code == 0

    assert [each.credential for each in api.clusters.given] == [
        EksRole("shop", "eu-west-1", role, "team_1"),
        EntraClient(directory, directory, "s"),
    ]


def test_what_a_kind_needs_and_what_it_does_not_have_are_named(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    for given, words in (
        (("--kind", "eks"), "needs --server, --ca, --eks-cluster, --region"),
        (("--kind", "token", *SERVER, "--credential", "-", "--role", "a"), "has no --role"),
        ((), "needs --kubeconfig"),
        (("--kubeconfig", str(tmp_path / "none")), "cannot be read"),
    ):
        done = cli("clusters", "add", "far", *given, stdin="")
        assert done.exit_code == Exit.USAGE
        assert words in " ".join(done.stderr.split())
    assert api.clusters.given == []


def test_a_cluster_that_is_not_well_fails_the_command_and_says_what_to_do(cli: Cli, api: FakeApi) -> None:
    api.clusters.health, api.clusters.found = "refused", "Grant Cygni's account in the cluster: patch secrets."

    assert "far is refused. Grant Cygni's account" in add(cli, code=Exit.UNHEALTHY)
    assert cli("clusters", "check", "far").exit_code == Exit.UNHEALTHY


def test_a_cluster_that_fell_silent_since_its_check_is_shown_so(cli: Cli, api: FakeApi) -> None:
    add(cli)
    since = datetime.now(UTC) - timedelta(minutes=4)
    api.clusters.clusters["far"] |= {"silent_since": since, "next_try": since + timedelta(minutes=5)}

    assert "silent for 4m" in cli("clusters", "list").stdout
    assert cli.document("clusters", "list")["items"][0]["health"] == "healthy"


def test_replacing_takes_the_newest_version(cli: Cli, api: FakeApi) -> None:
    add(cli)
    add(cli, "--replace", stdin="new")

    assert api.clusters.clusters["far"]["version"] == 2
    assert api.clusters.given[1].credential == BearerToken("new")


def test_an_environment_is_placed_and_taken_back(cli: Cli, api: FakeApi) -> None:
    api.add_service()
    add(cli)

    assert "prod of shop runs on far." in cli("clusters", "place", "far").stdout
    assert api.environments["shop", "prod"]["cluster"] == "far"
    assert "the installation's own cluster" in cli("clusters", "place", "--own").stdout
    assert api.environments["shop", "prod"]["cluster"] is None
    assert cli("clusters", "place").exit_code == Exit.USAGE


def test_removing_asks_first(cli: Cli, api: FakeApi) -> None:
    add(cli)

    assert cli("clusters", "remove", "far", stdin="n\n").exit_code == 1
    assert "far" in api.clusters.clusters
    assert cli("clusters", "remove", "far", "--yes").exit_code == 0
    assert "No cluster is registered" in cli("clusters", "list").stdout

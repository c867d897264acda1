from __future__ import annotations

from pathlib import Path

import pytest

from cygni.local.controlplane import commands
from cygni.local.controlplane.commands import Plan, Ports

PLAN = Plan(Path("/state"), Ports(6443, 2379, 2380))


@pytest.mark.parametrize("program", [commands.etcd, commands.api_server])
def test_what_listens_listens_on_loopback_with_tls(program) -> None:
    told = program(PLAN)
    addresses = [each for each in told if "://" in each and "issuer" not in each]

    assert all("https://127.0.0.1" in each for each in addresses)
    assert not any("0.0.0.0" in each for each in told)


def test_the_api_server_admits_nobody_without_a_token() -> None:
    told = commands.api_server(PLAN)

    assert "--anonymous-auth=false" in told
    assert "--authorization-mode=RBAC" in told
    assert "--bind-address=127.0.0.1" in told


def test_etcd_answers_only_those_whose_certificate_the_authority_has_signed() -> None:
    assert {"--client-cert-auth=true", "--peer-client-cert-auth=true"} <= set(commands.etcd(PLAN))


@pytest.mark.parametrize("program", [commands.controller_manager, commands.scheduler])
def test_controllers_and_scheduler_listen_on_nothing(program) -> None:
    assert "--secure-port=0" in program(PLAN)


def test_a_controller_that_is_not_to_run_is_taken_out() -> None:
    told = commands.controller_manager(Plan(PLAN.folder, PLAN.ports, ("endpointslice-controller",)))

    assert [each for each in told if each.startswith("--controllers=*,") and each.endswith(",-endpointslice-controller")]

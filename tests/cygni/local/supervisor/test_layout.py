from __future__ import annotations

import json
import socket
import stat
from dataclasses import asdict
from pathlib import Path

from cygni.local.freeports import HIGHEST, LOWEST
from cygni.local.supervisor.layout import API_PORT, APPS_PORT, Layout


def test_ports_stay_the_same_over_a_restart(tmp_path: Path) -> None:
    layout = Layout(tmp_path)

    first, _ = layout.ports(api=None, apps=None)
    second, said = layout.ports(api=None, apps=None)

    assert first == second
    assert said == []


def test_a_taken_port_is_replaced_and_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ports, said = Layout(tmp_path).ports(api=port, apps=None)

    assert ports.api != port
    assert f"Port {port} is taken" in said[0]


def test_no_two_ports_are_alike(tmp_path: Path) -> None:
    ports, _ = Layout(tmp_path).ports(api=23456, apps=23456)

    assert len(set(asdict(ports).values())) == len(asdict(ports)) == 6


def test_a_cloud_from_before_there_was_an_identity_provider_gets_a_port_for_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first, _ = layout.ports(api=None, apps=None)
    older = {name: port for name, port in asdict(first).items() if name != "idp"}
    layout.ports_file.write_text(json.dumps(older))

    second, said = layout.ports(api=None, apps=None)

    assert {name: port for name, port in asdict(second).items() if name != "idp"} == older
    assert second.idp not in older.values()
    assert said == []


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path)

    key = layout.secret(layout.admin_key, "cyg_")

    assert key.startswith("cyg_")
    assert len(key) >= 47
    assert layout.secret(layout.admin_key, "cyg_") == key
    assert stat.S_IMODE(layout.admin_key.stat().st_mode) == 0o600


def test_a_wish_for_zero_is_one_for_any_port_but_the_usual_ones_and_stays_what_it_became(tmp_path: Path) -> None:
    first, said = Layout(tmp_path).ports(api=0, apps=0)
    second, _ = Layout(tmp_path).ports(api=0, apps=0)

    assert {first.api, first.apps}.isdisjoint({API_PORT, APPS_PORT})
    assert all(LOWEST <= port <= HIGHEST for port in (first.api, first.apps, first.aws))
    assert said == []
    assert second == first

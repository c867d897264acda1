from __future__ import annotations

import socket

import pytest

from cygni.local.node.ports import FIRST, LAST, Listener, PortAllocator, diagnose, port_variable, resolve
from cygni.local.node.spec import Container, Port, parse_pod
from tests.cygni.local.node.fake import container, pod

POD = parse_pod(pod())
TWO = Container("app", "image", ports=(Port("metrics", 9090), Port("http", 8080)))
MAPPING = {"9090": 20_009, "8080": 20_008}


def test_a_host_port_lies_below_those_the_kernel_gives_away() -> None:
    mapping = PortAllocator().allocate(POD, {})

    assert FIRST <= mapping["8080"] <= LAST


def test_two_pods_never_share_a_host_port() -> None:
    allocator = PortAllocator()

    ports = [allocator.allocate(POD, {})["8080"] for _ in range(50)]

    assert len(set(ports)) == 50


def test_a_pod_gets_back_the_port_it_had() -> None:
    before = PortAllocator().allocate(POD, {})

    assert PortAllocator().allocate(POD, before) == before


def test_a_port_that_somebody_listens_on_is_not_given_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert PortAllocator().allocate(POD, {"8080": port})["8080"] != port


def test_a_released_port_may_go_to_another_pod() -> None:
    allocator = PortAllocator()
    mapping = allocator.allocate(POD, {})
    allocator.release(mapping)

    assert allocator.allocate(POD, mapping) == mapping


def test_a_pod_that_insists_on_a_host_port_gets_it() -> None:
    fixed = parse_pod(pod("web", container(ports=[{"containerPort": 8080, "hostPort": 18080}])))

    assert PortAllocator().allocate(fixed, {}) == {"8080": 18080}


@pytest.mark.parametrize(("declared", "port"), [("9090", 20_009), ("8080", 20_008), ("1234", 20_008), (None, 20_008)])
def test_the_port_variable_means_the_declared_port_or_the_one_named_http(declared: str | None, port: int) -> None:
    assert port_variable(TWO, MAPPING, declared) == port


def test_a_container_without_ports_has_no_port_variable() -> None:
    assert port_variable(Container("app", "image"), {}, "8080") is None


@pytest.mark.parametrize(("port", "host"), [("http", 20_008), (8080, 20_008), ("9090", 20_009), (7000, 7000), ("nope", None)])
def test_a_probes_port_is_found_by_number_or_name(port: int | str, host: int | None) -> None:
    assert resolve(port, TWO, MAPPING) == host


@pytest.mark.parametrize(
    ("listeners", "reason", "message"),
    [
        ([], None, ""),
        ([Listener(20_001, "0.0.0.0")], None, ""),
        ([Listener(20_001, "::")], None, ""),
        ([Listener(20_001, "127.0.0.1"), Listener(20_001, "0.0.0.0")], None, ""),
        ([Listener(20_001, "0.0.0.0"), Listener(3000, "0.0.0.0")], None, ""),
        (
            [Listener(20_001, "127.0.0.1")],
            "LoopbackOnly",
            "listening on 127.0.0.1:20001 only, which cannot be reached from outside: listen on 0.0.0.0",
        ),
        (
            [Listener(20_001, "::1")],
            "LoopbackOnly",
            "listening on [::1]:20001 only, which cannot be reached from outside: listen on 0.0.0.0",
        ),
        (
            [Listener(3000, "0.0.0.0"), Listener(3000, "::")],
            "WrongPort",
            "listening on port 3000, but PORT is 20001: listen on 0.0.0.0 and on the port in the PORT variable",
        ),
        (
            [Listener(300, "127.0.0.1"), Listener(99, "0.0.0.0")],
            "WrongPort",
            "listening on 127.0.0.1:300 and port 99, but PORT is 20001: listen on 0.0.0.0 and on the port in the PORT variable",
        ),
    ],
)
def test_where_a_container_listens_tells_why_it_is_not_reached(
    listeners: list[Listener], reason: str | None, message: str
) -> None:
    found = diagnose(20_001, listeners, 20_001)

    assert (found.reason if found else None, found.message if found else "") == (reason, message)


def test_a_wrong_port_that_is_not_the_port_variables_is_named_by_number() -> None:
    found = diagnose(20_009, [Listener(3000, "0.0.0.0")], 20_001)

    assert found is not None
    assert found.message == "listening on port 3000, but it is wanted on port 20009: listen on 0.0.0.0:20009"

"""Ports: which one a container gets on this host, and what it means when it listens elsewhere.

Host ports are taken below the range from which the kernel hands out ephemeral ports, so that an outgoing connection
never takes one between its choice and its use, and by chance that nothing seeds, so that two nodes do not meet.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cygni.local.node.spec import Container, Pod

FIRST, LAST = 20_000, 29_999


class PortsExhausted(Exception):
    """No free host port was found."""


class PortAllocator:
    """Hands out host ports that nothing listens on, each to one pod at a time."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def allocate(self, pod: Pod, before: Mapping[str, int]) -> dict[str, int]:
        """A host port for each declared port of the pod, those of `before` (an earlier run of the pod) where still free."""
        mapping: dict[str, int] = {}
        for container in (*pod.init, *pod.containers):
            for port in container.ports:
                key = str(port.number)
                if key not in mapping:  # the same number may be declared for TCP and for UDP
                    mapping[key] = port.fixed or self._claim(before.get(key))
        return mapping

    def release(self, mapping: Mapping[str, int]) -> None:
        """The pod is gone: its ports may go to another."""
        self._taken.difference_update(mapping.values())

    def _claim(self, wanted: int | None) -> int:
        if wanted is not None and wanted not in self._taken and _free(wanted):
            self._taken.add(wanted)
            return wanted
        for _ in range(1000):
            port = FIRST + secrets.randbelow(LAST - FIRST + 1)
            if port not in self._taken and _free(port):
                self._taken.add(port)
                return port
        raise PortsExhausted(f"no free port between {FIRST} and {LAST}")


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port that only waits out old connections is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def port_variable(container: Container, mapping: Mapping[str, int], declared: str | None) -> int | None:
    """The host port that the PORT variable names: that of the port the manifest's PORT means, of `http`, or of the first."""
    if not container.ports:
        return None
    by_meaning = [port for port in container.ports if str(port.number) == declared]
    by_name = [port for port in container.ports if port.name == "http"]
    return mapping[str((by_meaning or by_name or list(container.ports))[0].number)]


def resolve(port: int | str, container: Container, mapping: Mapping[str, int]) -> int | None:
    """The host port that a probe's port (a number or a declared name) means, or None for an unknown name."""
    for declared in container.ports:
        if port in (declared.number, declared.name, str(declared.number)):
            return mapping[str(declared.number)]
    text = str(port)
    return int(text) if text.isdecimal() else None


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A listening socket."""

    port: int
    address: str

    @property
    def loopback(self) -> bool:
        """Whether only this host reaches it."""
        return ipaddress.ip_address(self.address.split("%")[0]).is_loopback

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a running container cannot be reached: `reason` is WrongPort or LoopbackOnly, `message` ends with the remedy."""

    reason: str
    message: str


def diagnose(port: int, listeners: Iterable[Listener], variable: int | None) -> Diagnosis | None:
    """What is wrong with where a container listens, when it is wanted on `port` and its PORT variable is `variable`."""
    found = sorted(set(listeners))
    here = [listener for listener in found if listener.port == port]
    if here and all(listener.loopback for listener in here):
        where = " and ".join(map(str, here))
        return Diagnosis("LoopbackOnly", f"listening on {where} only, which cannot be reached from outside: listen on 0.0.0.0")
    if here or not found:
        return None
    expected = f"PORT is {port}" if port == variable else f"it is wanted on port {port}"
    remedy = "listen on 0.0.0.0 and on the port in the PORT variable" if port == variable else f"listen on 0.0.0.0:{port}"
    return Diagnosis("WrongPort", f"listening on {_names(found)}, but {expected}: {remedy}")


def _names(found: list[Listener]) -> str:
    names = sorted({str(listener) if listener.loopback else f"port {listener.port}" for listener in found})
    return " and ".join(names)

"""Ports for processes that are about to start.

A port that the system gives out may be given to a connection of somebody else's before its process binds it. These are from
below the range that connections get theirs from, and chosen by chance, so that two clouds that start at once do not meet.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection

LOWEST, HIGHEST = 18_000, 31_999
"""Linux gives connections ports from 32768 on, other systems from 49152."""
_TRIES = 200


class NoFreePort(OSError):
    """Every port that was tried is taken."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a process could listen on a port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A port that nobody listens on, and that is not one of `taken`. Raises NoFreePort."""
    for _ in range(_TRIES):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if port not in taken and is_free(port):
            return port
    raise NoFreePort(f"No free port was found between {LOWEST} and {HIGHEST}.")

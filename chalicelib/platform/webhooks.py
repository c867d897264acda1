"""Asking an address of the user's own whether a rollout may go on.

The question is a POST of JSON; the answer is 200 with `{"pass": true}` or `{"pass": false}`, and a `reason` if it likes. What
a stranger wrote decides where the control plane connects to, so that:

1. The name is resolved once, every address it has must be a public one, and the connection goes to the address that was
   judged: neither the control plane's own network nor its metadata service can be reached, not by a name that changes either.
2. Only https is spoken, and no redirect is followed.
3. Time, size and what is taken of the answer are bounded.

Hosts that an installation names (`CYGNI_WEBHOOK_HOSTS`) are exempt from 1 and may be spoken to by http.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

TIMEOUT = 3.0
"""Seconds that connecting, and each wait for the answer, may take."""
DEADLINE = 5.0
"""Seconds after which a connection is cut, however much is still coming."""
_LIMIT = 64 * 1024
_REASON = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook said: yes, no, or None when that could not be learnt; with its reason, or ours."""

    passed: bool | None
    reason: str = ""


class Webhooks(Protocol):
    """Whom to ask."""

    def ask(self, url: str, question: Mapping[str, Any]) -> Answer:
        """Asks an address. Never raises: an answer that cannot be used is one without a verdict."""


class HttpWebhooks:
    """Asks over HTTP. `known_hosts` may be private, and spoken to without TLS."""

    def __init__(self, known_hosts: str = "") -> None:
        self._known = frozenset(host.strip().lower() for host in known_hosts.split(",") if host.strip())

    def ask(self, url: str, question: Mapping[str, Any]) -> Answer:
        """See Webhooks."""
        try:
            status, body = self._post(urlsplit(url), json.dumps(question).encode())
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(None, str(error) or type(error).__name__)
        if status != 200:
            return Answer(None, f"it answered with status {status}, not 200")
        try:
            answer = json.loads(body)
            passed, reason = answer["pass"], answer.get("reason", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            passed, reason = None, ""
        if not isinstance(passed, bool):
            return Answer(None, 'its answer is not JSON with "pass": true or false')
        return Answer(passed, printable(reason) if isinstance(reason, str) else "")

    def _post(self, parts: SplitResult, body: bytes) -> tuple[int, bytes]:
        host = (parts.hostname or "").lower()
        known = host in self._known
        if parts.scheme != "https" and not (known and parts.scheme == "http"):
            raise ValueError("its address does not begin with https://")
        if not host:
            raise ValueError("its address names no host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        wire = _connected(judged_address(host, port, known=known), port, parts.scheme, host)
        late = threading.Timer(DEADLINE, _cut, [wire])
        late.start()
        try:
            return _exchange(wire, host, port, parts, body)
        finally:
            late.cancel()
            wire.close()


def printable(text: str) -> str:
    """A stranger's text as one short line without control characters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _REASON else line[: _REASON - 1] + "…"


def _connected(address: str, port: int, scheme: str, host: str) -> socket.socket:
    """A connection to an address that was judged; with https to the holder of the host's certificate, once hands are shaken."""
    raw = socket.create_connection((address, port), TIMEOUT)
    if scheme == "http":
        return raw
    return ssl.create_default_context().wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)


def _exchange(wire: socket.socket, host: str, port: int, parts: SplitResult, body: bytes) -> tuple[int, bytes]:
    if isinstance(wire, ssl.SSLSocket):
        wire.do_handshake()
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    connection.sock = wire
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", path, body, {"Content-Type": "application/json", "User-Agent": "cygni", "Connection": "close"})
    answer = connection.getresponse()
    return answer.status, answer.read(_LIMIT)


def _cut(wire: socket.socket) -> None:
    with suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)


def judged_address(host: str, port: int, *, known: bool) -> str:
    """An address of a host that a stranger named. ValueError when one of them is not public, unless the host is `known`."""
    found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    for address in sorted(found):
        if not known and not ipaddress.ip_address(address.partition("%")[0]).is_global:
            raise ValueError(f"{host} has the address {address}, which is not a public one")
    return min(found)

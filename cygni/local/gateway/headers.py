"""Message heads, as bytes: what is passed on to the pod and to the client, and what the gateway adds. Pure.

Hop-by-hop fields, and those that `Connection` names, end here. Names keep the case and order they came in. What a client
says about who it is (`X-Forwarded-*`, `Forwarded`) is replaced unless the gateway was told to trust it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cygni.local.gateway.objects import HeaderChange

Fields = Sequence[tuple[bytes, bytes]]

_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_FORWARDED = frozenset((b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded"))
_REQUEST_DROP = _HOP | {b"content-length", b"expect"} | _FORWARDED
_RESPONSE_DROP = _HOP | {b"content-length", b"x-cygni-revision"}


class Framing(NamedTuple):
    """How a body is delimited: by a length, in chunks, or (neither) by nothing that follows."""

    length: int | None = None
    chunked: bool = False

    def fields(self) -> bytes:
        """The header lines that announce it."""
        if self.chunked:
            return b"Transfer-Encoding: chunked\r\n"
        return b"" if self.length is None else b"Content-Length: %d\r\n" % self.length


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent the request, as the gateway saw it: its address, the Host it asked for, and the request's id."""

    address: str
    host: bytes
    request_id: bytes
    has_id: bool
    trusted: bool


def request_head(
    target: bytes,
    method: bytes,
    fields: Fields,
    caller: Caller,
    framing: Framing,
    *,
    change: HeaderChange | None = None,
    connection: bytes = b"",
) -> bytes:
    """The head sent to the pod. `connection` is what goes into its `Connection` field, with `Upgrade` kept if it says so."""
    upgrade = connection == b"upgrade"
    dropped = _REQUEST_DROP | _named_in_connection(fields)
    kept = [
        (name, value) for name, value in fields if (lower := name.lower()) not in dropped or (upgrade and lower == b"upgrade")
    ]
    lines = [b"%b %b HTTP/1.1\r\n" % (method, target)]
    lines.extend(b"%b: %b\r\n" % each for each in (changed(kept, change) if change else kept))
    lines.append(_forwarded(fields, caller))
    if not caller.has_id:
        lines.append(b"X-Request-Id: %b\r\n" % caller.request_id)
    if connection:
        lines.append(b"Connection: %b\r\n" % connection)
    lines.append(framing.fields())
    lines.append(b"\r\n")
    return b"".join(lines)


def response_head(
    status: int,
    reason: bytes,
    fields: Fields,
    framing: Framing,
    *,
    change: HeaderChange | None = None,
    revision: str = "",
    request_id: bytes = b"",
    connection: bytes = b"",
) -> bytes:
    """The head sent to the client. `request_id` and `revision` are added where they are not empty."""
    upgrade = connection == b"upgrade"
    dropped = _RESPONSE_DROP | _named_in_connection(fields)
    kept = [
        (name, value) for name, value in fields if (lower := name.lower()) not in dropped or (upgrade and lower == b"upgrade")
    ]
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, reason)]
    lines.extend(b"%b: %b\r\n" % each for each in (changed(kept, change) if change else kept))
    if revision:
        lines.append(b"X-Cygni-Revision: %b\r\n" % revision.encode())
    if request_id and not any(name.lower() == b"x-request-id" for name, _ in fields):
        lines.append(b"X-Request-Id: %b\r\n" % request_id)
    if connection:
        lines.append(b"Connection: %b\r\n" % connection)
    lines.append(framing.fields())
    lines.append(b"\r\n")
    return b"".join(lines)


def changed(fields: Iterable[tuple[bytes, bytes]], change: HeaderChange) -> list[tuple[bytes, bytes]]:
    """The fields after a header modifier: removed, replaced, added to. Framing and hop-by-hop names are left alone."""
    put = {name: value for name, value in change.put if _modifiable(name)}
    gone = {name.encode() for name in change.remove if _modifiable(name)} | {name.encode() for name in put}
    kept = [(name, value) for name, value in fields if name.lower() not in gone]
    kept.extend((name.encode(), value.encode()) for name, value in put.items())
    kept.extend((name.encode(), value.encode()) for name, value in change.add if _modifiable(name))
    return kept


def _modifiable(name: str) -> bool:
    return name.encode() not in _RESPONSE_DROP


def _named_in_connection(fields: Fields) -> frozenset[bytes]:
    names = [value.lower() for name, value in fields if name.lower() == b"connection"]
    if not names:
        return frozenset()
    return frozenset(one.strip() for each in names for one in each.split(b",")) - {b"host"}


def _forwarded(fields: Fields, caller: Caller) -> bytes:
    said = {name.lower(): value for name, value in fields if name.lower() in _FORWARDED} if caller.trusted else {}
    before = said.get(b"x-forwarded-for")
    address = caller.address.encode()
    return b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b\r\n" % (
        b"%b, %b" % (before, address) if before else address,
        said.get(b"x-forwarded-proto", b"http"),
        said.get(b"x-forwarded-host", caller.host),
    )

"""Talking to sign-in providers: one JSON value asked for, one answered, and nothing trusted beyond that.

1. Only `https` with a certificate that holds; `http` for loopback hosts alone. No redirect is followed, no proxy used.
2. CONNECT_SECONDS to connect, READ_SECONDS for each read, WHOLE_SECONDS for all of it; at most LIMIT bytes.
3. What may pass later is ProviderUnavailable; a provider's no is ProviderRefused, with its own code as `reason`.
4. No error and no log has a query, a form, a header or an answer in it: all of them may hold secrets.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from chalicelib.platform.errors import ProviderRefused, ProviderUnavailable
from chalicelib.platform.strict import parse_array, parse_object
from chalicelib.platform.tracing import subsegment

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
WHOLE_SECONDS = 10.0
LIMIT = 256 * 1024
"""Bytes of an answer."""
_PIECE = 16 * 1024
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,2048}")
_REASON = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def get_json(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at an address. Raises ProviderUnavailable or ProviderRefused."""
    return _understood(*_ask("GET", url, None, headers or {}))


def get_list(url: str, headers: Mapping[str, str] | None = None) -> list[Any]:
    """The JSON array at an address. Raises ProviderUnavailable or ProviderRefused."""
    status, data, host = _ask("GET", url, None, headers or {})
    if status != HTTPStatus.OK:
        _understood(status, data, host)
    try:
        return parse_array(data)
    except ValueError:
        raise ProviderUnavailable(f"{host} answers with something that is not a JSON array.") from None


def post_form(url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object that a form is answered with. Raises ProviderUnavailable or ProviderRefused.

    An answer with an `error` (RFC 6749, section 5.2) is a refusal, whatever its status: some providers send 200 with it.
    """
    sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return _understood(*_ask("POST", url, urlencode(fields), sent))


def is_trusted(url: str, *, loopback: bool = True) -> bool:
    """Whether an address may be spoken to: `https`, or, with `loopback`, `http` on this very machine; no user, no fragment."""
    if not _PRINTABLE.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or "#" in url or "\\" in url:
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether a host name or address always means this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def _pool() -> PoolManager:
    import urllib3

    return urllib3.PoolManager(num_pools=16, maxsize=4, cert_reqs="CERT_REQUIRED", retries=False)


def _ask(method: str, url: str, body: str | None, headers: Mapping[str, str]) -> tuple[int, bytes, str]:
    """Status, body and host of an answer."""
    import urllib3

    if not is_trusted(url):
        raise ProviderRefused("The provider's address is not an https address.", remedy="Correct the provider's settings.")
    host = urlsplit(url).netloc
    # An answer that is not packed cannot unpack to more than its size.
    sent = {"Accept": "application/json", "User-Agent": "cygni", "Accept-Encoding": "identity", **headers}
    deadline = time.monotonic() + WHOLE_SECONDS
    try:
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        with (
            subsegment(host, method),
            _pool().request(
                method, url, body=body, headers=sent, timeout=timeout, redirect=False, preload_content=False
            ) as answer,
        ):
            return answer.status, _whole(answer, host, deadline), host
    except (urllib3.exceptions.HTTPError, ValueError) as error:  # ValueError: a header that HTTP cannot carry
        raise ProviderUnavailable(f"{host} does not answer ({type(error).__name__}).") from None


def _whole(answer: BaseHTTPResponse, host: str, deadline: float) -> bytes:
    data = bytearray()
    while piece := answer.read1(_PIECE, decode_content=False):  # what has come, where `read` would wait for a whole piece
        data += piece
        if len(data) > LIMIT:
            raise ProviderUnavailable(f"{host} answers with more than {LIMIT} bytes.")
        if time.monotonic() > deadline:
            raise ProviderUnavailable(f"{host} does not come to an end within {WHOLE_SECONDS:g} s.")
    return bytes(data)


def _understood(status: int, data: bytes, host: str) -> dict[str, Any]:
    if status >= 500 or status == 429:
        raise ProviderUnavailable(f"{host} answers with status {status}.")
    if 300 <= status < 400:
        raise ProviderRefused(f"{host} sends elsewhere, which is not followed.", remedy="Correct the provider's settings.")
    try:
        value = parse_object(data)
    except ValueError:
        value = None
    reason = value.get("error") if value else None
    if status >= 400 or reason:
        code = reason if isinstance(reason, str) and _REASON.fullmatch(reason) else ""
        raise ProviderRefused(f"{host} says no: {code or f'status {status}'}.", reason=code)
    if value is None:
        raise ProviderUnavailable(f"{host} answers with something that is not a JSON object.")
    return value

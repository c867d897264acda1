"""Strict readings of two formats that Python's library reads loosely: base64url and JSON objects.

What two readers understand differently is where attacks begin, so that each text has one reading here, or none.
"""

from __future__ import annotations

import binascii
import json
from typing import Any, NoReturn

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")


def encode_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, appendix C)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE).decode()


def decode_base64url(text: bytes) -> bytes:
    """The bytes of a text in base64url without padding. Raises ValueError.

    Only the text that `encode_base64url` would write is read: no padding, no other alphabet, no white space, and no bits
    left over at the end.
    """
    # What has no place in base64url is turned into what has none in base64, so that the strict reading refuses it.
    standard = text.translate(_STANDARD) + b"=" * (-len(text) % 4)
    data = binascii.a2b_base64(standard, strict_mode=True)
    # Bits can be left over in the last four characters only.
    if binascii.b2a_base64(data[len(data) - 1 - (len(data) - 1) % 3 :], newline=False) != standard[-4:]:
        raise ValueError("not base64url without padding")
    return data


def parse_object(data: bytes | str) -> dict[str, Any]:
    """The JSON object (RFC 8259) that is the whole of `data`. Raises ValueError.

    A name that occurs twice, `NaN`, `Infinity`, and text that UTF-8 cannot write are refused. What was read is in no error.
    """
    value = _parse(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def parse_array(data: bytes | str) -> list[Any]:
    """The JSON array that is the whole of `data`, read as `parse_object` reads. Raises ValueError."""
    value = _parse(data)
    if not isinstance(value, list):
        raise ValueError("not a JSON array")
    return value


def _parse(data: bytes | str) -> Any:
    try:
        text = (data if isinstance(data, str) else data.decode()).strip(" \t\n\r")
        value, end = _decoder.raw_decode(text)
        if end != len(text):
            raise ValueError("there is more after its end")
        if "\\u" in text:  # an escape can spell half of a surrogate pair, which no store and no log can write
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not strict JSON: {_why(error)}") from None
    return value


def _why(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return "not UTF-8" if isinstance(error, UnicodeError) else str(error)


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a name occurs twice in a JSON object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)

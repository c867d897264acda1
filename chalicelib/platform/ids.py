"""Ids: ULIDs with a type prefix (`dep_01J…`): sortable by time, safe in URLs, names and keys.

The format is the ULID specification's: 48 bits of Unix milliseconds, 80 bits of randomness, Crockford base 32.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime

NewId = Callable[[str], str]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PATTERN = re.compile(r"^[a-z]{2,8}_[0-7][0-9A-HJKMNP-TV-Z]{25}$")


def encode(milliseconds: int, entropy: int) -> str:
    """The 26 characters of a ULID for a time in Unix milliseconds and 80 bits of entropy."""
    value = (milliseconds << 80) | entropy
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def new_id(prefix: str, now: datetime) -> str:
    """A fresh id such as `dep_01JAZ…`; ids made later sort later."""
    return f"{prefix}_{encode(int(now.timestamp() * 1000), secrets.randbits(80))}"


def find_id(text: str) -> str:
    """The id at the end of a text such as `KEY#key_01J…`, or an empty string."""
    found = _PATTERN.match(text.rpartition("#")[2])
    return found.group() if found else ""


def tag_of(text: str) -> str:
    """What stands for an id where the whole is too long, such as in a host name: its end, which is random, in lower case."""
    return text.rpartition("_")[2][-10:].lower()


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` is a well-formed id of this type."""
    return text.startswith(prefix + "_") and _PATTERN.match(text) is not None

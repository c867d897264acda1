"""Matches that ask for a cookie: the one regular expression that routes may hold, since it is known, and never run as one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Cookies = tuple[tuple[str, str], ...]
_ASKED = re.compile(r"\^\(\.\*; \?\)\?(?P<name>[A-Za-z0-9_-]+)=(?P<value>[A-Za-z0-9_-]+)\(;\.\*\)\?\$")


def cookies_of(headers: Sequence[Mapping[str, Any]]) -> tuple[Cookies, list[Mapping[str, Any]]]:
    """The cookies that an HTTPRoute's header matches ask for, and the matches that ask for something else."""
    found: list[tuple[str, str]] = []
    others: list[Mapping[str, Any]] = []
    for each in headers:
        of_cookie = each["name"].lower() == "cookie" and each.get("type") == "RegularExpression"
        asked = _ASKED.fullmatch(each["value"]) if of_cookie else None
        if asked is not None:
            found.append((asked["name"], asked["value"]))
        else:
            others.append(each)
    return tuple(found), others


def carries(header: str, wanted: Cookies) -> bool:
    """Whether a request with this Cookie header ("" without one) has all these cookies."""
    given = {part.strip() for part in header.split(";")}
    return all(f"{name}={value}" in given for name, value in wanted)

"""Requests that always go to the canary: who tries a release before others get it marks them by a header or a cookie. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib.projects.rollout_spec import Pin


@dataclass(frozen=True, slots=True)
class Pinned:
    """Requests that always go to one release: those with this header, and those with this cookie; "" is none."""

    number: int
    header: str
    cookie: str
    value: str

    @classmethod
    def to(cls, number: int, pin: Pin) -> Pinned:
        """What an app file asks for, for this release."""
        return cls(number, pin.header or "", pin.cookie or "", pin.value)

    def matches(self) -> list[dict[str, Any]]:
        """Matches of an HTTPRoute, of which one is enough. A cookie is one of several in a header: only a pattern finds it."""
        found: list[dict[str, Any]] = []
        if self.header:
            found.append({"headers": [{"name": self.header, "value": self.value, "type": "Exact"}]})
        if self.cookie:
            pattern = cookie_pattern(self.cookie, self.value)
            found.append({"headers": [{"name": "Cookie", "value": pattern, "type": "RegularExpression"}]})
        return found


def cookie_pattern(name: str, value: str) -> str:
    """A regular expression, in RE2 as elsewhere, that matches a whole Cookie header in which this cookie is one."""
    return f"^(.*; ?)?{name}={value}(;.*)?$"


def pinned_rule(rule: Mapping[str, Any]) -> bool:
    """Whether a rule of a route is for pinned requests alone: it says nothing of the others' weights."""
    matches = rule.get("matches") or ()
    return bool(matches) and all(match.get("headers") for match in matches)

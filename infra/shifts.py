"""How callers move from one release to the next: a setting's words, and what AWS calls them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shift:
    """How traffic moves to a new version: `percent` of it first (or each time), and `minutes` until the rest (or the next)."""

    kind: str
    percent: int = 100
    minutes: int = 0

    @classmethod
    def parse(cls, name: str) -> Shift:
        """From a setting: ALL_AT_ONCE, CANARY_10PERCENT_5MINUTES, LINEAR_10PERCENT_EVERY_2MINUTES."""
        found = re.fullmatch(r"(CANARY|LINEAR)_(\d+)PERCENT_(?:EVERY_)?(\d+)MINUTES?", name)
        return cls(found.group(1), int(found.group(2)), int(found.group(3))) if found else cls(name)

    @property
    def at_once(self) -> bool:
        """Whether nothing is watched on the way."""
        return self.kind == "ALL_AT_ONCE"

    @property
    def for_lambda(self) -> str:
        """CodeDeploy's configuration of this name."""
        if self.kind == "CANARY":
            return f"CodeDeployDefault.LambdaCanary{self.percent}Percent{self.minutes}Minutes"
        every = f"{self.minutes}Minute{'s' if self.minutes > 1 else ''}"
        return f"CodeDeployDefault.LambdaLinear{self.percent}PercentEvery{every}"

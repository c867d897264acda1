"""What a judge makes of a rollout."""

from __future__ import annotations

from dataclasses import dataclass

ROLLED_BACK, HELD, PROMOTED = "rolled back", "held", "promoted"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `seconds` since the rollout began, if it was rolled back. `held`: left to a person."""

    end: str
    seconds: float | None = None
    why: str = ""

    @property
    def rolled_back(self) -> bool:
        """Whether it was rolled back."""
        return self.end == ROLLED_BACK

"""Where a service lives: the four names that every read and write of it carries, tenant first."""

from __future__ import annotations

from chalicelib.platform.frozen import dataclass


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A service by its tenant and the names in its path."""

    team: str
    project: str
    environment: str
    service: str

    def to_dict(self) -> dict[str, str]:
        """The key as the input of a workflow."""
        return {"team": self.team, "project": self.project, "environment": self.environment, "service": self.service}

    @classmethod
    def from_dict(cls, value: dict[str, str]) -> ServiceKey:
        """The key that `to_dict` wrote."""
        return cls(value["team"], value["project"], value["environment"], value["service"])

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}/{self.service}"

"""What a client may wish beside the object: who writes, for show only or for real, how strictly, how to delete."""

from __future__ import annotations

from dataclasses import dataclass, field

APPLY_PATCH = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)


@dataclass(frozen=True)
class WriteOptions:
    """Options of a create, update or patch. `warnings` collects what the client should hear although the write succeeds."""

    manager: str = "unknown"
    dry_run: bool = False
    validation: str = "Warn"
    subresource: str = ""
    force: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DeleteOptions:
    """Options of a delete. `grace` in seconds, None = the object's own; `propagation` is Background, Foreground or Orphan."""

    grace: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False

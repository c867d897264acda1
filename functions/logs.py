"""Reads instances' logs for the API, which does not load the Kubernetes client itself."""

from __future__ import annotations

from typing import Any

from chalicelib.platform.clock import iso
from chalicelib.projects.service import ServiceKey
from chalicelib.runtime import service as runtime
from functions.observed import observed
from functions.ports import rollout_ports


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A page of log lines as JSON-able values."""
    key = ServiceKey.from_dict(event)
    target = runtime.Target(key.team, key.project, key.environment, key.service)
    page = runtime.read_logs(
        rollout_ports(event).cluster, target, number=event.get("release"), cursor=event.get("cursor"), limit=event["limit"]
    )
    return {"items": [_line(line) for line in page.lines], "next_cursor": page.cursor}


def _line(line: runtime.LogLine) -> dict[str, Any]:
    release = int(line.revision.removeprefix("r"))
    return {"at": iso(line.at), "release": release, "instance": line.pod, "text": line.text}

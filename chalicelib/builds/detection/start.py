"""Where a start command comes from when the source says it itself: `start` in cygni.yaml, or the Procfile. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"^\s*([A-Za-z0-9_-]+)\s*:\s*(.+?)\s*$")


@dataclass(frozen=True, slots=True)
class Start:
    """A shell command and where it was read: `Procfile web`, `package.json scripts.start`, `convention: app.py`."""

    command: str
    origin: str


def procfile(text: str | None) -> dict[str, str]:
    """Process name → command. Blank lines, comments and lines of another form are passed over."""
    lines = (_LINE.match(line) for line in (text or "").splitlines() if not line.lstrip().startswith("#"))
    return {match.group(1): match.group(2) for match in lines if match}


def declared(start: str | None, procfile_text: str | None, service: str) -> Start | None:
    """What the source says: `start`, else the Procfile's line of the service's name, else its `web` if it is the only one."""
    if start:
        return Start(start.strip(), "cygni.yaml start")
    processes = procfile(procfile_text)
    if service in processes:
        return Start(processes[service], f"Procfile {service}")
    if processes.keys() - {"release"} == {"web"}:
        return Start(processes["web"], "Procfile web")
    return None

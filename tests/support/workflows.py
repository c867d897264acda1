"""The workflows of .github, read as what they are: jobs, steps, and what these make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {".venv/.infra"}
_MAKE = re.compile(r"(?<![\w./-])make ((?:[a-z./-]+ ?)+)")


@cache
def read(path: Path) -> dict[str, Any]:
    """A YAML file."""
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def jobs_of(name: str) -> dict[str, Any]:
    """The jobs of one workflow."""
    found: dict[str, Any] = read(FOLDER / name)["jobs"]
    return found


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """All jobs, each with its workflow and its name."""
    for path in WORKFLOWS:
        for name, job in jobs_of(path.name).items():
            yield path.name, name, job


def steps() -> Iterator[dict[str, Any]]:
    """The steps of all jobs."""
    for _, _, job in jobs():
        yield from job.get("steps", ())


def heard(path: Path) -> dict[str, Any]:
    """The events that start a workflow. YAML 1.1 takes `on` for a truth."""
    loaded: dict[Any, Any] = read(path)
    return dict(loaded[True])


def asked(script: str) -> list[str]:
    """What a script makes, in its order."""
    return [word for found in _MAKE.findall(re.sub(r"#.*", "", script)) for word in found.split()]


def made_by(job: dict[str, Any]) -> list[str]:
    """What a job makes, in its order."""
    return [target for step in job.get("steps", ()) for target in asked(step.get("run", ""))]

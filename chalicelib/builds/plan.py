"""A build plan: how one service's source becomes an image, as frozen data.

The same plan is rendered to a Dockerfile for Kaniko and carried out by the embedded cloud's builder. It is made by
`rules.plan`, stored as JSON, and named by its digest: an equal plan has an equal digest, on any machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What the source is. `dockerfile` is built as its author says; the rest are detected."""

    DOCKERFILE = "dockerfile"
    PYTHON = "python"
    NODE = "node"
    GO = "go"
    STATIC = "static"


class Manager(StrEnum):
    """What installs the dependencies; `none` when there are none to install."""

    NONE = "none"
    PIP = "pip"
    POETRY = "poetry"
    UV = "uv"
    NPM = "npm"
    PNPM = "pnpm"
    YARN = "yarn"
    GO = "go"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """How to build one service. Paths are relative to `context`, which is relative to the source's root.

    `runtime` is the language's `major.minor`, `constraint` what the source demands of it (`>=3.11`, empty when it does
    not say) and `runtime_origin` where that was read. `manifests` are the files that decide the dependencies: with
    them alone `install` is run, before the rest of the source is there; when there are none, `install` needs the whole source.
    `install` and `build` are shell commands, run in the context.
    `start` is a shell command; it is empty for a Dockerfile that has its own. `root` is the folder a static site is served
    from. `manager_package` is what npm installs to have a manager that Node does not bring (`pnpm@10`). `notes` are
    sentences for the person who deploys.
    """

    kind: Kind
    context: str = "."
    manager: Manager = Manager.NONE
    manager_package: str = ""
    runtime: str = ""
    constraint: str = ""
    runtime_origin: str = ""
    base_image: str = ""
    dockerfile: str = ""
    manifests: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    start: str = ""
    start_origin: str = ""
    root: str = ""
    notes: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The start command as an exec-form argument list, or nothing when the image's own is to be used."""
        return ("sh", "-c", shell_form(self.start)) if self.start else ()

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values; `from_dict` gives back an equal plan."""
        return {name: list(value) if isinstance(value, tuple) else str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BuildPlan:
        """The plan that `to_dict` described. A field that is missing has its default, an unknown one is a ValueError."""
        unknown = sorted(set(values) - {each.name for each in fields(cls)})
        if unknown:
            raise ValueError(f"a build plan has no field {', '.join(unknown)}")
        plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        plain["kind"] = Kind(values["kind"])
        plain["manager"] = Manager(values.get("manager", Manager.NONE))
        return cls(**plain)

    def digest(self) -> str:
        """`sha256:` and 64 hex digits of what is built. Notes and origins are talk, so they do not count."""
        talk = {"notes", "start_origin", "runtime_origin"}
        facts = {name: value for name, value in self.to_dict().items() if name not in talk}
        canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()

    def summary(self) -> str:
        """One line for a log: `Python 3.13 with pip; starts "gunicorn app:app" (Procfile web)`."""
        if self.kind is Kind.DOCKERFILE:
            return f"Dockerfile at {self.dockerfile}"
        name = {"python": "Python", "node": "Node", "go": "Go", "static": "static site"}[self.kind]
        tools = f" with {self.manager}" if self.manager not in {Manager.NONE, Manager.GO} else ""
        version = f" {self.runtime}" if self.kind is not Kind.STATIC else f" from {self.root}"
        start = f'; starts "{self.start}" ({self.start_origin})' if self.start else ""
        return f"{name}{version}{tools}{start}"


_COMPOUND = re.compile(r"[;&|()`\n]")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_SHELL_WORDS = frozenset(
    {
        "cd",
        "exec",
        "if",
        "for",
        "while",
        "until",
        "case",
        "export",
        "set",
        "unset",
        "source",
        ".",
        "eval",
        "{",
        "!",
        "trap",
        "ulimit",
        "umask",
    }
)


def shell_form(command: str) -> str:
    """`command` for `sh -c`, with `exec` before it where that is safe.

    With `exec` the service takes the shell's place and gets the signals itself, so that it can drain before it stops. A
    compound command keeps its shell.
    """
    command = command.strip()
    first = command.split(maxsplit=1)[0] if command else ""
    if not first or _COMPOUND.search(command) or first in _SHELL_WORDS:
        return command
    return f"exec env {command}" if _ASSIGNMENT.match(first) else f"exec {command}"

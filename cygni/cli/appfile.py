"""The local side of cygni.yaml: where it is and which names are in it. What it means, the API decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cygni.cli.errors import FieldFault, Usage

FILE_NAME = "cygni.yaml"


@dataclass(frozen=True, slots=True)
class AppFile:
    """A cygni.yaml: its path, its text, the project's name (empty if it has none) and its services' names in order."""

    path: Path
    text: str
    name: str
    services: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The folder that is deployed."""
        return self.path.parent


def find_app_file(folder: Path) -> Path | None:
    """The nearest cygni.yaml in the folder or above it, not looking beyond the repository's root."""
    for each in (folder, *folder.parents):
        if (each / FILE_NAME).is_file():
            return each / FILE_NAME
        if (each / ".git").exists():
            return None
    return None


def read_app_file(path: Path) -> AppFile:
    """The app file's names. Raises Usage, with the line, when it is not YAML; other faults are left to the API to name."""
    text = read_text(path)
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        faults = [_yaml_fault(error)]
        raise Usage(
            f"{path.name} is not valid YAML.",
            remedy="Correct the line, then try again.",
            fields=faults,
            detail=compile_report(path.name, text, faults),
        ) from None
    document = document if isinstance(document, dict) else {}
    services = document.get("services")
    names = tuple(str(each) for each in services) if isinstance(services, dict) else ()
    name = document.get("name")
    return AppFile(path, text, name if isinstance(name, str) else "", names)


def read_text(path: Path) -> str:
    """The text of an app file. Raises Usage when it cannot be read."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path} cannot be read: {error}", remedy="Make it a readable text file in UTF-8.") from None


def choose_service(app: AppFile, asked: str | None) -> str:
    """The service that is meant: the one asked for, the only one, or `web`. Raises Usage when that is not clear."""
    known = ", ".join(app.services)
    if asked is not None:
        if app.services and asked not in app.services:
            raise Usage(f"{FILE_NAME} declares no service {asked!r}.", remedy=f"Name one of these with --service: {known}.")
        return asked
    if len(app.services) == 1:
        return app.services[0]
    if not app.services or "web" in app.services:
        return "web"
    raise Usage(f"{FILE_NAME} declares several services.", remedy=f"Name one with --service: {known}.")


def suggest_name(folder: Path) -> str:
    """A project name made of a folder's name: lower case, single hyphens, 30 characters at most."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in folder.name.lower())
    words = "-".join(word for word in kept.split("-") if word).lstrip("0123456789-")
    return words[:30].rstrip("-") or "app"


def compile_report(file_name: str, text: str, faults: Sequence[FieldFault]) -> str:
    """The faults of an app file the way a compiler prints them: place, what is wrong, the line itself, what to write."""
    lines = text.splitlines()
    blocks = []
    for fault in sorted(faults, key=lambda each: (each.line or 0, each.column or 0)):
        place = ":".join(str(part) for part in (file_name, fault.line, fault.column) if part is not None)
        named = f"{fault.field}: " if fault.field else ""
        block = [f"{place}: {named}{fault.message}"]
        if fault.line is not None and 1 <= fault.line <= len(lines):
            block.append(f"{fault.line:>5} | {lines[fault.line - 1]}")
            if fault.column is not None:
                block.append(f"      | {' ' * (fault.column - 1)}^")
        if fault.remedy:
            block.append(f"      = {fault.remedy}")
        blocks.append("\n".join(block))
    return "\n\n".join(blocks)


def _yaml_fault(error: Any) -> FieldFault:
    mark = getattr(error, "problem_mark", None)
    message = str(getattr(error, "problem", None) or "not valid YAML")
    return FieldFault("", message, line=mark.line + 1 if mark else None, column=mark.column + 1 if mark else None)

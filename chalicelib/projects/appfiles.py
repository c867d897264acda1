"""The app file's door: reading YAML is loaded when a file is read, and not with every function that knows projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.projects.spec import AppFile
from chalicelib.projects.starter import Starter


def parse(text: str) -> AppFile:
    """The app file that `text` holds. Raises AppFileRefused, which names every fault with its line."""
    from chalicelib.projects import appfile

    return appfile.parse(text)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `cygni.yaml`."""
    from chalicelib.projects import appfile_schema

    return appfile_schema.json_schema()


def default_text(name: str, services: Sequence[Starter]) -> str:
    """A commented `cygni.yaml` to begin with."""
    from chalicelib.projects import starter

    return starter.default_text(name, services)

"""Tells the `cygni` command where the embedded cloud is: the context `local` in its config file."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "local"


def config_path(environ: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME/cygni/config.toml`, by default `~/.config/cygni/config.toml`."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".config")
    return Path(base) / "cygni" / "config.toml"


def write_context(path: Path, *, url: str, token: str, apps_url: str) -> str | None:
    """Writes the context, keeping all others. Answers the current context when that is another one, which it stays.

    A file that cannot be read raises ValueError; it is left alone, since it may hold other clouds' tokens.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML ({error}). Correct it, or move it away.") from None
    contexts = document.setdefault("contexts", {})
    contexts[NAME] = {"url": url, "token": token, "apps_url": apps_url}
    current = document.setdefault("current", NAME)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_toml(document))
    draft.replace(path)
    return None if current == NAME else str(current)


def _toml(document: Mapping[str, Any]) -> str:
    """The document as TOML. Basic strings of TOML and JSON agree, so JSON writes the values."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in document.items() if key != "contexts"]
    for name, context in document["contexts"].items():
        lines += ["", f"[contexts.{json.dumps(name)}]", *(f"{key} = {json.dumps(value)}" for key, value in context.items())]
    return "\n".join(lines) + "\n"

"""Tells the `cygni` command where the embedded cloud is: the context `local` in its config file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from cygni.cli.configfile import write_config
from cygni.cli.settings import config_path

__all__ = ["NAME", "config_path", "write_context"]

NAME = "local"


def write_context(path: Path, *, url: str, token: str, apps_url: str, aws_url: str) -> str | None:
    """Writes the context, keeping all others. Answers the current context when that is another one, which it stays.

    A file that cannot be read raises ValueError; it is left alone, since it may hold other clouds' tokens.
    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML ({error}). Correct it, or move it away.") from None
    contexts = document.setdefault("contexts", {})
    contexts[NAME] = {"url": url, "token": token, "apps_url": apps_url, "aws_url": aws_url}
    current = document.setdefault("current", NAME)
    write_config(path, document)
    return None if current == NAME else str(current)

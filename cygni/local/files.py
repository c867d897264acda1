"""Secrets in files: made once, whole or not at all, readable by their owner only."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """What a file holds; where there is none, what `make` makes, written to it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        made = make()
    # A process that is killed here leaves no half of a secret: the name appears with the whole of it.
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made)
    draft.replace(path)
    return made

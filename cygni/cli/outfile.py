"""Files that a command writes with what is nobody else's business: for their owner's eyes, and whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cygni.cli.errors import Usage


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """The text of a new file, which takes its place when the block ends well; otherwise nothing is left. Raises Usage."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise Usage(f"{path} cannot be written: {error.strerror}.", remedy="Name a file in a folder that is there.") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            yield out
        draft.replace(path)
    except OSError as error:
        raise Usage(f"{path} cannot be written: {error.strerror}.", remedy="Name another file.") from None
    finally:
        draft.unlink(missing_ok=True)

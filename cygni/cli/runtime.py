"""What a command takes from the world around it, as one value: tests give another, nothing is patched."""

from __future__ import annotations

import os
import platform
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cygni.cli.client import Policy
from cygni.cli.credentials import Keyring, system_keyring


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Variables, folder, clock, browser, keyring, this machine's name; `poll` is seconds between two looks at a deployment."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    folder: Path = field(default_factory=Path.cwd)
    poll: float = 1.0
    policy: Policy = field(default_factory=Policy)
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = _now
    open_browser: Callable[[str], bool] = webbrowser.open
    keyring: Callable[[], Keyring | None] = system_keyring
    machine: str = field(default_factory=platform.node)

    @property
    def debug(self) -> bool:
        """Whether unexpected errors show their trace."""
        return bool(self.environ.get("CYGNI_DEBUG"))

from __future__ import annotations

from pathlib import Path

import pytest

from cygni.local.freeports import free_port
from tests.cygni.local.builder.support import Builder


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    return free_port()

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from cygni.local.supervisor.config import write_context

LOCAL = {"url": "http://127.0.0.1:1", "token": "cyg_x", "apps_url": "http://localhost:2", "aws_url": "http://127.0.0.1:3"}


def test_the_first_context_becomes_the_current_one(tmp_path: Path) -> None:
    path = tmp_path / "cygni" / "config.toml"

    other = write_context(path, **LOCAL)

    written = tomllib.loads(path.read_text())
    assert other is None
    assert written == {"current": "local", "contexts": {"local": LOCAL}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_other_contexts_and_the_current_one_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('current = "work"\n[contexts.work]\nurl = "https://api.example.com"\ntoken = "t\\u0041"\n')

    other = write_context(path, **LOCAL)

    written = tomllib.loads(path.read_text())
    assert other == "work"
    assert written["contexts"]["work"] == {"url": "https://api.example.com", "token": "tA"}
    assert written["contexts"]["local"] == LOCAL


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("= nonsense")

    with pytest.raises(ValueError, match="not valid TOML"):
        write_context(path, **LOCAL)

    assert path.read_text() == "= nonsense"

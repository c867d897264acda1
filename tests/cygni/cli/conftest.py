"""The command's whole tree against a fake control plane: real HTTP, no patches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cygni.cli.client import Policy
from cygni.cli.main import app
from cygni.cli.runtime import Runtime
from tests.fakes.api import TOKEN, FakeApi, serve

APP_FILE = "version: 1\nname: shop\nservices:\n  web:\n    port: 8080\n"


@dataclass
class Cli:
    """Runs `cygni` in a folder, with the environment given; `browsed` is what it opened."""

    folder: Path
    environ: dict[str, str]
    browsed: list[str] = field(default_factory=list)
    sleep: Callable[[float], None] = lambda _: None

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run a command; its result has exit_code, stdout and stderr."""
        runtime = Runtime(
            environ=self.environ,
            folder=self.folder,
            poll=0,
            policy=Policy(attempts=3, first_pause=0.001, connect_timeout=1),
            sleep=self.sleep,
            open_browser=lambda url: not self.browsed.append(url),
        )
        return CliRunner().invoke(app, list(arguments), obj=runtime, input=stdin, catch_exceptions=False)

    def document(self, *arguments: str) -> Any:
        """The JSON document a command prints; it must succeed."""
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """A control plane of its own for each test."""
    with serve() as fake:
        yield fake


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a small app that is called shop."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "cygni.yaml").write_text(APP_FILE)
    (folder / "app.py").write_text("print('hello')\n")
    return folder


@pytest.fixture
def cli(api: FakeApi, shop: Path, tmp_path: Path) -> Cli:
    """The command in the shop's folder, signed in at the fake control plane."""
    return Cli(shop, {"CYGNI_ENDPOINT": api.url, "CYGNI_TOKEN": TOKEN, "HOME": str(tmp_path)})

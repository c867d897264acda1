"""The command's whole tree against a fake control plane: real HTTP, no patches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer import testing
from typer.testing import CliRunner, Result

from cygni.cli.client import Policy
from cygni.cli.credentials import Keyring
from cygni.cli.main import app
from cygni.cli.runtime import Runtime
from tests.fakes.api import TOKEN, FakeApi, serve
from tests.fakes.teams import Team

# The runner has the tree of commands made anew for each run, which takes longer than most of them.
testing._get_command = cache(testing._get_command)

APP_FILE = "version: 1\nname: shop\nservices:\n  web:\n    port: 8080\n"


@dataclass
class Cli:
    """Runs `cygni` in a folder, with the environment given; `browsed` is what it opened."""

    folder: Path
    environ: dict[str, str]
    browsed: list[str] = field(default_factory=list)
    sleep: Callable[[float], None] = lambda _: None
    keyring: Keyring | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run a command; its result has exit_code, stdout and stderr."""
        runtime = Runtime(
            environ=self.environ,
            folder=self.folder,
            poll=0,
            policy=Policy(attempts=3, first_pause=0.001, connect_timeout=30),
            sleep=self.sleep,
            now=self.now,
            open_browser=lambda url: not self.browsed.append(url),
            keyring=lambda: self.keyring,
            machine="laptop",
        )
        return CliRunner().invoke(app, list(arguments), obj=runtime, input=stdin, catch_exceptions=False)

    @property
    def config(self) -> Path:
        """The config file."""
        return Path(self.environ["HOME"]) / ".config" / "cygni" / "config.toml"

    @property
    def kept(self) -> Path:
        """The file of logins."""
        return self.config.with_name("credentials.json")

    def sign_in(self, api: FakeApi, name: str, *arguments: str) -> None:
        """Sign a person in who approves at once; from then on commands run as they."""
        user, before = api.identity.user(name), api.sign_in.approve
        api.sign_in.approve = lambda device: setattr(device, "user", user)
        for variable in ("CYGNI_ENDPOINT", "CYGNI_TOKEN"):
            self.environ.pop(variable, None)
        result = self("login", "--endpoint", api.url, *arguments)
        assert result.exit_code == 0, result.output
        api.sign_in.approve = before

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


@pytest.fixture
def acme(api: FakeApi) -> Team:
    """A team with somebody in each role: ann owns it, adam is an Admin, dan a Developer, vera a Viewer."""
    return api.identity.add_team("Acme", ann="owner", adam="admin", dan="developer", vera="viewer")


@pytest.fixture
def ann(cli: Cli, api: FakeApi, acme: Team) -> Cli:
    """The command, signed in as an Owner."""
    cli.sign_in(api, "ann")
    return cli

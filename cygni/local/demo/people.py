"""The people of the demo: Ada, who signs in and ships, and Grace, whom she invites to watch.

Each has a config folder of their own, so that each is signed in as themselves, and a scripted browser for the pages that a
person would see.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cygni.local.demo.children import CommandFailed, cygni_document, cygni_stream, run_cygni
from cygni.local.idp.browser import Browser, BrowserError

TEAM = "Demo"
FORBIDDEN = 4
"""The exit code of a command that may not do what was asked."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at this machine: what they are called, and the variables and folder of their commands."""

    name: str
    environ: Mapping[str, str]
    folder: Path

    def sign_in(self, endpoint: str) -> None:
        """Runs `cygni login` and does in a browser what it asks for. Raises CommandFailed."""
        for item in cygni_stream(["login", "--endpoint", endpoint, "--no-browser"], self.environ, self.folder):
            if item["type"] == "code":
                self._approve(item["verification_uri_complete"])
            if item["type"] == "signed_in":
                return
        raise CommandFailed(f"cygni login ended before {self.name} was signed in.")

    def run(self, *arguments: str) -> Any:
        """The document that a command prints. Raises CommandFailed."""
        return cygni_document(list(arguments), self.environ, self.folder)

    def refusal(self, *arguments: str) -> str:
        """What a command says that this person may not run. Raises CommandFailed when it is not refused."""
        done = run_cygni(list(arguments), self.environ, self.folder)
        if done.returncode != FORBIDDEN:
            raise CommandFailed(f"cygni {' '.join(arguments)} was not refused to {self.name}: exit code {done.returncode}.")
        return str(json.loads(done.stderr)["error"]["message"])

    def _approve(self, address: str) -> None:
        """Opens the page, signs in at the local identity provider, and approves the device."""
        try:
            with Browser() as browser:
                page = browser.open(address).follow("Continue with Local identity provider")
                page = page.submit(button=self.name).submit(button="Approve")
        except (BrowserError, LookupError) as error:
            raise CommandFailed(f"{self.name} could not sign in: {error}") from error
        if page.status != 200:
            raise CommandFailed(f"{self.name} could not sign in: {page.text}")


def person(name: str, home: Path, environ: Mapping[str, str], folder: Path) -> Person:
    """Somebody known to the local identity provider, with a config folder below `home`; nobody's keyring is touched."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {**environ, "XDG_CONFIG_HOME": str(home / name.lower()), "CYGNI_KEYRING": "off"}
    return Person(name, own, folder)


@dataclass(frozen=True, slots=True)
class Watched:
    """What became of the second person, and of the audit trail: what she was told, and how many lines are in order."""

    refusal: str
    lines: int


def bring_in(watcher: Person, owner: Person, endpoint: str) -> Watched:
    """Invites a second person as a Viewer, who may look and is refused the rest; then checks the audit trail.

    Raises CommandFailed when any of it goes otherwise.
    """
    invitation = owner.run("team", "invite", "--role", "viewer")
    watcher.sign_in(endpoint)
    watcher.run("team", "join", invitation["link"])
    watcher.run("releases")
    refusal = watcher.refusal("rollback")
    refused = owner.run("audit", "list", "--refused")["items"]
    if [each["operation"] for each in refused] != ["create_rollback"]:
        raise CommandFailed(f"The audit trail does not hold the one refusal: {refused}")
    return Watched(refusal, int(owner.run("audit", "verify")["lines"]))


def endpoint_of(state: Path) -> str:
    """Where the API of an embedded cloud answers."""
    ports = json.loads((state / "ports.json").read_text())
    return f"http://127.0.0.1:{ports['api']}"

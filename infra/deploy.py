"""`python -m infra.deploy`: deploys a stage, the first time and each time after.

The templates are made and judged, CDK's own stack is made in regions that lack it, the stacks are deployed by the CDK command
of `infra/cdk-cli`, and the first key that signs access tokens is made. All of it may be run again after whatever stopped it.

usage: python -m infra.deploy STAGE [--show] [--yes]
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.account import Account, AccountRefused, Deployed, refuse_other
from infra.places import BOOTSTRAP, names, places, regions
from infra.rights import SIGN_IN
from infra.settings import Settings, SettingsRefused, load

ROOT = Path(__file__).resolve().parents[1]
FIRST_KEY = "cygni-rotate-signing-keys"
_TOOLKIT = "CDKToolkit"
_GUARDED = ("cygni-data", "cygni-replica", "cygni-cluster")
"""Stacks that hold what refuses to be deleted, where a stage is protected."""
_NEVER_CAME = ("CREATE_FAILED", "DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
"""A stack in one of these states was never deployed; the CDK command deletes it and begins again."""
_EXAMPLE = "example.com"
Run = Callable[[list[str]], int]
Say = Callable[[str], None]


class Stacks(Protocol):
    """What is asked of an account: `infra.account.Account`."""

    @property
    def id(self) -> str:
        """Its number."""

    def stack(self, name: str, region: str) -> Deployed | None:
        """A stack that is there."""

    def invoke(self, function: str, region: str) -> None:
        """Has a function run once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in the account: `bootstrapped` are regions, `there` the names of stacks."""

    account: str
    bootstrapped: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()


def commands(stage: str, settings: Settings, seen: Seen, *, ask: bool = True) -> Iterator[list[str]]:
    """What is run, in order. Unless told not to `ask`, the CDK command does so before it widens anybody's rights."""
    python, approved = sys.executable, [] if ask else ["--require-approval", "never"]
    yield [python, "-m", "infra.synth", stage]
    lacking = [each for each in regions(settings) if each not in seen.bootstrapped]
    if lacking:
        yield [python, "-m", "infra.cdk", "bootstrap", *(f"aws://{seen.account}/{each}" for each in lacking)]
    missing = [each for each in names(places(settings)) if each not in seen.there]
    if settings.data.protect and set(missing) & set(_GUARDED):
        first = ["-c", f"stage={stage}", "-c", "first=yes"]
        yield [python, "-m", "infra.cdk", "deploy", *missing, "--exclusively", *first, *approved]
    yield [python, "-m", "infra.cdk", "deploy", "--all", "--app", f"../build/cdk/{stage}", *approved]


def look(settings: Settings, account: Stacks) -> Seen:
    """What is there already. Raises AccountRefused, also when the stage is for another account."""
    refuse_other(settings.account, account.id)
    ready = [each for each in regions(settings) if _bootstrapped(account.stack(_TOOLKIT, each))]
    there = [each.name for each in places(settings) if _came(account.stack(each.name, each.region))]
    return Seen(account.id, frozenset(ready), frozenset(there))


def examples_in(settings: Settings) -> list[str]:
    """Names of settings that are still those of the files which are shipped, and that AWS would refuse half-way."""
    sites = {"api.site": settings.api.site, "console.site": settings.console.site}
    return [name for name, site in sites.items() if site and site.zone_name.endswith(_EXAMPLE)]


def deploy(stage: str, settings: Settings, account: Stacks, *, run: Run, say: Say, ask: bool = True) -> int:
    """Runs all of it until something fails; answers that one's exit code."""
    for each in commands(stage, settings, look(settings, account), ask=ask):
        say(shlex.join(each))
        code = run(each)
        if code:
            say("It failed; what came before it stays. Mend the cause and run this again.")
            return code
    account.invoke(FIRST_KEY, settings.region)
    control_plane = account.stack("cygni-control-plane", settings.region)
    say(what_next(stage, settings, control_plane.outputs.get("Address", "") if control_plane else ""))
    return 0


def what_next(stage: str, settings: Settings, address: str) -> str:
    """What an operator does after the first deploy, in words."""
    lines = [f"Cygni answers at {address}. What comes next, unless it was done before (docs/install.md):"]
    lines.append(
        f"  aws secretsmanager put-secret-value --region {settings.region} --secret-id {SIGN_IN} --secret-string file://sign-in.json"
    )
    if settings.admin_key_sha256 is None:
        lines.append(
            f"  admin_key_sha256 in infra/stages/{stage}.toml, and this once more: nobody has the operator's rights yet"
        )
    if settings.eks:
        lines.append(f"  make addons STAGE={stage} RUN=yes")
    key = f"CYGNI_ENDPOINT={address} CYGNI_TOKEN=$KEY"
    lines.append(f"  {key} cygni clusters add main --shared --kubeconfig kubeconfig.yaml")
    return "\n".join(lines)


def _bootstrapped(toolkit: Deployed | None) -> bool:
    version = toolkit.outputs.get("BootstrapVersion", "0") if toolkit and _came(toolkit) else "0"
    return version.isdigit() and int(version) >= BOOTSTRAP


def _came(stack: Deployed | None) -> bool:
    return stack is not None and stack.status not in _NEVER_CAME


def _run(command: list[str]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(arguments: list[str], *, run: Run = _run, account: Stacks | None = None) -> int:
    """Answers 0, or what failed did, or 1 for what is refused."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__.partition("\n")[0])
    parser.add_argument("stage", help="a file of infra/stages, without its ending")
    parser.add_argument(
        "--show", action="store_true", help="print the commands that would be run; AWS is only asked what is there"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before rights are widened")
    given = parser.parse_args(arguments)
    try:
        settings, account = load(given.stage), account or Account()
        examples = examples_in(settings)
        if examples:
            raise SettingsRefused(
                f"infra/stages/{given.stage}.toml has an example's name in {' and '.join(examples)}: give your own."
            )
        if given.show:
            found = commands(given.stage, settings, look(settings, account), ask=not given.yes)
            print("\n".join(shlex.join(each) for each in found))
            return 0
        return deploy(given.stage, settings, account, run=run, say=lambda line: print(line, flush=True), ask=not given.yes)
    except (SettingsRefused, AccountRefused) as refused:
        print(refused, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Which control plane the command speaks to, and by what it signs in there. The one module that knows variables and the file.

The file is `$XDG_CONFIG_HOME/cygni/config.toml` (by default `~/.config/cygni/config.toml`):

    current = "local"

    [contexts.local]
    url = "http://127.0.0.1:8765"
    token = "…"
    apps_url = "http://127.0.0.1:8080"

    [contexts.work]
    url = "https://api.example.com"
    login = "keyring"

A context has a token, or a login, whose own tokens are kept elsewhere (credentials.py). `--context NAME` is strongest, then
`CYGNI_ENDPOINT` with `CYGNI_TOKEN`, with a job of GitHub Actions and `CYGNI_TEAM`, or with a login at that very address; then
the file's current context.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from cygni.cli.errors import SIGN_IN_REMEDY, NotSignedIn, Usage
from cygni.cli.runner import in_actions, runner_of

_TOKEN = re.compile(r"[\x21-\x7e]+")


class Kept(StrEnum):
    """Where the tokens of a login are."""

    KEYRING = "keyring"
    FILE = "file"


class Means(StrEnum):
    """By what a context signs in."""

    TOKEN = "token"  # noqa: S105 - a kind, no secret
    LOGIN = "login"
    ACTIONS = "github-actions"


@dataclass(frozen=True, slots=True)
class Context:
    """One control plane: where its API is, what signs in there, and where its applications answer (empty when not known).

    `kept` is where a login's tokens are; `team` whom a job of GitHub Actions signs in to; `source` where a token was found;
    `sign_in` the command that would sign in anew.
    """

    name: str
    url: str
    token: str = field(default="", repr=False)
    apps_url: str = ""
    kept: Kept | None = None
    team: str = ""
    source: str = ""
    sign_in: str = "cygni login"

    @property
    def means(self) -> Means:
        """By what it signs in; a token where there is nothing yet."""
        if self.kept is not None:
            return Means.LOGIN
        return Means.ACTIONS if self.team else Means.TOKEN


def config_path(environ: Mapping[str, str]) -> Path:
    """Where the config file is, whether it exists or not."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".config")
    return Path(base) / "cygni" / "config.toml"


def choose_context(environ: Mapping[str, str], name: str | None = None) -> Context:
    """The context to use, as the module's docstring orders them.

    Raises NotSignedIn when none is configured or nothing signs in there, Usage when `name` is unknown or the file unreadable.
    """
    endpoint, token = environ.get("CYGNI_ENDPOINT", ""), clean_token(environ.get("CYGNI_TOKEN", ""), "CYGNI_TOKEN")
    path = config_path(environ)
    if endpoint and name is None:
        return _of_environment(environ, endpoint, token, path)
    chosen = _from_file(path, name)
    if token and name is None:
        chosen = replace(chosen, token=token, kept=None, source="CYGNI_TOKEN")
    chosen = _addressed(chosen)
    if not chosen.token and chosen.kept is None:
        raise NotSignedIn(
            f"You are not signed in at {chosen.url}.",
            remedy=f"Sign in with `{chosen.sign_in}`, or write `token` into [contexts.{chosen.name}] of {path}.",
        )
    return chosen


def keyring_allowed(environ: Mapping[str, str]) -> bool:
    """Whether logins may be kept in the system's keyring: `CYGNI_KEYRING`, or else `keyring` in the config file, says no.

    Raises Usage for a value that is neither.
    """
    given = environ.get("CYGNI_KEYRING", "").lower()
    if given not in ("", "on", "off"):
        raise Usage(f"CYGNI_KEYRING is {given!r}.", remedy="Set it to on or off.")
    if given:
        return given == "on"
    path = config_path(environ)
    wanted = read_config(path).get("keyring", True)
    if not isinstance(wanted, bool):
        raise Usage(f"`keyring` is {wanted!r} in {path}.", remedy="Write true or false there.")
    return wanted


def clean_token(text: str, where: str) -> str:
    """A token without the blanks and line ends round it, which files and secret stores add. Raises Usage, without the token."""
    token = text.strip()
    if token and not _TOKEN.fullmatch(token):
        raise Usage(
            f"The token in {where} has characters that no token has.", remedy="Copy it again, whole and without anything else."
        )
    return token


def contexts_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The contexts of the config file's document; what is none is left out."""
    found = document.get("contexts")
    return {str(name): entry for name, entry in found.items() if isinstance(entry, dict)} if isinstance(found, dict) else {}


def read_config(path: Path) -> dict[str, Any]:
    """The config file's document; empty when there is no file. Raises Usage when it cannot be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Usage(
            f"{path} cannot be read: {error}", remedy="Correct the file, or move it away and run `make up` again."
        ) from None


def context_of(name: str, entry: Mapping[str, Any], path: Path) -> Context:
    """A context as the file has it. Raises Usage for a place of a login that is none."""
    url, login = str(entry.get("url") or ""), str(entry.get("login") or "")
    token = clean_token(str(entry.get("token") or ""), f"[contexts.{name}] of {path}")
    if login and login not in set(Kept):
        raise Usage(
            f"`login` is {login!r} in [contexts.{name}] of {path}.", remedy=f"Sign in again: `cygni login --context {name}`."
        )
    kept = Kept(login) if login and not token else None
    return Context(name, url, token, str(entry.get("apps_url") or ""), kept, source=str(path) if token else "")


def local_aws(environ: Mapping[str, str]) -> str:
    """Where the embedded cloud's AWS answers, as it wrote it at its start. Raises Usage where it did not, or elsewhere."""
    path = config_path(environ)
    url = str(contexts_of(read_config(path)).get("local", {}).get("aws_url") or "")
    if not url.startswith("http://127.0.0.1:"):
        raise Usage(f"{path} knows of no embedded cloud on this machine.", remedy="Start it with `make up`.")
    return url


def _of_environment(environ: Mapping[str, str], endpoint: str, token: str, path: Path) -> Context:
    asked = _addressed(Context("environment", endpoint, token, source="CYGNI_TOKEN"))
    if token:
        return asked
    team = environ.get("CYGNI_TEAM", "")
    if team and runner_of(environ) is not None:
        clean_token(environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        return Context("github-actions", endpoint, team=team)
    document = read_config(path)
    found = [context_of(name, entry, path) for name, entry in contexts_of(document).items()]
    there = [each for each in found if each.kept is not None and each.url.rstrip("/") == endpoint.rstrip("/")]
    if there:
        return next((each for each in there if each.name == document.get("current")), there[0])
    raise NotSignedIn(f"There is no token for {endpoint}.", remedy=_remedy(environ, team))


def _remedy(environ: Mapping[str, str], team: str) -> str:
    if not in_actions(environ):
        return "Set CYGNI_TOKEN beside CYGNI_ENDPOINT, or sign in there with `cygni login`."
    missing = [] if team else ["set CYGNI_TEAM to the team's id"]
    missing += [] if runner_of(environ) else ["give the job `permissions: id-token: write`"]
    words = " and ".join(missing)
    return f"To sign in as this job, {words}; or set CYGNI_TOKEN to an API key."


def _from_file(path: Path, name: str | None) -> Context:
    document = read_config(path)
    contexts = contexts_of(document)
    wanted = name or document.get("current")
    if not wanted:
        raise NotSignedIn("No control plane is configured.", remedy=SIGN_IN_REMEDY)
    entry = contexts.get(str(wanted))
    if entry is None:
        known = ", ".join(sorted(contexts)) or "none"
        raise Usage(f"The context {wanted!r} is not in {path}.", remedy=f"Choose one of those in the file: {known}.")
    found = context_of(str(wanted), entry, path)
    return found if name is None else replace(found, sign_in=f"cygni login --context {name}")


def _addressed(context: Context) -> Context:
    if not context.url.startswith(("http://", "https://")):
        raise Usage(
            f"The endpoint of the context {context.name!r} is {context.url!r}.",
            remedy="Give an address such as https://api.example.com: in CYGNI_ENDPOINT, or as `url` in the config file.",
        )
    return context

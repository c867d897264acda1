"""Which control plane the command speaks to. The one module that knows the variables and the config file.

The file is `$XDG_CONFIG_HOME/cygni/config.toml` (by default `~/.config/cygni/config.toml`):

    current = "local"

    [contexts.local]
    url = "http://127.0.0.1:8765"
    token = "…"
    apps_url = "http://127.0.0.1:8080"

`--context NAME` is strongest, then `CYGNI_ENDPOINT` and `CYGNI_TOKEN`, then the file's current context.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cygni.cli.errors import SIGN_IN_REMEDY, NotSignedIn, Usage


@dataclass(frozen=True, slots=True)
class Context:
    """One control plane: where its API is, the token for it, and where its applications answer (empty when not known)."""

    name: str
    url: str
    token: str
    apps_url: str = ""


def config_path(environ: Mapping[str, str]) -> Path:
    """Where the config file is, whether it exists or not."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".config")
    return Path(base) / "cygni" / "config.toml"


def choose_context(environ: Mapping[str, str], name: str | None = None) -> Context:
    """The context to use, as the module's docstring orders them.

    Raises NotSignedIn when none is configured or it lacks its token, Usage when `name` is unknown or the file is unreadable.
    """
    endpoint, token = environ.get("CYGNI_ENDPOINT", ""), environ.get("CYGNI_TOKEN", "")
    if endpoint and name is None:
        return _checked(Context("environment", endpoint, token), remedy="Set CYGNI_TOKEN beside CYGNI_ENDPOINT.")
    path = config_path(environ)
    chosen = _from_file(path, name)
    if token and name is None:
        chosen = Context(chosen.name, chosen.url, token, chosen.apps_url)
    return _checked(chosen, remedy=f"Write `token` into [contexts.{chosen.name}] of {path}.")


def _from_file(path: Path, name: str | None) -> Context:
    document = read_config(path)
    contexts = document.get("contexts")
    contexts = contexts if isinstance(contexts, dict) else {}
    wanted = name or document.get("current")
    if not wanted:
        raise NotSignedIn("No control plane is configured.", remedy=SIGN_IN_REMEDY)
    entry = contexts.get(wanted)
    if not isinstance(entry, dict):
        known = ", ".join(sorted(contexts)) or "none"
        raise Usage(f"The context {wanted!r} is not in {path}.", remedy=f"Choose one of those in the file: {known}.")
    return Context(str(wanted), str(entry.get("url") or ""), str(entry.get("token") or ""), str(entry.get("apps_url") or ""))


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


def _checked(context: Context, *, remedy: str) -> Context:
    if not context.url.startswith(("http://", "https://")):
        raise Usage(
            f"The endpoint of the context {context.name!r} is {context.url!r}.",
            remedy="Give an address such as https://api.example.com: in CYGNI_ENDPOINT, or as `url` in the config file.",
        )
    if not context.token:
        raise NotSignedIn(f"There is no token for {context.url}.", remedy=remedy)
    return context

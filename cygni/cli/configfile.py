"""Writing the config file, and which of its contexts a login becomes."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cygni.cli.errors import CliError, Usage
from cygni.cli.exits import Exit
from cygni.cli.settings import Context, config_path, context_of, contexts_of, read_config


@dataclass(frozen=True, slots=True)
class Target:
    """The context that a login becomes, and that context as it was, if it was there."""

    context: Context
    before: Context | None


def login_target(environ: Mapping[str, str], *, endpoint: str | None, name: str | None) -> Target:
    """The context that a login makes or renews.

    Where: `endpoint`, or the named context's address, or CYGNI_ENDPOINT, or the current context's. Which: the one that is
    named, or else a login that is there for the address (the current one first), or a new one: a context with a token keeps it.
    Raises Usage when it is not said where, or for an address that a token must not be sent to.
    """
    path = config_path(environ)
    document = read_config(path)
    there = {key: context_of(key, entry, path) for key, entry in contexts_of(document).items()}
    current = there.get(str(document.get("current")))
    named = there.get(name) if name is not None else None
    where = endpoint or (named.url if named else environ.get("CYGNI_ENDPOINT") or (current.url if current else ""))
    if not where:
        raise Usage("Sign in where?", remedy="Name the control plane: `cygni login --endpoint https://api.example.com`.")
    url = _safe(where.rstrip("/"))
    found = _unnamed(url, current, there) if name is None else named or Context(name, url)
    begun = Context(found.name, url, apps_url=found.apps_url if found.url.rstrip("/") == url else "")
    return Target(begun, there.get(found.name))


def put_login(path: Path, context: Context) -> None:
    """Write a login's context into the file and make it the current one; all else in the file stays."""
    document = read_config(path)
    entry: dict[str, Any] = {"url": context.url, "login": context.kept.value if context.kept else ""}
    if context.apps_url:
        entry["apps_url"] = context.apps_url
    contexts = document.setdefault("contexts", {})
    kept = {key: value for key, value in contexts.get(context.name, {}).items() if key not in {"token", *entry}}
    contexts[context.name] = {**entry, **kept}
    document["current"] = context.name
    write_config(path, document)


def drop_login(path: Path, name: str) -> None:
    """Take the login out of a context; its address stays, for the next one."""
    document = read_config(path)
    entry = contexts_of(document).get(name, {})
    if entry.pop("login", None) is not None:
        write_config(path, document)


def write_config(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the file, as a whole and for its owner's eyes. Raises CliError."""
    draft = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(to_toml(document))
        draft.replace(path)
    except OSError as error:
        raise CliError(
            f"{path} cannot be written: {error.strerror}.",
            remedy="Make the folder writable, or name another one with XDG_CONFIG_HOME.",
            exit_code=Exit.USAGE,
            code="not-writable",
        ) from None


def to_toml(document: Mapping[str, Any]) -> str:
    """The document as TOML: values first, then tables. Basic strings of TOML are nearly those of JSON."""
    return "\n".join(_table(document, ())).strip("\n") + "\n"


def _table(document: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    values = {key: value for key, value in document.items() if not isinstance(value, Mapping)}
    if path and (values or not document):
        yield ""
        yield f"[{'.'.join(map(_key, path))}]"
    for key, value in values.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _table(value, (*path, key))


def _key(text: str) -> str:
    return text if text.isascii() and text.replace("-", "").replace("_", "").isalnum() else _string(text)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, str):
        return _string(value)
    return json.dumps(value) if isinstance(value, bool | int) else str(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _unnamed(url: str, current: Context | None, there: Mapping[str, Context]) -> Context:
    ordered = [*([current] if current else []), *there.values()]
    same = [each for each in ordered if each.url.rstrip("/") == url]
    for each in same:
        if not each.token:
            return each
    base = f"{same[0].name}-login" if same else urlsplit(url).hostname or "cloud"
    apps = same[0].apps_url if same else ""
    names = (base if number == 1 else f"{base}-{number}" for number in count(1))
    return Context(next(each for each in names if each not in there), url, apps_url=apps)


def _safe(url: str) -> str:
    """The address, if tokens may be sent there: over TLS, or within this machine."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise Usage(f"{url!r} is no address of a control plane.", remedy="Give one such as https://api.example.com.")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise Usage(
            f"{url} is not encrypted: whoever is on the way would read your tokens.",
            remedy=f"Use https://{parts.netloc}, or forward a port of this machine to it.",
        )
    return url


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")

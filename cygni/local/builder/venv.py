"""Python virtual environments that still work after their folder was renamed, and that are alike when made alike."""

from __future__ import annotations

from pathlib import Path

from cygni.local.builder.environment import Interpreter

_HEADER = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
"""
"""A shell finds the interpreter beside the script; Python reads the same lines as a string."""

_TRACES = ("direct_url.json", "uv_cache.json")
"""Installers note here where a package came from and when, which differs from build to build."""


def create(folder: Path, interpreter: Interpreter) -> None:
    """An empty environment: what `python -m venv --without-pip` makes, without the second it takes."""
    scripts = folder / "bin"
    scripts.mkdir(parents=True)
    (folder / "lib" / f"python{interpreter.version}" / "site-packages").mkdir(parents=True)
    (scripts / "python").symlink_to(interpreter.path)
    for name in ("python3", f"python{interpreter.version}"):
        (scripts / name).symlink_to("python")
    settings = {
        "home": interpreter.path.parent,
        "include-system-site-packages": "false",
        "version": interpreter.version,
        "relocatable": "true",
    }
    (folder / "pyvenv.cfg").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))


def make_movable(folder: Path) -> None:
    """Takes the environment's own path out of its scripts and records."""
    for script in (folder / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            _free_script(script, folder)
    for trace in (path for name in _TRACES for path in folder.glob(f"lib/*/site-packages/*.dist-info/{name}")):
        record = trace.parent / "RECORD"
        if record.is_file():
            kept = [line for line in record.read_text().splitlines(keepends=True) if f"/{trace.name}," not in line]
            record.unlink()  # it may be a link to the cache's
            record.write_text("".join(kept))
        trace.unlink()
    for stamp in (".lock", "CACHEDIR.TAG"):
        (folder / stamp).unlink(missing_ok=True)


def _free_script(script: Path, folder: Path) -> None:
    data = script.read_bytes()
    own = str(folder / "bin" / "python").encode()
    head, _, rest = data.partition(b"\n")
    if not head.startswith(b"#!") or own not in data[:1024]:
        return
    if head.startswith(b"#!/bin/sh"):  # the form that installers use when the path is too long for a `#!` line
        rest = rest.partition(b"\n' '''\n")[2]
    mode = script.stat().st_mode
    script.unlink()
    script.write_bytes(_HEADER.encode() + rest)
    script.chmod(mode)

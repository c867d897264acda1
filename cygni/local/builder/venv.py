"""Python virtual environments that still work after their folder was renamed, and that are alike when made alike."""

from __future__ import annotations

import subprocess
from pathlib import Path

from chalicelib.platform.errors import BuildFailed
from cygni.local.builder.environment import Interpreter

_HEADER = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python" "$0" "$@"
' '''
"""
"""A shell finds the interpreter beside the script; Python reads the same lines as a string."""

_TRACES = ("direct_url.json", "uv_cache.json")
"""Installers note here where a package came from and when, which differs from build to build."""


def create(folder: Path, interpreter: Interpreter) -> None:
    """An empty environment: what `python -m venv --without-pip` makes, without the second it takes.

    Raises BuildFailed when its interpreter does not take it for its own: installing would then change this machine's Python.
    """
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
    _check(folder, interpreter)


def _check(folder: Path, interpreter: Interpreter) -> None:
    question = [
        str(folder / "bin" / "python"),
        "-I",
        "-c",
        "import sys; print(sys.prefix); print('%d.%d' % sys.version_info[:2])",
    ]
    said = subprocess.run(question, capture_output=True, text=True, timeout=30, check=False, env={}).stdout.splitlines()
    if said != [str(folder), interpreter.version]:
        raise BuildFailed(
            f"{interpreter.path} cannot be used in an environment of its own; it is perhaps a version manager's shim.",
            remedy=f"Put the interpreter itself on the PATH as `python{interpreter.version}`, before the shim.",
        )


def make_movable(folder: Path) -> None:
    """Takes the environment's own path out of its scripts and records."""
    for script in (folder / "bin").iterdir():
        if script.name.lower().startswith("activate"):
            script.unlink()  # for people's shells; nothing here is activated by hand
        elif script.is_file() and not script.is_symlink():
            _free_script(script, folder)
    for record in folder.glob("lib/*/site-packages/*.dist-info/RECORD"):
        _free_record(record)
    for stamp in (".lock", "CACHEDIR.TAG"):
        (folder / stamp).unlink(missing_ok=True)


def _free_record(record: Path) -> None:
    """Forgets where the package came from, and the hashes of scripts, since those are not what was installed any more."""
    for trace in _TRACES:
        (record.parent / trace).unlink(missing_ok=True)
    lines = []
    for line in record.read_text(encoding="utf-8").splitlines():
        path = line.partition(",")[0]
        if not path.endswith(tuple(f"/{trace}" for trace in _TRACES)):
            lines.append(f"{path},," if path.startswith("../../../bin/") else line)
    record.unlink()  # it may be a link to another's
    record.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


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

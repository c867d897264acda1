"""Zips of code and of layers: the same bytes from the same commit, whoever makes them.

The code is stored, not compressed, so that no version of zlib has a say; a layer is named by what is in it, which the lock's
hashes pin. Entries are sorted, dated 1980, and readable by all. `uv` fetches a layer's wheels for Lambda's machine, whatever
machine this is.

usage: python -m infra.packages [arm64|x86_64 …]
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from functions.catalog import RUNTIME
from infra.layers import LAYERS, Layer, canonical, distributions

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "packages"
LOCK = ROOT / "requirements.txt"
PYTHON = RUNTIME.removeprefix("python")
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
CODE = ("app.py", "chalicelib", "functions")
FORMAT = "4"
"""Part of each layer's name: raise it when what is left out of layers changes."""
_LEFT_OUT = re.compile(
    r"(^|/)(__pycache__|tests?|bin)(/|$)|\.pyi?c$|\.pyi$|\.(c|h|pyx|pxd)$"
    r"|\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|uv_build\.json)$|^\.lock$"
)
_UNUSED = re.compile(
    r"^aws_lambda_powertools/(event_handler|utilities/(?!jmespath_utils)[a-z0-9_]+)/"  # its Logger is what is used
    r"|^(cffi|pycparser)(-[^/]+)?/"  # cryptography has what it made, `_cffi_backend`, and needs no compiler of C
    r"|^yaml/_yaml\."  # libyaml: documents are small, and read by the loader that is written in Python
    r"|^(pydantic/v1|dateutil/zoneinfo|urllib3/contrib/emscripten)/|\.dist-info/sboms/"
    r"|^(pydantic/mypy|dateutil/(rrule|easter)|urllib3/contrib/(pyopenssl|socks))\.py$"
)
"""What libraries bring along that no function loads."""
_OF_CHALICE = frozenset({"chalice/__init__.py", "chalice/app.py"})


class PackagingError(RuntimeError):
    """A package cannot be made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Package:
    """A zip that exists. `digest` changes with what is in it, and with nothing else."""

    path: Path
    digest: str


def code(folder: Path = FOLDER) -> Package:
    """What all functions share: the app, its contexts, the handlers."""
    entries = [(name, (ROOT / name).read_bytes()) for name in sorted(_sources())]
    digest = digest_of(entries)
    path = folder / f"code-{digest}.zip"
    if not path.exists():
        write_zip(path, entries, compression=zipfile.ZIP_STORED)
    return Package(path, digest)


def _sources() -> Iterator[str]:
    for name in CODE:
        path = ROOT / name
        found = [path] if path.is_file() else path.rglob("*.py")
        yield from (each.relative_to(ROOT).as_posix() for each in found)


def layer(wanted: Layer, architecture: str, folder: Path = FOLDER) -> Package:
    """A layer's libraries, for one architecture. Raises PackagingError when they cannot be fetched."""
    requirements = pinned(distributions(wanted, python=PYTHON, machine=MACHINES[architecture]), LOCK.read_text())
    named = f"{FORMAT}\n{PYTHON}\n{architecture}\n{requirements}"
    digest = hashlib.sha256(named.encode()).hexdigest()
    path = folder / f"{wanted.name}-{architecture}-{digest[:16]}.zip"
    if not path.exists():
        with tempfile.TemporaryDirectory() as temporary:
            _fetch(requirements, architecture, Path(temporary))
            write_zip(path, sorted(_installed(Path(temporary))), compression=zipfile.ZIP_DEFLATED)
    return Package(path, digest)


def pinned(names: Iterable[str], lock: str) -> str:
    """The lines of a lock that pin these distributions, with their hashes. Raises PackagingError for one that it has not."""
    found = re.split(r"\n(?=[A-Za-z0-9])", lock)
    blocks = {canonical(each.partition("==")[0].strip()): each for each in found if "==" in each}
    missing = sorted(set(names) - set(blocks))
    if missing:
        raise PackagingError(f"requirements.txt pins no {', '.join(missing)}; run `make lock`.")
    return "".join(_block(blocks[name]) for name in sorted(names))


def _block(block: str) -> str:
    """A pin without its comments, and without its marker, which is about the machine that installs."""
    lines = [re.sub(r" ; .*?( \\)?$", r"\1", line) for line in block.splitlines() if not line.strip().startswith("#")]
    return "\n".join(lines).rstrip("\\ \n") + "\n"


def _fetch(requirements: str, architecture: str, target: Path) -> None:
    listed = target / ".lock"
    listed.write_text(requirements)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise PackagingError("uv is not installed; run `make synth`, which installs it.")
    command = [uv, "pip", "install", "--quiet", "--target", str(target), "--requirement", str(listed), "--require-hashes"]
    command += ["--no-deps", "--only-binary", ":all:", "--python-version", PYTHON, "--link-mode", "copy"]
    command += ["--python-platform", f"{MACHINES[architecture]}-manylinux_2_28", "--no-compile-bytecode"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackagingError(f"The libraries of a layer cannot be fetched:\n{done.stderr.strip()}")


def _installed(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        of_chalice = name.startswith("chalice/") and name not in _OF_CHALICE
        if path.is_file() and not (_LEFT_OUT.search(name) or _UNUSED.search(name) or of_chalice):
            yield f"python/{name}", told(name, path.read_bytes())


def told(name: str, content: bytes) -> bytes:
    """A file as a layer has it: what a distribution says of itself without its description, which is its readme."""
    return content.partition(b"\n\n")[0] + b"\n" if name.endswith(".dist-info/METADATA") else content


def digest_of(entries: Iterable[tuple[str, bytes]]) -> str:
    """A digest of names and contents."""
    whole = hashlib.sha256()
    for name, content in entries:
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def write_zip(path: Path, entries: Iterable[tuple[str, bytes]], *, compression: int) -> None:
    """Writes a zip that depends on nothing but its entries, and puts it in place at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with zipfile.ZipFile(partial, "w", compression, compresslevel=9) as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = compression, 3, 0o100644 << 16
            archive.writestr(entry, content)
    partial.replace(path)


def main(architectures: Iterable[str]) -> None:
    """Makes all packages, and prints where they are and how large."""
    made = [code(), *(layer(each, architecture) for architecture in architectures for each in LAYERS)]
    for package in made:
        with zipfile.ZipFile(package.path) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
        size = package.path.stat().st_size
        print(f"{package.path.relative_to(ROOT)}  {size / 1e6:.1f} MB, {unpacked / 1e6:.1f} MB unpacked")


if __name__ == "__main__":
    main(sys.argv[1:] or MACHINES)

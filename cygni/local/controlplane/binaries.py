"""Where the programs of the control plane come from: a folder that somebody names, else a build of pinned modules.

The build is of `tests/cluster/go.mod`, which pins every version; it is kept outside the tree in a folder named by the hash
of that file and of `go.sum`, so that it happens once. A folder is complete when it is there: it is renamed into place.

`python -m cygni.local.controlplane.binaries` makes the build; where that cannot be, it says so in one line and ends with 0.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVERS = ("etcd", "kube-apiserver")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler")
PROGRAMS = (*SERVERS, *CONTROLLERS, "kubectl")
ASSETS = "KUBEBUILDER_ASSETS"
CLUSTER = "CYGNI_TEST_KUBECONFIG"
MODULE = Path(__file__).resolve().parents[3] / "tests" / "cluster"
_VERSION = re.compile(r"^\s*k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)\b", re.MULTILINE)
_USUAL = "/usr/local/go/bin"
_LAST = 400
_DOWNLOAD_SECONDS = 600.0  # some 30 s on an ordinary line; a proxy that never answers must not take all the time of CI
Say = Callable[[str], None]


class Unavailable(Exception):
    """There is no control plane to start here; the message is one sentence that says why and what would help."""


class BuildFailed(Exception):
    """The programs were to be built, and Go refused; the message ends with its own last words."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of programs. Those of `SERVERS` are there; the others may be missing from a folder that somebody names."""

    folder: Path

    def path(self, program: str) -> Path:
        """Where a program is."""
        return self.folder / program

    def has(self, *programs: str) -> bool:
        """Whether all these programs are there."""
        return all(os.access(self.path(each), os.X_OK) for each in programs)


def find(environ: Mapping[str, str], module: Path = MODULE, needed: Sequence[str] = SERVERS) -> Binaries:
    """The folder that KUBEBUILDER_ASSETS names, which must have all that is `needed`, or the build that was made.

    Raises Unavailable.
    """
    named = environ.get(ASSETS)
    if named:
        given = Binaries(Path(named).expanduser().absolute())
        missing = [each for each in needed if not given.has(each)]
        if missing:
            raise Unavailable(f"{ASSETS} is {named}, where {' and '.join(missing)} cannot be run.")
        return given
    found = built(environ, module)
    if found is None:
        _need_go(environ, module)
        raise Unavailable("The control plane is not built yet: `make test-cluster` builds it.")
    return found


def ensure(
    environ: Mapping[str, str], say: Say, module: Path = MODULE, needed: Sequence[str] = (*SERVERS, *CONTROLLERS)
) -> Binaries:
    """What `find` finds, built now if it was not yet, which takes minutes. Raises Unavailable or BuildFailed."""
    if environ.get(ASSETS):
        return find(environ, module, needed)
    return built(environ, module) or _build(environ, module, say)


def built(environ: Mapping[str, str], module: Path = MODULE) -> Binaries | None:
    """The build of this module's state, if it was made already."""
    if not (module / "go.mod").exists():
        return None
    found = Binaries(cache(environ, module))
    return found if found.has(*PROGRAMS) else None


def cache(environ: Mapping[str, str], module: Path = MODULE) -> Path:
    """`$XDG_CACHE_HOME/cygni/cluster/<hash>`, by default below `~/.cache`."""
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME") or Path.home()) / ".cache")
    content = b"".join((module / name).read_bytes() for name in ("go.mod", "go.sum"))
    return Path(base) / "cygni" / "cluster" / hashlib.sha256(content).hexdigest()[:16]


def version(module: Path = MODULE) -> tuple[str, str, str]:
    """The pinned version of Kubernetes: whole (`v1.34.4`), major and minor."""
    found = _VERSION.search((module / "go.mod").read_text())
    if found is None:
        raise BuildFailed(f"{module / 'go.mod'} names no version of k8s.io/kubernetes.")
    return found[1], found[2], found[3]


def _need_go(environ: Mapping[str, str], module: Path) -> str:
    """The path of Go. Raises Unavailable without it, and without anything to build."""
    go = shutil.which("go", path=f"{environ.get('PATH', os.defpath)}{os.pathsep}{_USUAL}")
    if not (module / "go.mod").exists():
        raise Unavailable(f"{module} is not there to build a control plane from: set {ASSETS} to a folder of its programs.")
    if go is None:
        raise Unavailable(f"No Go is installed to build a control plane with, and {ASSETS} names no folder of its programs.")
    return go


def _build(environ: Mapping[str, str], module: Path, say: Say) -> Binaries:
    go, target = _need_go(environ, module), cache(environ, module)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.with_suffix(".lock")):
        found = built(environ, module)  # by another, while this one waited
        if found is not None:
            return found
        told = {**environ, "CGO_ENABLED": "0", "GOWORK": "off"}
        unfetched = _go([go, "mod", "download"], module, told, _DOWNLOAD_SECONDS)
        if unfetched:
            raise Unavailable(f"The modules of the control plane could not be fetched: {unfetched}")
        say(f"Building Kubernetes {version(module)[0]} from its module: it takes minutes, once, and is kept in {target}")
        _compile(go, module, told, target)
    return Binaries(target)


def _compile(go: str, module: Path, environ: Mapping[str, str], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as folder:
        draft = Path(folder) / "bin"
        draft.mkdir()
        command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", _stamp(*version(module)), "-o", f"{draft}/", "tool"]
        failed = _go(command, module, environ)
        if failed:
            raise BuildFailed(f"The control plane could not be built: {failed}")
        (draft / "server").rename(draft / "etcd")  # Go names a program by the last part of its path
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)


def _stamp(whole: str, major: str, minor: str) -> str:
    """Linker flags: no symbols, and the version that the programs say they have, which a module does not know of itself."""
    told = {"gitVersion": whole, "gitMajor": major, "gitMinor": minor}
    return " ".join(["-s", "-w", *(f"-X k8s.io/component-base/version.{name}={value}" for name, value in told.items())])


def _go(command: list[str], folder: Path, environ: Mapping[str, str], seconds: float | None = None) -> str:
    """Runs Go, for so many seconds at most; its last line when it failed, else an empty text."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"`{' '.join(command[1:3])}` was not done after {seconds:g} s"
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return (lines[-1] if lines else f"exit code {done.returncode}")[-_LAST:]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """No two builds at once: the second waits, and finds what the first has made."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """0 when the programs are there or cannot be had here, 1 when the build failed. A cluster that is named needs no build."""
    if os.environ.get(CLUSTER):
        return 0
    try:
        ensure(os.environ, lambda sentence: print(sentence, flush=True), needed=SERVERS)  # noqa: T201
    except Unavailable as reason:
        print(f"The tests on a real API server are skipped. {reason}")  # noqa: T201
    except BuildFailed as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

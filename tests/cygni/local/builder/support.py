"""A builder with folders of its own, and sources made of a few files."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from chalicelib.builds import rules
from chalicelib.builds.archive import list_source
from chalicelib.builds.plan import BuildPlan
from chalicelib.projects.spec import ServiceSpec
from cygni.local.builder import build


def pack(target: Path, files: dict[str, str]) -> Path:
    """An archive of these files, alike whenever it is made."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in sorted(files.items()):
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    target.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    return target


def files_of(folder: Path) -> dict[str, str]:
    """The text files of a folder by their paths."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


class Builder:
    """A builder under a folder. `lines` is what it said."""

    def __init__(self, root: Path) -> None:
        self.root, self.images, self.work = root, root / "images", root / "work"
        self.lines: list[str] = []
        self.cancelled = threading.Event()

    def plan(self, files: dict[str, str], **fields: Any) -> BuildPlan:
        """How these files are built."""
        with pack(self.root / f"plan-{threading.get_ident()}.tgz", files).open("rb") as archive:
            return rules.plan(list_source(archive), ServiceSpec.model_validate(fields), "web")

    def build(self, files: dict[str, str], timeout: int = 300, **fields: Any) -> str:
        """Builds these files; the digest."""
        plan = self.plan(files, **fields)
        archive = pack(self.root / f"source-{threading.get_ident()}.tgz", files)
        return build(archive, plan, self.images, self.work, self.root / "cache", self.lines.append, self.cancelled, timeout)

    def image(self, digest: str) -> Path:
        """The folder of an image."""
        return self.images / digest.replace(":", "-")

    def manifest(self, digest: str) -> dict[str, Any]:
        """What the image says of itself."""
        return json.loads((self.image(digest) / "image.json").read_text())


@contextmanager
def running(image: Path, port: int) -> Iterator[str]:
    """Runs an image the way the node does; its address once it answers."""
    manifest = json.loads((image / "image.json").read_text())
    env = {name: value.replace("${IMAGE}", str(image)) for name, value in manifest["env"].items()}
    home = {"HOME": str(image.parent.parent), "PORT": str(port)}
    process = subprocess.Popen(
        manifest["command"], cwd=image / manifest["workdir"], env={**env, **home}, start_new_session=True
    )
    try:
        yield _answering(f"http://127.0.0.1:{port}/", process)
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)


def _answering(address: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 90
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30):
                return address
        except OSError:
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "the service never answered"
            time.sleep(0.05)


def is_over(pid: int) -> bool:
    """Whether a process ends within a minute; one that nobody has waited for yet has ended too."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def fetch(address: str) -> str:
    """The body at an address."""
    with urllib.request.urlopen(address, timeout=30) as answer:
        return str(answer.read().decode())

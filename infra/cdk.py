"""`python -m infra.cdk`: the CDK command of the version that `infra/cdk-cli` locks, run in this folder by the Node of the lock.

It is installed at first use. All that follows is the command's own: `python -m infra.cdk diff -c stage=prod`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from infra.node import install_locked, locked_node, with_node

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "cdk-cli"
"""The one place that says which version: `package.json`, and with its digest `package-lock.json`."""
_COMMAND = PACKAGE / "node_modules" / "aws-cdk" / "bin" / "cdk"


def main(arguments: list[str]) -> int:
    """Answers the command's exit code."""
    try:
        install_locked(PACKAGE)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"The CDK command was not installed: {error}. It needs the network once; run this again.", file=sys.stderr)
        return 1
    command = [str(locked_node() or "node"), str(_COMMAND), *arguments]
    return subprocess.run(command, cwd=HERE, env=with_node(dict(os.environ)), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m cygni.cli`: the same as the `cygni` command."""

from __future__ import annotations

from cygni.cli.main import run

if __name__ == "__main__":
    run()

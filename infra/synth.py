"""`make synth`: synthesizes the stages and has the templates judged. Prints where they are; fails on a finding.

usage: python -m infra.synth [STAGE …]
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.findings import judged
from infra.settings import stages

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "cdk"


def synthesize(stage: str) -> list[str]:
    """Synthesizes one stage in a process of its own. Answers what cdk-nag, CloudFormation's rules or the settings refuse."""
    out = FOLDER / stage
    command = [sys.executable, str(ROOT / "infra" / "app.py")]
    environment = {"CYGNI_STAGE": stage, "CDK_OUTDIR": str(out)}
    done = subprocess.run(command, env={**_environment(), **environment}, capture_output=True, text=True, check=False)
    if done.returncode == 0 and "WARNING" not in done.stderr + done.stdout:
        return []
    return told(done.stderr + done.stdout)


def told(output: str) -> list[str]:
    """What of a synthesis's output says why it was refused, without the traces of CDK's kernel."""
    kept = output.partition("jsii.errors")[0]
    lines = [line for line in kept.splitlines() if line.strip() and not line.startswith("Creating deployment package")]
    return lines or [re.sub(r"\s+", " ", output[-2000:])]


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}


def main(names: list[str]) -> None:
    """All stages, two at once, then the judges; ends with 1 when there is a finding."""
    begun = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        found = [f"{name}: {line}" for name, lines in zip(names, pool.map(synthesize, names), strict=True) for line in lines]
    for name in names:
        if not any(line.startswith(f"{name}: ") for line in found):
            found += [f"{name}: {line}" for line in judged(FOLDER / name)]
            count = len(list((FOLDER / name).glob("*.template.json")))
            print(f"{name}: {count} templates in {(FOLDER / name).relative_to(ROOT)}")
    print("\n".join([*found, f"{len(found)} findings, {time.monotonic() - begun:.0f} s"]))
    sys.exit(bool(found))


if __name__ == "__main__":
    main(sys.argv[1:] or stages())

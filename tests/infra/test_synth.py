"""Synthesis as a command: the same bytes each time, and a wrong setting ends it with the setting's name."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("aws_cdk") is None, reason="`make synth` installs CDK, and `make test` does without"),
]


def synthesize(stage: str, out: Path) -> subprocess.CompletedProcess[str]:
    """Runs the CDK app without a Node, a CDK command or credentials of the machine's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "JSII_"))}
    environment = kept | {"CYGNI_STAGE": stage, "CDK_OUTDIR": str(out), "PATH": str(Path(sys.executable).parent)}
    return subprocess.run(
        [sys.executable, "infra/app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def test_two_syntheses_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        done = synthesize("dev", tmp_path / name)
        assert done.returncode == 0, done.stderr

    first, second = ({each.name: each.read_bytes() for each in (tmp_path / name).glob("*.json")} for name in ("a", "b"))
    assert first == second
    assert {"cygni-data.template.json", "cygni-control-plane.template.json"} <= set(first)


def test_a_stage_that_nobody_wrote_ends_synthesis_with_one_sentence(tmp_path: Path) -> None:
    done = synthesize("production", tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("There is no stage 'production'")
    assert "Traceback" not in done.stderr

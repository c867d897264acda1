"""The workflows and the hooks: what they name is there, what they run is pinned, and they may do little."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.workflows import ROOT, TARGETS, WORKFLOWS, asked, jobs, read, steps

STRONG = {
    ("ci.yml", "synth", "pull-requests"),
    ("release.yml", "publish", "contents"),
    ("release.yml", "publish", "id-token"),
    ("release.yml", "publish", "attestations"),
    ("release.yml", "deploy", "id-token"),
    ("deploy.yml", "staging", "id-token"),
    ("deploy.yml", "production", "id-token"),
    ("deploy-stage.yml", "deploy", "id-token"),
}
"""Workflow, job and what it may write: each with its reason beside it in the file."""


def test_every_action_of_others_is_pinned_by_its_commit_and_says_its_version() -> None:
    for path in WORKFLOWS:
        used = re.findall(r"uses: (\S+)(.*)", path.read_text())
        for action, comment in used:
            assert action.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
            assert action.startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_a_job_may_read_the_code_and_write_nothing_but_what_is_listed() -> None:
    written = set()
    for path in WORKFLOWS:
        assert read(path)["permissions"] == {"contents": "read"}
    for workflow, name, job in jobs():
        written |= {(workflow, name, right) for right, kind in job.get("permissions", {}).items() if kind == "write"}

    assert written == STRONG


def test_no_job_may_run_for_ever_and_no_checkout_leaves_its_token_behind() -> None:
    assert [name for _, name, job in jobs() if "uses" not in job and "timeout-minutes" not in job] == []
    for step in steps():
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_workflow_makes_has_a_target_and_what_it_calls_is_there(path: Path) -> None:
    for _, _, job in (each for each in jobs() if each[0] == path.name):
        assert "uses" not in job or (ROOT / job["uses"]).is_file()
        for step in job.get("steps", ()):
            assert set(asked(step.get("run", ""))) <= TARGETS


def test_what_somebody_else_wrote_is_never_part_of_a_script() -> None:
    for step in steps():
        assert "${{ github.event" not in str(step.get("run", ""))
        assert "${{ inputs" not in str(step.get("run", ""))


def test_the_hooks_run_what_is_there() -> None:
    hooks = read(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]

    for hook in hooks:
        targets = asked(hook["entry"])
        assert set(targets) <= TARGETS
        assert targets or hook["entry"].startswith(".venv/bin/")

"""The workflows, the container and the hooks: what they name is there, what they run is pinned, and they may do little."""

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


def test_the_container_copies_what_is_there_and_runs_as_nobody_of_importance() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]]

    assert [each for each in copied if not (ROOT / each).exists()] == []
    assert lines.index("USER cygni") > max(n for n, line in enumerate(lines) if line.startswith("FROM "))
    assert not [line for line in lines if line.startswith("FROM ") and ":" not in line]


def test_the_container_has_every_package_that_the_embedded_cloud_imports() -> None:
    copied = re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    imported = set()
    for path in (ROOT / "cygni").rglob("*.py"):
        imported |= set(
            re.findall(r"^(?:from|import) (chalicelib|cygni|functions|infra|tools|bench|tests)\b", path.read_text(), re.M)
        )

    assert imported <= set(copied)


def test_compose_starts_what_the_container_is() -> None:
    service = read(ROOT / "docker-compose.yml")["services"]["cygni"]

    assert service["build"] == "."
    assert service["network_mode"] == "host"  # the embedded cloud listens on the loopback interface alone
    assert [each.split(":")[1] for each in service["volumes"]] == ["/state"]


def test_the_hooks_run_what_is_there() -> None:
    hooks = read(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]

    for hook in hooks:
        targets = asked(hook["entry"])
        assert set(targets) <= TARGETS
        assert targets or hook["entry"].startswith(".venv/bin/")

"""The workflows, the container and the hooks: what they name is there, what they run is pinned, and they may do little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.skips import WANTED

ROOT = Path(__file__).parents[2]
CI = ROOT / ".github" / "workflows" / "ci.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKE = re.compile(r"(?<![\w./-])make ((?:[a-z./-]+ ?)+)")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {".venv/.infra"}
STRONG = {
    ("ci.yml", "synth", "pull-requests"),
    ("release.yml", "build", "contents"),
    ("release.yml", "build", "id-token"),
    ("release.yml", "build", "attestations"),
    ("release.yml", "deploy", "id-token"),
    ("deploy.yml", "staging", "id-token"),
    ("deploy.yml", "production", "id-token"),
    ("deploy-stage.yml", "deploy", "id-token"),
}
"""Workflow, job and what it may write: each with its reason beside it in the file."""


MADE = {
    r"gh release (create|edit)|createRelease|action-gh-release": "release",
    r"git push|createRef": "push",
    r"gh pr create|pulls\.create|create-pull-request": "pull_request",
    r"gh issue create|issues\.create\(": "issues",
    r"createComment|gh (pr|issue) comment": "issue_comment",
    r"createDeployment": "deployment",
}
"""What a step says, and the event that comes of it: with the workflow's own token it starts no workflow."""


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield path.name, name, job


def steps() -> Iterator[dict[str, Any]]:
    for _, _, job in jobs():
        yield from job.get("steps", ())


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


def heard(path: Path) -> dict[str, Any]:
    """The events that start a workflow. YAML 1.1 takes `on` for a truth."""
    loaded: dict[Any, Any] = read(path)
    return dict(loaded[True])


def made() -> set[str]:
    """The events that workflows make by themselves."""
    said = "\n".join(yaml.safe_dump(step, width=10**6) for step in steps())
    return {event for words, event in MADE.items() if re.search(words, said)}


def test_no_workflow_waits_for_an_event_that_another_makes_with_its_own_token() -> None:
    assert {"release", "issue_comment"} <= made()  # else this looks for what nobody says any more
    assert [(path.name, event) for path in WORKFLOWS for event in made() & set(heard(path))] == []


def test_a_release_goes_to_staging_and_then_to_production_where_somebody_approves() -> None:
    released = read(ROOT / ".github/workflows/release.yml")["jobs"]
    publishes = [name for name, job in released.items() if "gh release create" in str(job)]
    deploys = [job for job in released.values() if job.get("uses") == "./.github/workflows/deploy.yml"]
    assert [job["needs"] for job in deploys] == publishes
    assert [job["with"]["ref"] for job in deploys] == ["${{ github.ref }}"]

    staging, production = read(ROOT / ".github/workflows/deploy.yml")["jobs"].values()
    assert "needs" not in staging
    assert production["needs"] == "staging"
    assert [(job["with"]["stage"], job["with"]["environment"]) for job in (staging, production)] == [
        ("staging", "staging"),
        ("prod", "production"),
    ]
    (deploy,) = read(ROOT / ".github/workflows/deploy-stage.yml")["jobs"].values()
    assert deploy["environment"] == "${{ inputs.environment }}"  # whose reviewers are the approval


def test_a_workflow_that_calls_another_gives_what_it_asks_for_and_may_do_what_it_does() -> None:
    for workflow, name, job in (each for each in jobs() if "uses" in each[2]):
        called = ROOT / job["uses"]
        inputs = heard(called)["workflow_call"]["inputs"]
        assert {key for key, each in inputs.items() if each["required"]} <= set(job["with"]) <= set(inputs), (workflow, name)
        for inner in read(called)["jobs"].values():
            assert inner["permissions"].items() <= job["permissions"].items(), (workflow, name)


def asked(script: str) -> list[str]:
    """What a script makes, in its order."""
    return [word for found in MAKE.findall(re.sub(r"#.*", "", script)) for word in found.split()]


def test_the_workflow_makes_all_that_has_to_hold_before_a_change_lands() -> None:
    checked = {target for job in read(CI)["jobs"].values() for step in job["steps"] for target in asked(step.get("run", ""))}

    assert {"check", "synth", "cluster-programs", "test", "test-cluster"} == set(asked((ROOT / ".ci" / "run").read_text()))
    assert set(asked((ROOT / ".ci" / "run").read_text())) <= checked


def test_no_test_is_skipped_for_want_of_a_tool_where_the_workflow_runs_the_suite() -> None:
    running = [
        (job, number)
        for job in read(CI)["jobs"].values()
        for number, step in enumerate(job["steps"])
        if {"test", "test-cluster"} & set(asked(step.get("run", "")))
    ]

    assert len(running) == 2
    for job, number in running:
        before = [step.get("run", "") for step in job["steps"][:number]]
        assert job["steps"][number]["env"] == {WANTED: "1"}
        assert any("install" in script and "prometheus" in script for script in before)
        if "test" in asked(job["steps"][number]["run"]):
            assert {".venv/.infra", "cluster-programs"} <= {target for script in before for target in asked(script)}


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

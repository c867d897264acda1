"""How a change becomes a release, and a release what runs: each step leads to the next, and has no more rights than it uses."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.support.skips import WANTED
from tests.support.workflows import FOLDER, ROOT, WORKFLOWS, asked, heard, jobs, jobs_of, made_by, read, steps

RUN = (ROOT / ".ci" / "run").read_text()
MADE = {
    r"gh release (create|edit)|createRelease|action-gh-release": "release",
    r"git push|createRef": "push",
    r"gh pr create|pulls\.create|create-pull-request": "pull_request",
    r"gh issue create|issues\.create\(": "issues",
    r"createComment|gh (pr|issue) comment": "issue_comment",
    r"createDeployment": "deployment",
}
"""What a step says, and the event that comes of it: with the workflow's own token it starts no workflow."""
DEPLOY = "./.github/workflows/deploy.yml"


def made() -> set[str]:
    """The events that workflows make by themselves."""
    said = "\n".join(yaml.safe_dump(step, width=10**6) for step in steps())
    return {event for words, event in MADE.items() if re.search(words, said)}


def test_no_workflow_waits_for_an_event_that_another_makes_with_its_own_token() -> None:
    assert {"release", "issue_comment"} <= made()  # else this looks for what nobody says any more
    assert [(path.name, event) for path in WORKFLOWS for event in made() & set(heard(path))] == []


def test_the_workflow_makes_all_that_has_to_hold_before_a_change_lands() -> None:
    assert {"check", "synth", "cluster-programs", "test", "test-cluster"} == set(asked(RUN))
    assert set(asked(RUN)) <= {target for job in jobs_of("ci.yml").values() for target in made_by(job)}


def test_no_test_is_skipped_for_want_of_a_tool_where_a_workflow_runs_the_suite() -> None:
    running = [
        (job, number, target)
        for _, _, job in jobs()
        for number, step in enumerate(job.get("steps", ()))
        for target in {"test", "test-cluster"} & set(asked(step.get("run", "")))
    ]

    assert [target for _, _, target in running] == ["test", "test-cluster", "test"]
    for job, number, target in running:
        before = {"steps": job["steps"][:number]}
        assert job["steps"][number]["env"] == {WANTED: "1"}
        assert any(
            "install" in step.get("run", "") and "prometheus" in step["run"] for step in before["steps"] if "run" in step
        )
        assert target != "test" or {".venv/.infra", "cluster-programs"} <= set(made_by(before))


def test_what_is_installed_what_is_committed_and_the_workflows_themselves_are_looked_through() -> None:
    checked = {target for job in jobs_of("ci.yml").values() for target in made_by(job)}
    (looking,) = [job for job in jobs_of("ci.yml").values() if "secrets" in made_by(job)]

    assert {"audit", "secrets", "workflows", "synth"} <= checked
    assert looking["steps"][0]["with"]["fetch-depth"] == 0  # a secret that was taken away again is known, too


def test_the_container_is_built_and_started_and_an_app_in_it_answers() -> None:
    (job,) = [job for job in jobs_of("ci.yml").values() if "docker compose" in str(job)]
    scripts = [step["run"] for step in job["steps"] if "run" in step]

    assert re.search(r"docker compose up .*--wait", scripts[0])
    assert re.search(r"docker compose exec -T cygni .*cygni deploy", scripts[1])
    assert re.search(r"curl --fail .*http://hello\.localhost:8080/", scripts[2])


def test_a_release_is_published_when_it_is_tested_from_what_was_built_and_by_a_job_that_runs_nothing_of_it() -> None:
    released = jobs_of("release.yml")
    publish = released["publish"]
    used = [step.get("uses", "").partition("@")[0] for step in publish["steps"]]

    assert publish["needs"] == ["test", "build"]
    assert {"check", "test"} <= set(made_by(released["test"]))
    assert made_by(released["build"]) == ["dist"]
    assert used == ["actions/download-artifact", "actions/attest-build-provenance", ""]
    (built,) = [step["with"] for step in released["build"]["steps"] if "upload-artifact" in step.get("uses", "")]
    assert (built["name"], built["path"]) == (publish["steps"][0]["with"]["name"], "build/dist")


def test_a_release_goes_to_staging_and_then_to_production_where_somebody_approves() -> None:
    released = jobs_of("release.yml")
    (publish,) = [name for name, job in released.items() if "gh release create" in str(job)]
    (deploy,) = [job for job in released.values() if job.get("uses") == DEPLOY]
    assert deploy["needs"] == publish
    assert deploy["with"] == {"ref": "${{ github.ref }}"}

    staging, production = jobs_of("deploy.yml").values()
    assert "needs" not in staging
    assert production["needs"] == "staging"
    assert [(job["with"]["stage"], job["with"]["environment"]) for job in (staging, production)] == [
        ("staging", "staging"),
        ("prod", "production"),
    ]


def test_a_deploy_waits_for_approval_and_takes_the_templates_as_they_were_judged_by_a_command_that_is_locked() -> None:
    synthesize, deploy = jobs_of("deploy-stage.yml").values()

    assert made_by(synthesize) == ["synth"]
    assert "environment" not in synthesize
    assert deploy["needs"] == "synthesize"
    assert deploy["environment"] == "${{ inputs.environment }}"  # whose reviewers are the approval
    assert made_by(deploy) == []
    assert [step["run"].split()[:3] for step in deploy["steps"] if "run" in step] == [["python3", "-m", "infra.cdk"]] * 2
    assert "npx" not in "".join(path.read_text() for path in WORKFLOWS)
    given = [step["with"] for step in (*synthesize["steps"], *deploy["steps"]) if "artifact@" in step.get("uses", "")]
    assert len(given) == 2
    assert given[0]["name"] == given[1]["name"]
    assert given[0]["path"] == given[1]["path"] == "build/cdk/${{ inputs.stage }}"


@pytest.mark.parametrize("right", ["contents", "id-token"])
def test_no_job_that_may_write_or_sign_installs_libraries_or_runs_tests(right: str) -> None:
    strong = [job for _, _, job in jobs() if job.get("permissions", {}).get(right) == "write" and "steps" in job]

    assert strong
    for job in strong:
        assert made_by(job) == []
        assert not re.search(r"pip |uv |pytest|setup-python", str(job["steps"]))


def test_a_workflow_that_calls_another_gives_what_it_asks_for_and_may_do_what_it_does() -> None:
    for workflow, name, job in (each for each in jobs() if "uses" in each[2]):
        called = ROOT / job["uses"]
        inputs = heard(called)["workflow_call"]["inputs"]
        assert {key for key, each in inputs.items() if each["required"]} <= set(job["with"]) <= set(inputs), (workflow, name)
        for inner in read(called)["jobs"].values():
            assert inner.get("permissions", {}).items() <= job["permissions"].items(), (workflow, name)


def test_what_is_pinned_by_a_digest_or_a_commit_is_kept_young() -> None:
    updates: list[dict[str, Any]] = read(FOLDER.parent / "dependabot.yml")["updates"]
    locks = [path.relative_to(ROOT).parent for path in ROOT.glob("*/*/package-lock.json")]
    locked = {
        f"/{folder}" for folder in locks if folder.parts[0] not in {".venv", "examples"}
    }  # whoever copies an example updates it

    assert {each["package-ecosystem"] for each in updates} == {"github-actions", "docker", "npm"}
    assert {each["directory"] for each in updates if each["package-ecosystem"] == "npm"} == locked

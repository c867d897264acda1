"""The script is run for real by bash and jq, with stand-ins for `aws` and `docker` that record what they are told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.builds.buildspec import VARIABLES, buildspec, buildspec_dict, document, plan_of
from tests.chalicelib.builds.support import planned

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web"
DIGEST = "sha256:" + "a" * 64

AWS = """#!/bin/sh
if [ "$1" = ecr ]; then echo token; exit; fi
while [ $# -gt 2 ]; do shift; done
case "$2" in
  s3://bucket/*) cp "$1" "$BUCKET/${2##*/}" ;;
  *) cp "$BUCKET/${1##*/}" "$2" ;;
esac
"""
DOCKER = """#!/bin/sh
for argument; do printf '%s\\n' "$argument"; done > "$BUCKET/arguments"
echo building; echo "went wrong" >&2
[ -n "$DIGEST" ] && printf '%s' "$DIGEST" > "$WORK/out/digest"
test -n "$DIGEST"
"""

pytestmark = pytest.mark.skipif(not (shutil.which("jq") and shutil.which("bash")), reason="the build machine has bash and jq")


class Machine:
    """A build machine with stand-ins; `bucket` is a folder."""

    def __init__(self, root: Path, stored: dict[str, Any]) -> None:
        self.bucket, self.work, tools = root / "bucket", root / "work dir", root / "tools"
        for folder in (self.bucket, tools):
            folder.mkdir()
        for name, text in (("aws", AWS), ("docker", DOCKER)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        (self.bucket / "source.tar.gz").write_bytes(b"packed")
        (self.bucket / "plan.json").write_text(json.dumps(stored))
        keys = {
            "SOURCE_KEY": "a/source.tar.gz",
            "PLAN_KEY": "a/plan.json",
            "RESULT_KEY": "a/result.json",
            "LOG_KEY": "a/log.txt",
        }
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "WORK": str(self.work),
            "BUCKET": str(self.bucket),
            "SOURCE_BUCKET": "bucket",
            "IMAGE": IMAGE,
            "CACHE_REPO": IMAGE + "/cache",
            "CODEBUILD_BUILD_NUMBER": "7",
            **keys,
        }

    def run(self, digest: str) -> int:
        """Runs all phases, each command by a shell of its own as far as it is not told otherwise; the last one's exit code."""
        code = 0
        for phase in buildspec_dict("kaniko:1")["phases"].values():
            for command in phase["commands"]:
                code = subprocess.run(
                    ["bash", "-c", command], env={**self.environment, "DIGEST": digest}, check=False
                ).returncode
        return code

    def result(self) -> dict[str, Any]:
        return json.loads((self.bucket / "result.json").read_text())

    def arguments(self) -> list[str]:
        return (self.bucket / "arguments").read_text().splitlines()


def test_it_is_valid_yaml_that_names_the_executor_quoted() -> None:
    loaded = yaml.safe_load(buildspec("registry/kaniko:v1; rm"))

    assert loaded["version"] == 0.2
    assert "'registry/kaniko:v1; rm'" in loaded["phases"]["build"]["commands"][0]


def test_every_variable_it_takes_is_used() -> None:
    assert all(f"${name}" in buildspec("kaniko") or f"${{{name}" in buildspec("kaniko") for name in VARIABLES)


def test_a_build_leaves_its_digest_and_its_log(tmp_path: Path) -> None:
    machine = Machine(tmp_path, document(planned({"main.py": ""})))

    assert machine.run(DIGEST) == 0
    assert machine.result() == {"digest": DIGEST}
    assert "building" in (machine.bucket / "log.txt").read_text()


def test_the_executor_is_given_the_archive_a_dockerfile_and_nothing_of_aws(tmp_path: Path) -> None:
    machine = Machine(tmp_path, document(planned({"main.py": ""})))

    machine.run(DIGEST)

    told = machine.arguments()
    assert "--dockerfile=/kaniko/cygni/in/Dockerfile" in told
    assert told[told.index("--destination") + 1] == IMAGE + ":build-7"
    assert {"--reproducible", "--snapshot-mode=redo", "--cache=true"} <= set(told)
    assert not any(argument.startswith(("--env", "-e", "AWS")) for argument in told)
    assert (machine.work / "in" / "Dockerfile").read_text().startswith("# Written by Cygni")


def test_the_registry_token_is_where_the_executor_looks_for_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, document(planned({"main.py": ""})))

    machine.run(DIGEST)

    assert json.loads((machine.work / "docker" / "config.json").read_text()) == {
        "auths": {IMAGE.partition("/")[0]: {"auth": "QVdTOnRva2Vu"}}
    }


def test_a_dockerfile_of_the_source_is_built_where_it_is(tmp_path: Path) -> None:
    plan = planned({"api/ops/my file": None}, build={"context": "api", "dockerfile": "ops/my file"})
    machine = Machine(tmp_path, document(plan))

    machine.run(DIGEST)

    assert {"--dockerfile=ops/my file", "--context-sub-path=api"} <= set(machine.arguments())


@pytest.mark.parametrize("name", ["$(touch pwned)", "a; touch pwned", "a' b", "-x"])
def test_a_name_from_the_source_is_never_run(tmp_path: Path, name: str) -> None:
    machine = Machine(tmp_path, document(planned({f"{name}/Dockerfile": ""}, build={"context": name})))

    assert machine.run(DIGEST) == 0
    assert f"--context-sub-path={name}" in machine.arguments()
    assert not Path("pwned").exists()


def test_a_build_that_fails_leaves_its_last_lines_and_fails_the_job(tmp_path: Path) -> None:
    machine = Machine(tmp_path, document(planned({"main.py": ""})))

    assert machine.run("") != 0
    assert machine.result() == {"error": "The build failed.\nbuilding\nwent wrong\n", "code": "build-failed"}


def test_the_plan_is_in_its_document() -> None:
    plan = planned({"main.py": ""})

    assert plan_of(json.loads(json.dumps(document(plan)))) == plan
    assert document(planned({"Dockerfile": ""}))["dockerfile"] is None

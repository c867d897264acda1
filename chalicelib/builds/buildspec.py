"""What CodeBuild runs: one fixed script, the same for every build. Pure.

Kaniko builds in its own container's root file system: it unpacks the base image over `/` and empties it between stages. So
it cannot be CodeBuild's environment image, where that would take away the agent's own files (and its debug image has no
AWS command to fetch a source with). The environment is a standard CodeBuild image in privileged mode, for Docker, and the
executor runs in a container of its own, `docker run`.

That container is where a stranger's build commands run. It is given three things and no more: the archive, which nobody
has unpacked outside of it; the Dockerfile; and a registry token. The job's AWS credentials stay outside. A build command
could read the token, so the role of the CodeBuild project must be able to push to this installation's repositories only.

All that differs between builds comes by environment variables, and by the plan document that PLAN_KEY names. Nothing that
a user wrote is ever a part of the script: values are read by `jq` into variables, and stand in quotes wherever they are
used. Whether the build succeeded is decided in one place, at the end: by whether the executor left a digest.

| variable | |
| --- | --- |
| SOURCE_BUCKET | bucket of all keys |
| SOURCE_KEY | the source's tar.gz |
| PLAN_KEY | the plan document, `document(plan)` |
| RESULT_KEY | where the result goes: `{"digest": …}`, or `{"error": …, "code": …}` |
| LOG_KEY | where the build's log goes; optional |
| IMAGE | repository to push to, without a tag |
| CACHE_REPO | repository of cached layers |
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from chalicelib.builds.dockerfile import dockerfile
from chalicelib.builds.plan import BuildPlan, Kind

VARIABLES = ("SOURCE_BUCKET", "SOURCE_KEY", "PLAN_KEY", "RESULT_KEY", "IMAGE", "CACHE_REPO")
"""What a build must be started with."""


def document(plan: BuildPlan) -> dict[str, Any]:
    """What is stored at PLAN_KEY: the plan, and the Dockerfile written from it (null when the source has its own)."""
    generated = None if plan.kind is Kind.DOCKERFILE else dockerfile(plan)
    return {"plan": plan.to_dict(), "dockerfile": generated}


def plan_of(stored: Mapping[str, Any]) -> BuildPlan:
    """The plan in a document."""
    return BuildPlan.from_dict(stored["plan"])


def buildspec(kaniko_image: str) -> str:
    """The buildspec as YAML, with the executor's image. It is the same for all builds."""
    import yaml

    return yaml.safe_dump(buildspec_dict(kaniko_image), sort_keys=False, width=1000)


def buildspec_dict(kaniko_image: str) -> dict[str, Any]:
    """The buildspec as data; see the module for what its script does."""
    return {
        "version": 0.2,
        "env": {"shell": "bash", "variables": {"WORK": "/tmp/build"}},  # noqa: S108 - the machine is this build's alone
        "phases": {
            "pre_build": {"commands": [_FETCH, _LOGIN]},
            "build": {"commands": [_BUILD.replace("KANIKO_IMAGE", shlex.quote(kaniko_image))]},
            "post_build": {"commands": [_REPORT]},
        },
    }


_FETCH = """\
set -euo pipefail
mkdir -p "$WORK/in" "$WORK/out" "$WORK/docker"
aws s3 cp --only-show-errors "s3://$SOURCE_BUCKET/$SOURCE_KEY" "$WORK/in/source.tar.gz"
aws s3 cp --only-show-errors "s3://$SOURCE_BUCKET/$PLAN_KEY" "$WORK/plan.json"
jq -j '.dockerfile // empty' "$WORK/plan.json" > "$WORK/in/Dockerfile"
echo '{}' > "$WORK/docker/config.json"
"""

_LOGIN = """\
set -euo pipefail
REGISTRY="${IMAGE%%/*}"
case "$REGISTRY" in
  *.dkr.ecr.*.amazonaws.com*)
    TOKEN="$(aws ecr get-login-password | tr -d '\\n')"
    printf 'AWS:%s' "$TOKEN" | base64 -w0 | jq -R --arg registry "$REGISTRY" \\
      '{auths: {($registry): {auth: .}}}' > "$WORK/docker/config.json" ;;
esac
"""

_BUILD = """\
set -uo pipefail
CONTEXT="$(jq -r '.plan.context' "$WORK/plan.json")"
DOCKERFILE="$(jq -r '.plan.dockerfile' "$WORK/plan.json")"
if [ -s "$WORK/in/Dockerfile" ]; then DOCKERFILE=/kaniko/cygni/in/Dockerfile; fi
docker run --rm \\
  --volume "$WORK/in:/kaniko/cygni/in:ro" \\
  --volume "$WORK/out:/kaniko/cygni/out" \\
  --volume "$WORK/docker:/kaniko/.docker" \\
  KANIKO_IMAGE \\
  --context tar:///kaniko/cygni/in/source.tar.gz \\
  --context-sub-path="$CONTEXT" \\
  --dockerfile="$DOCKERFILE" \\
  --destination "$IMAGE:build-$CODEBUILD_BUILD_NUMBER" \\
  --digest-file /kaniko/cygni/out/digest \\
  --cache=true \\
  --cache-repo "$CACHE_REPO" \\
  --reproducible \\
  --snapshot-mode=redo \\
  --push-retry 3 \\
  --image-download-retry 3 \\
  --log-format text \\
  2>&1 | tee "$WORK/log.txt" || true
"""

_REPORT = """\
set -euo pipefail
if [ -s "$WORK/out/digest" ]; then
  jq -n --rawfile digest "$WORK/out/digest" '{digest: ($digest | rtrimstr("\\n"))}' > "$WORK/result.json"
else
  tail -n 20 "$WORK/log.txt" 2>/dev/null | jq -Rs \\
    '{error: ("The build failed.\\n" + .), code: "build-failed"}' > "$WORK/result.json"
fi
if [ -n "${LOG_KEY:-}" ] && [ -e "$WORK/log.txt" ]; then
  aws s3 cp --only-show-errors "$WORK/log.txt" "s3://$SOURCE_BUCKET/$LOG_KEY"
fi
aws s3 cp --only-show-errors --content-type application/json "$WORK/result.json" "s3://$SOURCE_BUCKET/$RESULT_KEY"
test -s "$WORK/out/digest"
"""

"""The tokens that GitHub Actions gives the jobs of a workflow, with the claims that the real ones have.

Names and forms are those of GitHub's OpenID Connect reference; every claim is a string but the times. What the caller leaves
out is filled in, always alike for the same repository.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cygni.local.idp.keys import ALGORITHM

TOKEN_SECONDS, BACKDATED_SECONDS = 300, 600
VALUE_LIMIT = 300

_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}")
_REF = re.compile(r"refs/(heads|tags|pull)/[!-~]+")
_NUMBER = re.compile(r"[0-9]{1,20}")
_NUMBERS = ("repository_id", "repository_owner_id", "actor_id", "run_id", "run_number", "run_attempt")
_REF_TYPES = {"heads": "branch", "tags": "tag", "pull": "branch"}


class NotAJob(ValueError):
    """The fields describe no job; the message names the field and says what it must be."""


@dataclass(frozen=True, slots=True)
class Job:
    """The job of a workflow that asks for a token. An empty field is filled in from the others.

    `immutable_subject` puts the ids of owner and repository into `sub`, as GitHub does for repositories made since July 2026.
    """

    repository: str
    repository_id: str = ""
    repository_owner: str = ""
    repository_owner_id: str = ""
    repository_visibility: str = "private"
    ref: str = "refs/heads/main"
    head_ref: str = ""
    base_ref: str = ""
    sha: str = ""
    environment: str = ""
    event_name: str = ""
    workflow: str = ""
    workflow_ref: str = ""
    job_workflow_ref: str = ""
    actor: str = ""
    actor_id: str = ""
    run_id: str = "1"
    run_number: str = "1"
    run_attempt: str = "1"
    runner_environment: str = "github-hosted"
    audience: str = ""
    immutable_subject: bool = False


_FIELDS = tuple(each.name for each in fields(Job))
_CLAIMS = sorted({"sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref_type", *_FIELDS} - {"audience", "immutable_subject"})


def read_job(given: Mapping[str, Any]) -> Job:
    """The job that a request describes. Raises NotAJob."""
    unknown = sorted(set(given) - set(_FIELDS))
    if unknown:
        raise NotAJob(f"{unknown[0]} is not a field; the fields are {', '.join(_FIELDS)}.")
    values: dict[str, Any] = {"repository": ""} | {name: _value(name, value) for name, value in given.items()}
    job = Job(**values)
    if not _REPOSITORY.fullmatch(job.repository):
        raise NotAJob("repository must be owner/name.")
    if job.repository_owner not in ("", job.repository.partition("/")[0]):
        raise NotAJob("repository_owner must be the owner in repository.")
    if not _REF.fullmatch(job.ref):
        raise NotAJob("ref must be whole: refs/heads/…, refs/tags/… or refs/pull/….")
    for name in _NUMBERS:
        if (value := getattr(job, name)) and not _NUMBER.fullmatch(value):
            raise NotAJob(f"{name} must be a number.")
    return job


def job_claims(job: Job, issuer: str, now: int, token_id: str) -> dict[str, Any]:
    """The claims of the job's token. `now` is Unix time, `token_id` the `jti`."""
    owner = job.repository.partition("/")[0]
    workflow_ref = job.workflow_ref or f"{job.repository}/.github/workflows/deploy.yml@{job.ref}"
    claims = {
        "repository": job.repository,
        "repository_id": job.repository_id or _number(job.repository),
        "repository_owner": owner,
        "repository_owner_id": job.repository_owner_id or _number(owner),
        "repository_visibility": job.repository_visibility,
        "ref": job.ref,
        "ref_type": _REF_TYPES[job.ref.split("/")[1]],
        "head_ref": job.head_ref,
        "base_ref": job.base_ref,
        "sha": job.sha or hashlib.sha1(f"{job.repository}@{job.ref}".encode(), usedforsecurity=False).hexdigest(),
        "event_name": job.event_name or _event(job.ref),
        "workflow": job.workflow or "deploy",
        "workflow_ref": workflow_ref,
        "job_workflow_ref": job.job_workflow_ref or workflow_ref,
        "actor": job.actor or owner,
        "actor_id": job.actor_id or _number(job.actor or owner),
        "run_id": job.run_id,
        "run_number": job.run_number,
        "run_attempt": job.run_attempt,
        "runner_environment": job.runner_environment,
    }
    if job.environment:
        claims["environment"] = job.environment
    times = {"iat": now, "nbf": now - BACKDATED_SECONDS, "exp": now + TOKEN_SECONDS}
    audience = job.audience or f"https://github.com/{owner}"
    return {"iss": issuer, "sub": _subject(job, claims), "aud": audience, "jti": token_id, **times, **claims}


def discovery(issuer: str) -> dict[str, Any]:
    """The metadata of the issuer of workflows' tokens."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks",
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": _CLAIMS,
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": ["openid"],
    }


def _value(name: str, value: Any) -> str | bool:
    if name == "immutable_subject":
        if value in (True, False, "true", "false"):
            return value in (True, "true")
        raise NotAJob("immutable_subject must be true or false.")
    if name in _NUMBERS and type(value) is int:
        value = str(value)
    if not isinstance(value, str) or len(value) > VALUE_LIMIT or not value.isprintable():
        raise NotAJob(f"{name} must be a text of at most {VALUE_LIMIT} printable characters.")
    return value


def _subject(job: Job, claims: Mapping[str, str]) -> str:
    """`repo:…` and then the environment, the pull request, or the ref: the first of these that there is."""
    owner, _, name = job.repository.partition("/")
    if job.immutable_subject:
        owner, name = f"{owner}@{claims['repository_owner_id']}", f"{name}@{claims['repository_id']}"
    if job.environment:
        return f"repo:{owner}/{name}:environment:{job.environment.replace(':', '%3A')}"
    if claims["event_name"] == "pull_request":
        return f"repo:{owner}/{name}:pull_request"
    return f"repo:{owner}/{name}:ref:{job.ref}"


def _event(ref: str) -> str:
    return "pull_request" if ref.startswith("refs/pull/") else "push"


def _number(name: str) -> str:
    """An id for a name that came without one; as at GitHub, the name's case does not matter."""
    return str(int(hashlib.sha256(name.lower().encode()).hexdigest()[:8], 16) + 1)

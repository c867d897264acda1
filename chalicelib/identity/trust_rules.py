"""Which workflows of GitHub Actions a trust means. Pure.

A trust names a repository, and may name its number, a ref and an environment. All that it names must be what the token of the
job says; what GitHub compares without regard to case (owners, repositories, environments) is compared so here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.identity.rules import Grant

ANY_BRANCH = "refs/heads/*"
"""What a trust without a ref means: a pull request's merge (`refs/pull/…`) and a tag are no branches."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Who is trusted, and with what. `ref` may have `*` for any run of characters."""

    id: str
    repository: str
    repository_id: str | None
    ref: str | None
    environment: str | None
    grant: Grant


def chosen(trusts: Iterable[Trust], claims: Mapping[str, Any]) -> Trust | None:
    """The trust that a job gets: of those that fit the highest role, then the one for the whole team, then the oldest."""
    fitting = [each for each in trusts if fits(each, claims)]
    return min(fitting, key=lambda each: (-each.grant.role.rank, bool(each.grant.scopes), each.id), default=None)


def fits(trust: Trust, claims: Mapping[str, Any]) -> bool:
    """Whether a job is one that the trust means. A claim that is missing or no text fits nothing."""
    if not _alike(trust.repository, claims.get("repository")):
        return False
    if trust.repository_id is not None and claims.get("repository_id") != trust.repository_id:
        return False
    if trust.environment is not None and not _alike(trust.environment, claims.get("environment")):
        return False
    ref = claims.get("ref")
    return isinstance(ref, str) and ref_fits(ANY_BRANCH if trust.ref is None else trust.ref, ref)


def ref_fits(pattern: str, ref: str) -> bool:
    """Whether a ref is as the pattern says: letter by letter, but for `*`, which stands for any characters or none."""
    first, *rest = pattern.split("*")
    if not rest:
        return ref == pattern
    *middle, last = rest
    if not ref.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = ref.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(ref) - at >= len(last) and ref.endswith(last)


def _alike(name: str, claim: object) -> bool:
    # GitHub's names are ASCII, so that no letter outside of it may pass for one within.
    return isinstance(claim, str) and claim.isascii() and name.lower() == claim.lower()

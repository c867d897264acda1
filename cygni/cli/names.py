"""Names people use instead of ids: a deployment is `latest`, `r3`, `3`, or its id; a release is `r3` or `3`."""

from __future__ import annotations

import re
from itertools import islice

from cygni.cli.api import Api, Place, every
from cygni.cli.errors import CliError, Problem, Usage
from cygni.cli.exits import Exit
from cygni.cli.shapes import Deployment

_RELEASE = re.compile(r"^r?([1-9][0-9]{0,5})$", re.IGNORECASE)
_SEARCHED = 500  # deployments looked through for a release that was never finished


def release_number(word: str) -> int:
    """The number in `r3` or `3`. Raises Usage."""
    matched = _RELEASE.match(word)
    if not matched:
        raise Usage(f"{word!r} is not a release.", remedy="Give its number, such as r3 or 3; `cygni releases` lists them.")
    return int(matched.group(1))


def deployment_id(api: Api, place: Place, word: str) -> str:
    """The id of the deployment that `word` names. Raises Usage, or Problem when there is none."""
    if word.startswith("dep_"):
        return word
    if word == "latest":
        return latest(api, place)["id"]
    if not _RELEASE.match(word):
        raise Usage(
            f"{word!r} is not a deployment.",
            remedy="Give an id (dep_…), a release (r3), or latest; `cygni deployments` lists them.",
        )
    number = release_number(word)
    try:
        return api.release(place, number)["deployment"]
    except Problem as problem:
        if problem.status != 404:
            raise
    made = every(lambda cursor: api.deployments(place, cursor=cursor, limit=100))
    for each in islice(made, _SEARCHED):
        if each["release"] == number:
            return str(each["id"])
    raise _absent(f"{place} has no release r{number}.")


def latest(api: Api, place: Place) -> Deployment:
    """The newest deployment. Raises CliError when there has been none."""
    found = api.deployments(place, limit=1)["items"]
    if not found:
        raise _absent(f"{place} has never been deployed.")
    return found[0]


def active(api: Api, place: Place) -> str:
    """The id of the deployment that is under way. Raises CliError when nothing is."""
    under_way = api.service(place)["active_deployment"]
    if under_way is None:
        raise CliError(
            f"Nothing is being deployed to {place}.",
            remedy="See what happened with `cygni deployments`.",
            exit_code=Exit.CONFLICT,
            code="nothing-active",
        )
    return under_way


def _absent(message: str) -> CliError:
    return CliError(
        message,
        remedy="Deploy with `cygni deploy`, or list with `cygni deployments`.",
        exit_code=Exit.NOT_FOUND,
        code="not-found",
    )

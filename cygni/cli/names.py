"""Names people use instead of ids: a deployment is `latest`, `r3`, `3`, or its id; a release is `r3` or `3`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, TypeVar

from cygni.cli.api import Api, Place, every
from cygni.cli.errors import CliError, Problem, Usage
from cygni.cli.exits import Exit
from cygni.cli.shapes import Deployment

_RELEASE = re.compile(r"^r?([1-9][0-9]{0,5})$", re.IGNORECASE)
Thing = TypeVar("Thing")
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


def awaiting(api: Api, place: Place) -> str:
    """The id of the one deployment that awaits approval. Raises CliError when there is none, Usage when there are several."""
    found = [each for each in api.deployments(place, limit=50)["items"] if each["state"] == "awaiting_approval"]
    if len(found) > 1:
        names = ", ".join(f"r{each['release']}" for each in found)
        raise Usage(f"Several deployments of {place} await approval: {names}.", remedy="Name one.")
    if not found:
        raise CliError(
            f"No deployment of {place} awaits approval.",
            remedy="See what happened with `cygni deployments`. A step that waits for approval is approved by `cygni resume`.",
            exit_code=Exit.CONFLICT,
            code="nothing-awaits",
        )
    return found[0]["id"]


def pick(things: Sequence[Thing], word: str, *, what: str, names: Callable[[Any], Sequence[str]], listing: str) -> Thing:
    """The one thing that a word names. `names` are a thing's names, the id first; `listing` is the command that shows them.

    An id counts before all else, then a name as it is written, then in any case. Raises CliError when nothing is called so,
    Usage when several are.
    """
    exact = [each for each in things if names(each)[0] == word] or [each for each in things if word in names(each)]
    found = exact or [each for each in things if word.casefold() in [name.casefold() for name in names(each)]]
    if len(found) > 1:
        ids = ", ".join(names(each)[0] for each in found)
        raise Usage(f"Several {what}s are called {word!r}: {ids}.", remedy="Name one by its id.")
    if not found:
        raise CliError(
            f"There is no {what} {word!r}.", remedy=f"`{listing}` lists them.", exit_code=Exit.NOT_FOUND, code="not-found"
        )
    return found[0]


def _absent(message: str) -> CliError:
    return CliError(
        message,
        remedy="Deploy with `cygni deploy`, or list with `cygni deployments`.",
        exit_code=Exit.NOT_FOUND,
        code="not-found",
    )

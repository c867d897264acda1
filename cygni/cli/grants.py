"""Roles on the command line, and the parts of a team that one is narrowed to: `--role developer --only shop/staging`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from cygni.cli.errors import Usage
from cygni.cli.identity_shapes import Scope, WantedScope


class Role(StrEnum):
    """What somebody is in a team."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


RoleOption = Annotated[Role, typer.Option("--role", metavar="ROLE", help="owner, admin, developer or viewer.")]
RoleArgument = Annotated[Role, typer.Argument(metavar="ROLE", help="owner, admin, developer or viewer.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="PART",
        help="Narrow it to PROJECT or PROJECT/ENVIRONMENT, with another role there as in shop/prod:viewer; may be repeated.",
    ),
]

_PART = re.compile(r"([a-z0-9-]+)(?:/([a-z0-9-]+|\*))?(?::([a-z]+))?")


def scopes_of(parts: Sequence[str] | None) -> list[WantedScope]:
    """What `--only` asks for. Raises Usage."""
    return [_scope(part) for part in parts or ()]


def grant_words(role: str, scopes: Sequence[Scope]) -> str:
    """A role, and where it holds: `developer`, or `developer (only shop/staging, blog as viewer)`."""
    if not scopes:
        return role
    only = ", ".join(_place(each) + ("" if each["role"] == role else f" as {each['role']}") for each in scopes)
    return f"{role} (only {only})"


def _scope(part: str) -> WantedScope:
    match = _PART.fullmatch(part)
    if match is None or (match[3] is not None and match[3] not in set(Role)):
        raise Usage(
            f"{part!r} is no part of a team.",
            remedy="Write PROJECT, PROJECT/ENVIRONMENT, or either with a role: shop, shop/staging, shop/prod:viewer.",
        )
    wanted = WantedScope(project=match[1], environment=match[2] or "*")
    return WantedScope(**wanted, role=match[3]) if match[3] else wanted


def _place(scope: Scope) -> str:
    return scope["project"] if scope["environment"] == "*" else f"{scope['project']}/{scope['environment']}"

"""The roles that act for one team: their rights of the catalog, on that team's keys alone, and for one of them on people's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chalicelib.platform.dynamodb import OWN_KEYS, PEOPLES_KEYS, keys_condition
from functions.catalog import MEMBER_RIGHTS, TENANT_RIGHTS, Function
from infra.rights import Places, Statement, statements


def statements_of_tenants(places: Places) -> tuple[Statement, ...]:
    """The policy of the role that serves one team's requests, on the condition that the code declares which assumes it."""
    return _narrowed(TENANT_RIGHTS, places, *OWN_KEYS)


def statements_of_members(places: Places) -> tuple[Statement, ...]:
    """The policy of the role that changes a team and its people at once. Tables of teams have no key of people, and theirs none
    of teams, so that one condition stands for both."""
    return _narrowed(MEMBER_RIGHTS, places, *OWN_KEYS, PEOPLES_KEYS)


def acts_for_one(function: Function) -> bool:
    """Whether a function serves one team at a time, and so reaches keys in sessions of that team alone."""
    return "act for one team at a time" in function.rights


def acts_for_members(function: Function) -> bool:
    """Whether a function also changes teams and people at once."""
    return "act for one team and its people" in function.rights


def roles_told(function: Function, places: Places) -> dict[str, str]:
    """What a function is told of the roles that it assumes for a team."""
    tenant = {"CYGNI_TENANT_ROLE": places.tenant_role} if acts_for_one(function) else {}
    member = {"CYGNI_MEMBER_ROLE": places.member_role} if acts_for_members(function) else {}
    return tenant | member


def _narrowed(rights: Iterable[str], places: Places, *patterns: str) -> tuple[Statement, ...]:
    return tuple(replace(each, conditions=keys_condition(*patterns)) for each in statements(rights, places))

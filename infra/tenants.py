"""The role that serves one team's requests: its rights of the catalog, on that team's keys alone."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.platform.dynamodb import tenant_policy
from functions.catalog import TENANT_RIGHTS
from infra.rights import Places, Statement, statements


def statements_of_tenants(places: Places) -> tuple[Statement, ...]:
    """The policy of the role. Its condition is that of `tenant_policy`, which the code that assumes the role declares."""
    (rule,) = tenant_policy(["*"])["Statement"]
    return tuple(replace(each, conditions=rule["Condition"]) for each in statements(TENANT_RIGHTS, places))

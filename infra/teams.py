"""The roles that are assumed for one team: what `tenants.py` lets them do, and who may assume them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from functions.catalog import Function
from infra.functions import places_in
from infra.grants import grant
from infra.pairs import role_name
from infra.rights import MEMBER_ROLE, ONE_TEAM, TENANT_ROLE
from infra.settings import Settings
from infra.tenants import acts_for_members, acts_for_one, statements_of_members, statements_of_tenants

_TOLD = "Reaches the keys of the team that its session is tagged with"


def add_team_roles(stack: cdk.Stack, functions: Mapping[Function, iam.Role], settings: Settings) -> None:
    """Adds a role for a team's keys, and one for its and people's. Functions whose rights say so may assume them, tagged with a
    team and with nothing else."""
    places = places_in(stack, settings)
    tenants = [role for each, role in functions.items() if acts_for_one(each)]
    members = [role for each, role in functions.items() if acts_for_members(each)]
    own, both = statements_of_tenants(places), statements_of_members(places)
    grant(_assumed(stack, "TenantRole", role_name(TENANT_ROLE, stack, settings), f"{_TOLD}.", tenants), own)
    grant(_assumed(stack, "MemberRole", role_name(MEMBER_ROLE, stack, settings), f"{_TOLD}, and people's.", members), both)


def _assumed(stack: cdk.Stack, id_: str, name: str, told: str, by: Iterable[iam.Role]) -> iam.Role:
    trusted = (iam.PrincipalWithConditions(iam.ArnPrincipal(each.role_arn), ONE_TEAM) for each in by)
    return iam.Role(
        stack,
        id_,
        role_name=name,
        description=told,
        assumed_by=iam.CompositePrincipal(*(iam.SessionTagsPrincipal(each) for each in trusted)),
        max_session_duration=cdk.Duration.hours(1),
    )

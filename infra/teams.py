"""The roles that are assumed for one team: what `tenants.py` lets them do, and who may assume them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from functions.catalog import Function
from infra.functions import places_in
from infra.grants import grant
from infra.pairs import role_name
from infra.rights import MEMBER_ROLE, ONE_TEAM, TENANT_ROLE, Statement
from infra.settings import Settings
from infra.tenants import acts_for_members, acts_for_one, statements_of_members, statements_of_tenants

_TOLD = "Reaches the keys of the team that its session is tagged with"


class TeamRoles(Construct):
    """One role for a team's keys, and one for its and people's. Functions whose rights say so may assume them, tagged with a
    team and with nothing else."""

    def __init__(self, scope: Construct, id_: str, *, functions: Mapping[Function, iam.Role], settings: Settings) -> None:
        super().__init__(scope, id_)
        self._settings, places = settings, places_in(scope, settings)
        tenants = [role for each, role in functions.items() if acts_for_one(each)]
        members = [role for each, role in functions.items() if acts_for_members(each)]
        self._build(TENANT_ROLE, f"{_TOLD}.", tenants, statements_of_tenants(places))
        self._build(MEMBER_ROLE, f"{_TOLD}, and people's.", members, statements_of_members(places))

    def _build(self, name: str, told: str, by: Iterable[iam.Role], rights: Iterable[Statement]) -> None:
        trusted = (iam.PrincipalWithConditions(iam.ArnPrincipal(each.role_arn), ONE_TEAM) for each in by)
        made = iam.Role(
            self,
            name,
            role_name=role_name(name, cdk.Stack.of(self), self._settings),
            description=told,
            assumed_by=iam.CompositePrincipal(*(iam.SessionTagsPrincipal(each) for each in trusted)),
            max_session_duration=cdk.Duration.hours(1),
        )
        grant(made, rights)

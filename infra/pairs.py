"""A pair of regions, of which one acts and the other stands by: what differs in what is synthesized for each.

Roles are an account's and not a region's, so that those of the standby region have its name in theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from functions.catalog import API_FUNCTION, PAIR_FUNCTIONS, REGIONAL_TABLES
from infra.rights import CLUSTERS, Places, Statement
from infra.settings import Settings

if TYPE_CHECKING:
    import aws_cdk as cdk

KEY, REPLICA_KEY = "alias/cygni", "alias/cygni-replica"
HANDLER = "functions.standby.run"
"""What runs in place of each function's own handler: `functions/standby.py` names it, and a test holds the two together."""
_MOVERS = frozenset(each.name for each in PAIR_FUNCTIONS)


@dataclass(frozen=True, slots=True)
class Pair:
    """The region where teams live, and the one that stands by for it."""

    home: str
    standby: str

    def other(self, region: str) -> str:
        """The other one."""
        return self.standby if region == self.home else self.home

    def key(self, region: str) -> str:
        """The alias of the customer key of a region."""
        return KEY if region == self.home else REPLICA_KEY


def pair_of(settings: Settings) -> Pair | None:
    """The pair that a stage is, where it is one."""
    return Pair(settings.region, settings.standby.region) if settings.standby else None


def role_name(name: str, stack: cdk.Stack, settings: Settings) -> str:
    """A role's name: the catalog's, and in the standby region that with the region's behind it."""
    return name + role_suffix(stack, settings)


def role_names(name: str, settings: Settings) -> tuple[str, ...]:
    """A role's names in all regions of a stage: for what outlives a failover and admits them, such as a cluster."""
    return (name, f"{name}-{settings.standby.region}") if settings.standby else (name,)


def role_suffix(stack: cdk.Stack, settings: Settings) -> str:
    """What stands behind the names of roles in a stack's region."""
    return "" if stack.region == settings.region else f"-{stack.region}"


def environment_of(region: str, pair: Pair | None) -> dict[str, str]:
    """What functions of a pair are told: whose teams they serve, where they are, and which region is the other."""
    if pair is None:
        return {}
    other = pair.other(region)
    return {
        "CYGNI_REGION": pair.home,
        "CYGNI_OWN_REGION": region,
        "CYGNI_OTHER_REGION": other,
        "CYGNI_OTHER_KEY": pair.key(other),
    }


def statements_of_pair(function: str, places: Places, pair: Pair | None) -> tuple[Statement, ...]:
    """What a function may do because it is one of a pair: see which region acts; some also move the work."""
    if pair is None:
        return ()
    there = replace(places, region=pair.other(places.region))
    tables = tuple(each.table(REGIONAL_TABLES[0].name) for each in (places, there))
    actions = ("dynamodb:GetItem", "dynamodb:PutItem") if function in _MOVERS else ("dynamodb:GetItem",)
    seen = Statement("MoveTheWork" if function in _MOVERS else "SeeWhichRegionActs", actions, tables)
    if function != API_FUNCTION.name:
        return (seen,)
    copied = ("secretsmanager:RemoveRegionsFromReplication", "secretsmanager:ReplicateSecretToRegions")
    because = "A secret is named by the team and by when it was registered."
    return seen, Statement("CopyClusterCredentials", copied, (places.secret(f"{CLUSTERS}/*"),), because=because)

"""Handing out roles by a link, a key or a trust: only what one has, and only as long as one has it."""

from __future__ import annotations

from chalicelib.identity.membership_rules import faults, refuse_handing_out
from chalicelib.identity.memberships import member_place
from chalicelib.identity.models_teams import KEYS, TRUSTS, KeyRecord, TrustRecord, team_pk
from chalicelib.identity.principal import OPERATOR, Principal
from chalicelib.identity.rules import Grant
from chalicelib.platform.errors import Forbidden, InvalidInput
from chalicelib.platform.store import Store
from chalicelib.platform.table import Place


def check(wanted: Grant) -> None:
    """Raises InvalidInput for a grant that makes no sense."""
    found = faults(wanted)
    if found:
        raise InvalidInput(f"The role breaks {len(found)} rule{'s' * (len(found) > 1)}.", fields=found)


def hand_out(who: Principal, wanted: Grant) -> None:
    """Raises InvalidInput for a grant that makes no sense, and Forbidden for one that the caller may not hand out."""
    check(wanted)
    refused = refuse_handing_out(who.grant, wanted) if who.grant is not None else None
    if who.grant is None:
        raise Forbidden("You have not chosen a team.")
    if refused is not None:
        raise Forbidden(refused.sentence, remedy=refused.remedy)


def still_has(store: Store, team: str, subject: str, grant: Grant) -> bool:
    """Whether whoever handed this out could do so now. The operator always can."""
    if subject == OPERATOR:
        return True
    record = store.fetch(*_place(team, subject))
    return record is not None and grant.within(record.grant)


def _place(team: str, subject: str) -> Place[KeyRecord]:
    """Where it is recorded what a person, a key or a trust may do."""
    kind = subject.partition("_")[0]
    if kind == "key":
        return KeyRecord, team_pk(team), KEYS + subject
    return (TrustRecord, team_pk(team), TRUSTS + subject) if kind == "tru" else member_place(team, subject)  # type: ignore[return-value]

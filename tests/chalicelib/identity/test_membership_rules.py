"""Who may hand out a role and who may take one away, over all grants."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity.membership_rules import (
    Ending,
    ending,
    faults,
    owners_less,
    refuse_change,
    refuse_handing_out,
    refuse_removal,
)
from chalicelib.identity.rules import Grant, Role, Scope, role_for
from chalicelib.identity.rules import Reach as R

ROLES = st.sampled_from(list(Role))
SCOPES = st.builds(Scope, st.sampled_from(["a", "b"]), st.sampled_from(["*", "prod", "dev"]), ROLES)
GRANTS = st.builds(Grant, ROLES, st.lists(SCOPES, max_size=3).map(tuple))
WHOLE = st.builds(Grant, ROLES)
PLACES = list(product(["a", "b"], ["prod", "dev"]))
NUMBERS = st.integers(0, 3)


def rank(grant: Grant, project: str, environment: str) -> int:
    role = role_for(grant, R.ENVIRONMENT, project, environment)
    return 0 if role is None else role.rank


@given(GRANTS, GRANTS)
def test_nobody_hands_out_more_than_they_have_anywhere(giver: Grant, wanted: Grant) -> None:
    if refuse_handing_out(giver, wanted) is None:
        assert all(rank(wanted, *place) <= rank(giver, *place) for place in PLACES)


@given(GRANTS, GRANTS, GRANTS)
def test_a_change_takes_no_more_and_gives_no_more_than_the_actor_has(actor: Grant, present: Grant, wanted: Grant) -> None:
    if refuse_change(actor, present, wanted) is None:
        assert all(rank(each, *place) <= rank(actor, *place) for each in (present, wanted) for place in PLACES)


@given(GRANTS, GRANTS)
def test_only_an_owner_makes_or_touches_an_owner(actor: Grant, other: Grant) -> None:
    owner = Grant(Role.OWNER)
    if actor != owner and not (actor.role is Role.OWNER and not actor.scopes):
        assert refuse_change(actor, other, owner)
        assert refuse_change(actor, owner, other)
        assert refuse_removal(actor, owner)


@given(GRANTS)
def test_no_link_key_or_trust_makes_an_owner(giver: Grant) -> None:
    assert refuse_handing_out(giver, Grant(Role.OWNER)) is not None


@given(WHOLE, WHOLE)
def test_whoever_has_as_much_may_change_and_remove(actor: Grant, present: Grant) -> None:
    allowed = present.role.rank <= actor.role.rank

    assert (refuse_removal(actor, present) is None) is allowed
    assert (refuse_change(actor, present, Grant(Role.VIEWER)) is None) is allowed


@given(GRANTS)
def test_whoever_has_something_may_hand_out_the_same_but_for_ownership(grant: Grant) -> None:
    assert (refuse_handing_out(grant, grant) is None) is (grant.role is not Role.OWNER)


@given(GRANTS, GRANTS)
def test_a_refusal_says_why_and_what_to_do(actor: Grant, other: Grant) -> None:
    for refused in (refuse_handing_out(actor, other), refuse_change(actor, other, other), refuse_removal(actor, other)):
        assert refused is None or (refused.sentence.endswith(".") and refused.remedy.endswith("."))


@given(GRANTS)
def test_a_grant_without_faults_gives_each_part_once_and_no_part_more_than_the_whole(grant: Grant) -> None:
    found = faults(grant)

    sound = (
        not (grant.role is Role.OWNER and grant.scopes)
        and all(each.role.rank <= grant.role.rank for each in grant.scopes)
        and len({(each.project, each.environment) for each in grant.scopes}) == len(grant.scopes)
    )
    assert (found == []) is sound
    assert all(each.field.startswith("body.scopes") and each.remedy for each in found)


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        (Role.OWNER, None, 1),
        (Role.OWNER, Role.ADMIN, 1),
        (Role.OWNER, Role.OWNER, 0),
        (Role.ADMIN, Role.OWNER, -1),
        (Role.ADMIN, Role.VIEWER, 0),
        (Role.VIEWER, None, 0),
    ],
)
def test_owners_are_counted(before: Role, after: Role | None, less: int) -> None:
    assert owners_less(Grant(before), None if after is None else Grant(after)) == less


@given(GRANTS, NUMBERS, NUMBERS, NUMBERS)
def test_an_erasure_leaves_no_team_without_an_owner_and_ends_none_that_is_needed(
    grant: Grant, others: int, other_owners: int, projects: int
) -> None:
    other_owners = min(other_owners, others)
    own = int(grant.role is Role.OWNER)
    if not own and not other_owners:
        other_owners, others = 1, max(1, others)

    found = ending(grant, owners=own + other_owners, members=1 + others, projects=projects)

    if found is Ending.LEAVE:
        assert other_owners
    elif found is Ending.DELETE:
        assert (others, projects) == (0, 0)
    else:
        assert not other_owners
        assert others or projects

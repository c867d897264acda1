"""The rules of declared services, over all that could be known of one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.deployments.declared_rules import (
    Abort,
    Action,
    Adopt,
    Desired,
    Handled,
    Known,
    LetGo,
    Progress,
    Remove,
    Repair,
    Report,
    Resize,
    Start,
    decide,
)
from chalicelib.deployments.states import State
from chalicelib.runtime.declared import Problem

IDS = st.sampled_from(["dep_1", "dep_2", "dep_3"])
DIGESTS = st.sampled_from(["x", "y"])
UIDS = st.sampled_from(["u", "v"])
RETRIES = st.sampled_from(["r", "s"])
handled = st.builds(Handled, UIDS, st.integers(1, 3), DIGESTS, IDS, st.booleans(), st.lists(RETRIES, max_size=2).map(tuple))
progress = st.builds(
    Progress, st.sampled_from(State), st.integers(1, 3), st.sampled_from(["", "why\nmore"]), st.just("shifting"), st.just(20)
)
known = st.builds(
    Known,
    service=st.booleans(),
    removing=st.booleans(),
    handled=st.none() | handled,
    progress=st.none() | progress,
    active=st.none() | IDS,
    waiting=st.none() | IDS,
    live=st.none() | st.integers(1, 3),
    ours=st.frozensets(IDS),
    size=st.none() | st.integers(1, 3),
    sized=st.booleans(),
)
desired = st.builds(
    Desired,
    UIDS,
    st.integers(1, 3),
    digest=DIGESTS,
    problem=st.none() | st.just(Problem("UnknownNamespace", "m")),
    deleting=st.booleans(),
    held=st.booleans(),
    size=st.none() | st.integers(1, 3),
    retry=st.just("") | RETRIES,
)


def of_kind(actions: tuple[Action, ...], *kinds: type) -> list[Action]:
    return [each for each in actions if isinstance(each, kinds)]


def _another_attempt(want: Desired, have: Known) -> bool:
    """Whether the object asks for another attempt at what was taken up."""
    handled = have.handled
    return handled is not None and want.generation == handled.generation and want.retry not in ("", *handled.retries)


@given(desired, known, st.booleans())
def test_a_generation_that_was_taken_up_starts_nothing(want: Desired, have: Known, drift: bool) -> None:
    actions = decide(want, have, drift=drift)

    taken_up = have.handled is not None and have.handled.uid == want.uid and want.generation <= have.handled.generation
    if taken_up and not _another_attempt(want, have):
        assert not of_kind(actions, Start, Adopt)
    if taken_up and of_kind(actions, Start):
        assert have.active is None
        assert have.progress is None or have.progress.state is not State.PROMOTED or have.live != have.progress.release
    if want.deleting or want.problem is not None:
        assert not of_kind(actions, Start, Adopt, Repair)
    assert len(of_kind(actions, Start, Adopt)) <= 1


@given(desired, known)
def test_what_was_started_is_not_started_again_when_it_is_looked_at_anew(want: Desired, have: Known) -> None:
    if of_kind(decide(want, have), Start):
        now = replace(
            have, service=True, handled=Handled(want.uid, want.generation, want.digest, "dep_9", False, (want.retry,))
        )
        assert not of_kind(decide(want, now), Start, Adopt)


@given(desired, known, st.booleans())
def test_a_report_has_all_conditions_and_is_ready_only_when_the_specs_release_is_live(
    want: Desired, have: Known, drift: bool
) -> None:
    for said in of_kind(decide(want, have, drift=drift), Report):
        assert isinstance(said, Report)
        held = {each.type: each.status for each in said.conditions}
        assert list(held) == ["Ready", "Progressing", "Degraded"]
        assert list(held.values()).count("True") <= 1
        if held["Ready"] == "True":
            assert have.progress is not None
            assert (have.progress.state, have.progress.release) == (State.PROMOTED, have.live)
        assert all(each.reason and each.message for each in said.conditions)


@given(desired, known)
def test_an_object_is_let_go_only_when_nothing_of_it_is_under_way(want: Desired, have: Known) -> None:
    actions = decide(want, have)

    if of_kind(actions, LetGo):
        assert want.deleting
        assert want.held
        if have.handled is not None and have.handled.uid == want.uid:
            assert of_kind(actions, Remove)
            assert not {have.active, have.waiting} & have.ours
            assert not (have.handled.created and (have.active or have.waiting))


@given(desired, known, st.booleans())
def test_nobody_elses_rollout_is_aborted_for_a_spec(want: Desired, have: Known, drift: bool) -> None:
    if not want.deleting:
        for each in of_kind(decide(want, have, drift=drift), Abort):
            assert isinstance(each, Abort)
            assert each.deployment in have.ours


@given(desired, known)
def test_drift_is_not_repaired_while_a_rollout_is_under_way(want: Desired, have: Known) -> None:
    if have.active is not None:
        assert not of_kind(decide(want, have, drift=True), Repair)


@given(desired, known, st.booleans())
def test_a_number_is_changed_between_rollouts_and_only_of_an_objects_own(want: Desired, have: Known, drift: bool) -> None:
    actions = decide(want, have, drift=drift)

    for each in of_kind(actions, Resize):
        assert isinstance(each, Resize)
        assert each.size == want.size != have.size
        assert have.sized
        assert have.active is None
        assert not of_kind(actions, Start, Adopt, Remove)
        assert not of_kind(decide(want, replace(have, size=each.size), drift=drift), Resize)

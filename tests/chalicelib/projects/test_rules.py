from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chalicelib.projects.rules import Lane, enter, go_live, leave, turn_back


def test_the_first_deployment_begins_at_once() -> None:
    entered = enter(Lane(), "a")

    assert (entered.begins, entered.number, entered.lane.active) == (True, 1, "a")


def test_a_second_one_waits_and_a_third_takes_its_place() -> None:
    second = enter(enter(Lane(), "a").lane, "b")
    third = enter(second.lane, "c")

    assert (second.begins, second.superseded) == (False, None)
    assert (third.lane.active, third.lane.waiting, third.superseded) == ("a", "c", "b")


def test_the_one_that_waits_begins_when_the_active_one_leaves() -> None:
    lane, following = leave(Lane(active="a", waiting="b", last=2), "a")

    assert (lane.active, lane.waiting, following) == ("b", None, "b")


def test_leaving_or_going_live_twice_is_doing_so_once() -> None:
    lane, _ = leave(Lane(active="a", waiting="b", last=2), "a")
    live = go_live(lane, "b", 2)

    assert leave(lane, "a") == (lane, None)
    assert go_live(live, "b", 2) == live


def test_a_deployment_that_has_left_the_lane_makes_nothing_live() -> None:
    lane = go_live(Lane(active="b", live=1, last=3), "b", 3)

    assert go_live(lane, "a", 2) == lane


def test_the_release_that_was_live_before_is_remembered() -> None:
    lane = go_live(go_live(Lane(active="a", last=2), "a", 1), "a", 2)

    assert (lane.live, lane.previous) == (2, 1)


def test_a_live_release_that_is_turned_back_leaves_the_stable_one_live() -> None:
    lane = turn_back(go_live(go_live(Lane(active="a", last=2), "a", 1), "a", 2), 2, 1)

    assert (lane.live, lane.previous) == (1, None)
    assert turn_back(lane, 2, 1) == lane


class LaneMachine(RuleBasedStateMachine):
    """Any order of entering and leaving keeps the lane's promises."""

    def __init__(self) -> None:
        super().__init__()
        self.lane, self.numbers, self.count = Lane(), list[int](), 0
        self.open: set[str] = set()

    @rule()
    def create(self) -> None:
        self.count += 1
        entered = enter(self.lane, f"d{self.count}")
        self.lane = entered.lane
        self.numbers.append(entered.number)
        self.open.add(f"d{self.count}")
        self.open.discard(entered.superseded or "")

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        which = data.draw(st.sampled_from(sorted(self.open)))
        self.lane, _ = leave(self.lane, which)
        self.open.discard(which)

    @invariant()
    def holds_all_that_is_open(self) -> None:
        assert {each for each in (self.lane.active, self.lane.waiting) if each} == self.open

    @invariant()
    def nothing_waits_for_nobody(self) -> None:
        assert self.lane.waiting is None or self.lane.active is not None

    @invariant()
    def gives_each_number_once(self) -> None:
        assert self.numbers == list(range(1, len(self.numbers) + 1))


TestLaneMachine = LaneMachine.TestCase

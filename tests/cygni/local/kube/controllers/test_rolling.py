"""Rolling updates, simulated: whatever the numbers and whoever gets ready when, the bounds hold and the end comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cygni.local.kube.controllers.rolling import Bounds, SetState, bounds_of, next_new, next_old, template_hash

_BOUNDS = st.builds(Bounds, st.integers(0, 10), st.integers(0, 5), st.integers(0, 5)).filter(
    lambda bounds: bounds.surge + bounds.unavailable > 0 and bounds.unavailable <= bounds.replicas
)


@given(_BOUNDS, st.lists(st.integers(0, 4), min_size=1, max_size=3), st.data())
def test_a_rollout_keeps_its_bounds_and_ends(bounds: Bounds, sizes: list[int], data: st.DataObject) -> None:
    old = {f"old{index}": [size, size] for index, size in enumerate(sizes)}  # wanted, available
    new = [0, 0]
    allowed = max(bounds.most, sum(sizes))
    for _ in range(200):
        states = [SetState(name, wanted, available) for name, (wanted, available) in old.items()]
        new[0] = next_new(bounds, SetState("new", *new), states)
        new[1] = min(new)
        before = new[1] + sum(available for _, available in old.values())
        for name, wanted in next_old(bounds, SetState("new", *new), states).items():
            old[name] = [wanted, min(wanted, old[name][1])]
        available = new[1] + sum(ready for _, ready in old.values())
        assert new[0] + sum(wanted for wanted, _ in old.values()) <= allowed
        assert available >= min(before, bounds.least_available)
        if new == [bounds.replicas] * 2 and not any(wanted for wanted, _ in old.values()):
            return
        new[1] += data.draw(st.integers(1, 3)) if new[1] < new[0] else 0
        new[1] = min(new)
    raise AssertionError((bounds, old, new))


@given(_BOUNDS, st.integers(1, 10))
def test_pods_that_never_get_ready_cost_no_more_than_allowed(bounds: Bounds, size: int) -> None:
    old, new = SetState("old", size, size), SetState("new", 0, 0)
    for _ in range(20):
        new = SetState("new", next_new(bounds, new, [old]), 0)
        wanted = next_old(bounds, new, [old]).get("old", old.wanted)
        old = SetState("old", wanted, min(wanted, old.available))
    assert old.available >= min(size, bounds.least_available)


def test_the_sick_go_first() -> None:
    bounds = Bounds(4, 1, 1)
    old = [SetState("healthy", 2, 2), SetState("sick", 2, 0)]
    assert next_old(bounds, SetState("new", 1, 0), old) == {"sick": 1}


def test_shares_round_surge_up_and_unavailability_down() -> None:
    deployment = {"spec": {"replicas": 5, "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}}}
    assert bounds_of(deployment) == Bounds(5, 2, 1)


def test_bounds_that_allow_nothing_allow_one() -> None:
    deployment = {"spec": {"replicas": 1, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}}}}
    assert bounds_of(deployment).unavailable == 1


def test_a_template_has_one_name_however_it_is_written() -> None:
    assert template_hash({"a": 1, "b": {"c": 2, "d": 3}}) == template_hash({"b": {"d": 3, "c": 2}, "a": 1})
    assert template_hash({"a": 1}) != template_hash({"a": 2})

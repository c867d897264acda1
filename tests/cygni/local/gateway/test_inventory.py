from __future__ import annotations

from typing import Any

import pytest

from cygni.local.gateway.inventory import READERS, Inventory
from tests.cygni.local.gateway.builders import pod, route, rule, service


class Told:
    """An inventory and how often it called `changed`."""

    def __init__(self, **things: list[dict[str, Any]]) -> None:
        self.times = 0
        self.inventory = Inventory(self._changed)
        for kind in READERS:
            self.inventory.replace(kind, things.get(kind, []))
        self.times = 0

    def _changed(self) -> None:
        self.times += 1

    def endpoints(self) -> set[int]:
        return {endpoint.port for endpoint in self.inventory.table(("cygni-system", "cygni")).endpoints()}


@pytest.fixture
def told() -> Told:
    return Told(HTTPRoute=[route()], Service=[service()], Pod=[pod(port=5001)])


def test_it_is_complete_when_every_kind_was_listed_once() -> None:
    inventory = Inventory(lambda: None)
    for kind in READERS:
        assert not inventory.complete
        inventory.replace(kind, [])
    assert inventory.complete


def test_a_new_pod_takes_part_and_a_removed_one_does_not(told: Told) -> None:
    told.inventory.put("Pod", pod("web-2", port=5002))
    assert told.endpoints() == {5001, 5002}
    told.inventory.remove("Pod", pod("web-1"))
    assert told.endpoints() == {5002}
    assert told.times == 2


def test_a_list_replaces_all_that_was_known(told: Told) -> None:
    told.inventory.replace("Pod", [pod("web-3", port=5003)])
    assert told.endpoints() == {5003}


def test_a_change_that_does_not_matter_to_routing_is_no_change(told: Told) -> None:
    thing = pod(port=5001)
    thing["metadata"]["resourceVersion"] = "99"
    thing["metadata"]["annotations"]["note"] = "x"
    told.inventory.put("Pod", thing)
    told.inventory.remove("Pod", pod("unknown"))
    assert told.times == 0


def test_an_unreadable_object_is_named_and_harms_no_other(told: Told) -> None:
    broken = pod("web-2", port=5002)
    broken["metadata"]["annotations"] = {"cygni.dev/host-ports": "{"}
    told.inventory.put("Pod", broken)
    assert told.endpoints() == {5001}
    assert list(told.inventory.unreadable) == ["Pod shop/web-2"]


def test_an_object_that_becomes_unreadable_is_served_no_longer_and_may_recover(told: Told) -> None:
    told.inventory.put("HTTPRoute", route(rule(timeouts={"request": "soon"})))
    assert told.endpoints() == set()
    told.inventory.put("HTTPRoute", route())
    assert told.endpoints() == {5001}
    assert not told.inventory.unreadable


@pytest.mark.parametrize("thing", [{}, {"metadata": None}, {"metadata": {"name": "x"}, "spec": 3}])
@pytest.mark.parametrize("kind", ["Gateway", "HTTPRoute", "Service", "Pod"])
def test_no_object_whatever_its_shape_stops_the_inventory(told: Told, kind: str, thing: dict[str, Any]) -> None:
    told.inventory.put(kind, thing)
    assert told.endpoints() == {5001}

"""What is written and deleted, in which order, and never outside the inventory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.runtime.manifests import render
from chalicelib.runtime.plan import ORDER, SHARED, Apply, Delete, Inventory, Ref, plan, ref_of
from tests.chalicelib.runtime.builders import HOST, TARGET, assert_valid, workload

INVENTORY = Ref("ConfigMap", TARGET.inventory)
kinds = st.sampled_from([kind for kind in ORDER if kind not in SHARED])
refs = st.builds(Ref, kinds, st.sampled_from(["a", "b", "c"]), st.sampled_from(["", "r1", "r2"]))


def manifest(ref):
    labels = {"cygni.dev/revision": ref.revision} if ref.revision else {}
    return {"kind": ref.kind, "metadata": {"name": ref.name, "namespace": TARGET.namespace, "labels": labels}}


def applied(instructions):
    return [ref_of(each.manifest) for each in instructions if isinstance(each, Apply)]


def deleted(instructions):
    return [(each.kind, each.name) for each in instructions if isinstance(each, Delete)]


def inventory_of(*owned, version="7"):
    return Inventory(TARGET, frozenset(owned), version)


def test_a_first_release_is_written_namespace_first_inventory_before_its_objects_and_route_last():
    order = [ref.kind for ref in applied(plan(render(workload(), host=HOST), Inventory(TARGET)))]

    assert order[0] == "Namespace"
    assert order.index("ConfigMap") < order.index("Secret") < order.index("Deployment")
    assert order[-1] == "HTTPRoute"
    assert order.count("ConfigMap") == 2


def test_nothing_of_the_service_is_written_before_the_inventory_names_it():
    instructions = plan(render(workload(), host=HOST), Inventory(TARGET))
    announce = next(each.manifest for each in instructions if ref_of(each.manifest) == INVENTORY)

    before = applied(instructions)[: applied(instructions).index(INVENTORY)]
    after = set(applied(instructions)[len(before) + 1 :])
    assert {ref.kind for ref in before} == SHARED
    assert after == Inventory.read(TARGET, announce).refs


def test_a_release_that_is_already_known_is_written_without_announcing_it_again():
    desired = render(workload(), host=HOST)
    known = Inventory.read(
        TARGET, next(each.manifest for each in plan(desired, Inventory(TARGET)) if ref_of(each.manifest) == INVENTORY)
    )

    assert INVENTORY not in applied(plan(desired, known))


def test_what_is_no_longer_wanted_is_deleted_in_reverse_and_then_leaves_the_inventory():
    old = [Ref("Deployment", "web-r1", "r1"), Ref("Service", "web-r1", "r1"), Ref("HorizontalPodAutoscaler", "web-r1", "r1")]
    kept = Ref("Deployment", "web-r2", "r2")

    instructions = plan([], inventory_of(*old, kept), keep=[kept])

    assert deleted(instructions) == [(kind, "web-r1") for kind in ("HorizontalPodAutoscaler", "Deployment", "Service")]
    assert Inventory.read(TARGET, instructions[-1].manifest).refs == {kept}


def test_an_object_that_a_release_no_longer_renders_is_pruned():
    scaler, other = Ref("HorizontalPodAutoscaler", "web-r1", "r1"), Ref("Deployment", "web-r2", "r2")

    instructions = plan(render(workload(), host=HOST), inventory_of(scaler, other), keep=[other])

    assert deleted(instructions) == [("HorizontalPodAutoscaler", "web-r1")]


def test_when_nothing_is_left_the_inventory_goes_last():
    instructions = plan([], inventory_of(Ref("Service", "web-r1", "r1"), Ref("HTTPRoute", "web")))

    assert deleted(instructions) == [("HTTPRoute", "web"), ("Service", "web-r1"), ("ConfigMap", "cygni-inventory-web")]


def test_a_write_of_the_inventory_is_bound_to_the_version_that_was_read():
    (prune,) = (
        each
        for each in plan([], inventory_of(Ref("Service", "a"), Ref("Service", "b")), keep=[Ref("Service", "a")])
        if isinstance(each, Apply)
    )

    assert prune.manifest["metadata"]["resourceVersion"] == "7"


@given(st.lists(refs, unique_by=lambda ref: (ref.kind, ref.name)), st.frozensets(refs), st.frozensets(refs))
def test_applies_come_before_deletions_and_these_never_leave_the_inventory(desired, owned, keep):
    instructions = plan([manifest(ref) for ref in desired], inventory_of(*owned), keep=keep)
    own = [each for each in instructions if isinstance(each, Delete) or ref_of(each.manifest) != INVENTORY]
    doomed = {Ref(*each) for each in deleted(instructions)} - {INVENTORY}

    assert doomed == owned - keep - set(desired)
    assert [isinstance(each, Delete) for each in own] == sorted(isinstance(each, Delete) for each in own)
    assert set(desired) <= set(applied(instructions))


@given(st.frozensets(refs.filter(lambda ref: ref.revision != ""), max_size=5))
def test_an_inventory_reads_back_as_it_was_written(owned):
    unique = {(ref.kind, ref.name): ref for ref in owned}.values()

    read = Inventory.read(TARGET, Inventory(TARGET).manifest(unique)).refs

    assert {(ref, ref.revision) for ref in read} == {(ref, ref.revision) for ref in unique}


@pytest.mark.parametrize("version", ["1.25.0", "1.37.0"])
def test_an_inventory_is_a_valid_config_map(version):
    assert_valid(Inventory(TARGET).manifest([Ref("Deployment", "web-r1", "r1")], version="7"), version)

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cygni.local.kube.apply.fieldset import from_fields_v1, prefixes, readable, to_fields_v1

_ELEMENT = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
_PATHS = st.frozensets(st.lists(_ELEMENT, min_size=1, max_size=4).map(tuple))


@given(_PATHS)
def test_the_wire_form_loses_nothing(paths: frozenset[tuple[str, ...]]) -> None:
    assert from_fields_v1(to_fields_v1(paths)) == paths


@given(_PATHS)
def test_prefixes_hold_the_paths_and_all_above(paths: frozenset[tuple[str, ...]]) -> None:
    found = prefixes(paths)
    assert paths <= found
    assert all(path[:-1] in found for path in found if len(path) > 1)


def test_a_path_is_readable() -> None:
    path = ("f:spec", "f:containers", 'k:{"name":"app"}', "f:args", 'v:"x"')
    assert readable(path) == '.spec.containers[name="app"].args[="x"]'

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.kube.errors import ApiError
from cygni.local.kube.selectors import matches, matches_map, parse_fields, parse_labels, to_string

_WORDS = st.sampled_from(["a", "b", "c"])
_LABELS = st.dictionaries(_WORDS, _WORDS)


@pytest.mark.parametrize(
    ("text", "labels", "wanted"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a = b", {"a": "b"}, True),
        ("a=", {"a": ""}, True),
        ("a!=b", {}, True),
        ("a in (x, y),c", {"a": "y", "c": ""}, True),
        ("a notin (x)", {}, True),
        ("!a", {"a": ""}, False),
        ("n>1", {"n": "2"}, True),
        ("n<1", {"n": "two"}, False),
        ("example.com/a=b", {"example.com/a": "b"}, True),
    ],
)
def test_a_label_selector_decides(text: str, labels: Mapping[str, str], wanted: bool) -> None:
    assert parse_labels(text)(labels) is wanted


@pytest.mark.parametrize("text", ["a b", "=b", "a in x", "a,,b=", "a in (x"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ApiError):
        parse_labels(text)


_EXPRESSION = st.one_of(
    st.builds(
        lambda k, o, v: {"key": k, "operator": o, "values": v},
        _WORDS,
        st.sampled_from(["In", "NotIn"]),
        st.lists(_WORDS, min_size=1),
    ),
    st.builds(lambda k, o: {"key": k, "operator": o}, _WORDS, st.sampled_from(["Exists", "DoesNotExist"])),
)
_SELECTOR = st.fixed_dictionaries({}, optional={"matchLabels": _LABELS, "matchExpressions": st.lists(_EXPRESSION, max_size=3)})


@given(_SELECTOR, _LABELS)
def test_both_forms_of_a_selector_mean_the_same(selector: dict[str, object], labels: dict[str, str]) -> None:
    assert parse_labels(to_string(selector))(labels) == matches(selector, labels)


def test_no_selector_matches_nothing_and_an_empty_one_everything() -> None:
    assert (matches(None, {}), matches({}, {}), matches_map({}, {})) == (False, True, False)


def test_fields_compare_booleans_as_words() -> None:
    assert parse_fields("spec.unschedulable=true", "nodes")({"metadata": {}, "spec": {"unschedulable": True}})

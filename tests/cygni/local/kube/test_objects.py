from __future__ import annotations

import pytest

from cygni.local.kube.objects import deep_copy, get_path, parse_quantity
from cygni.local.kube.tables import duration


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [("1", 1000), (2, 2000), ("250m", 250), ("0.5", 500), ("1k", 1_000_000), ("1Ki", 1_024_000), ("1.5Gi", 1_610_612_736_000),
     ("1e3", 1_000_000), ("100n", 1), ("-1", -1000), (".5", 500)],
)  # fmt: skip
def test_quantities_are_read_in_thousandths(text: object, thousandths: int) -> None:
    assert parse_quantity(text) == thousandths


@pytest.mark.parametrize("text", ["", "lots", "1 Gi", "1X", "m", "1.2.3"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse_quantity(text)


def test_a_missing_step_and_a_null_give_the_default() -> None:
    assert get_path({"a": [{"b": None}]}, "a", 0, "b", default=7) == 7
    assert get_path({"a": []}, "a", 0, "b") is None


def test_a_copy_shares_nothing() -> None:
    original = {"a": [{"b": 1}]}
    copy = deep_copy(original)
    copy["a"][0]["b"] = 2
    assert original == {"a": [{"b": 1}]}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5s"), (119, "119s"), (120, "2m"), (130, "2m10s"), (700, "11m"), (11100, "3h5m"), (36000, "10h"), (183600, "2d3h"),
     (12 * 86400, "12d"), (800 * 86400, "2y70d")],
)  # fmt: skip
def test_ages_are_told_as_kubectl_does(seconds: int, text: str) -> None:
    assert duration(seconds) == text

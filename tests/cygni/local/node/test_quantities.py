from __future__ import annotations

from decimal import Decimal

import pytest

from cygni.local.node.quantities import ceil, parse


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100m", "0.1"),
        ("1.5", "1.5"),
        ("2", "2"),
        ("256Mi", str(256 * 2**20)),
        ("1G", "1000000000"),
        ("2e3", "2000"),
        ("5E", "5e18"),
        ("3n", "3e-9"),
    ],
)
def test_a_quantity_is_read_exactly(text: str, number: str) -> None:
    assert parse(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "lots", "1Q", "Mi", "nan", "inf"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)


def test_whole_units_are_rounded_up() -> None:
    assert (ceil("1500m"), ceil("0.1", "1m"), ceil("257Mi", "1Gi")) == (2, 100, 1)

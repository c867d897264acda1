"""Kubernetes quantities (`100m`, `256Mi`, `1.5`, `2e3`) as exact numbers."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation

_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal(1000), "M": Decimal(1000) ** 2, "G": Decimal(1000) ** 3, "T": Decimal(1000) ** 4, "P": Decimal(1000) ** 5,
    "E": Decimal(1000) ** 6,
    "Ki": Decimal(1024), "Mi": Decimal(1024) ** 2, "Gi": Decimal(1024) ** 3, "Ti": Decimal(1024) ** 4, "Pi": Decimal(1024) ** 5,
    "Ei": Decimal(1024) ** 6,
}  # fmt: skip


def parse(quantity: str | float) -> Decimal:
    """The number a quantity stands for. Raises ValueError for what is none."""
    text = str(quantity).strip()
    for length in (2, 1):
        factor = _SUFFIXES.get(text[-length:])
        if factor is not None:
            return _number(text[:-length]) * factor
    return _number(text)


def ceil(quantity: str | float, divisor: str | float = 1) -> int:
    """The quantity in whole units of `divisor` (default 1; `1m` gives millicores), rounded up."""
    return int((parse(quantity) / parse(divisor)).to_integral_value(ROUND_CEILING))


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a quantity") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a quantity")
    return number

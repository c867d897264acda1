"""Units times prices: the tables of docs/cost.md, and whether the aims are met. Pure, but for reading the prices."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.figures import verdict
from bench.metering import PACE, SENTENCES, Meter, Pace, Prices

PRICES = Path(__file__).with_name("prices.toml")
AIMS = {"deploy": 2.0, "calls": 5.0, "idle dev": 5.0, "idle prod": 5.0}
"""Dollars: of 1,000 deploys, of a million calls, of an idle month without the web ACL."""


@dataclass(frozen=True)
class Found:
    """A flow's units, how many times it is meant, and what it is called; `name` is that of its aim, "" where it has none."""

    title: str
    meter: Meter
    times: int = 1
    name: str = ""

    def dollars(self, prices: Prices) -> float:
        """Of all the times."""
        return self.meter.dollars(prices) * self.times


def dated() -> dict[str, Any]:
    """The file of prices."""
    return tomllib.loads(PRICES.read_text())


def table(found: Found, prices: Prices) -> str:
    """Units and dollars, the dearest first."""
    lines = ["| unit | count | dollars |", "| --- | ---: | ---: |"]
    for unit, cost in sorted(found.meter.costs(prices).items(), key=lambda each: -each[1]):
        lines.append(f"| {unit.replace('_', ' ')} | {found.meter.units[unit] * found.times:,.0f} | {cost * found.times:.3f} |")
    return "\n".join([*lines, f"| **all** | | **{found.dollars(prices):.2f}** |"])


def page(found: list[Found], dated: dict[str, Any]) -> str:
    """The part of docs/cost.md that is written by this."""
    prices = prices_of(dated)
    compared = sum("compared" in each for each in dated["prices"].values())
    parts = [
        f"Prices of {dated['region']}, {dated['date']}, without free tiers: `bench/prices.toml`, which says of {compared} of "
        f"{len(dated['prices'])} what they were compared with. Seconds are stated: {stated(PACE)}."
    ]
    for each in found:
        parts += [f"### {each.title}", table(each, prices)]
        if each.name:
            met = "met" if each.dollars(prices) <= AIMS[each.name] else "**missed**"
            parts.append(f"Aim: at most ${AIMS[each.name]:.2f}; {met}.")
    return "\n\n".join(parts)


def stated(pace: Pace) -> str:
    """The seconds that are not counted."""
    return ", ".join(f"{SENTENCES[name]} {seconds:g} s" for name, seconds in asdict(pace).items())


def prices_of(dated: dict[str, Any]) -> dict[str, float]:
    """Dollars by unit."""
    return {unit: float(each["dollars"]) for unit, each in dated["prices"].items()}


def judged(found: list[Found], prices: Prices) -> int:
    """Prints each aim; 1 if one is missed."""
    missed = 0
    for each in found:
        if each.name:
            print(verdict(f"dollars of {each.title}", each.dollars(prices), AIMS[each.name]))
            missed |= each.dollars(prices) > AIMS[each.name]
    return missed

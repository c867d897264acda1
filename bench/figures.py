"""Medians, ratios and how they are printed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter_ns


def microseconds(call: Callable[[], object], times: int) -> list[float]:
    """How long each of so many calls took, in microseconds, after a tenth as many to warm up."""
    for _ in range(max(1, times // 10)):
        call()
    taken = []
    for _ in range(times):
        begun = perf_counter_ns()
        call()
        taken.append((perf_counter_ns() - begun) / 1000)
    return taken


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def line(name: str, values: Sequence[float], unit: str) -> str:
    """`name  p50 12.3 us  p95 15.0 us`."""
    return f"{name:<28} p50 {percentile(values, 0.5):9.1f} {unit}   p95 {percentile(values, 0.95):9.1f} {unit}"


def ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    """Our median over the peer's."""
    return median(ours) / median(peer)


def verdict(name: str, value: float, aim: float) -> str:
    """A figure beside its aim; an aim that is missed says so."""
    return f"{name}: {value:.2f} (aim: at most {aim:g}){'' if value <= aim else '  MISSED'}"

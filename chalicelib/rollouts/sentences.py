"""What a gate's judgement says to people: one or two sentences with their numbers."""

from __future__ import annotations

from math import exp

from chalicelib.rollouts.gates import Custom, Gate, Measured, Metric, Outcome

TOLD_SPREAD = 1.5
"""From this spread on, that traffic counts for less is worth a sentence, and no odds are told: they hold for chance alone."""
_MOST_ODDS = 1_000_000


def share_sentence(gate: Gate, outcome: Outcome, measured: Measured, canary: float | None, stable: float | None) -> str:
    """How a gate on failed or slow requests was judged; `canary` and `stable` are what each shows of its metric."""
    of_errors = gate.metric.of_errors
    if outcome is Outcome.UNKNOWN:
        return _unknown(gate, canary)
    if not measured.compared:
        return "At this weight the stable version has no traffic to compare with."
    rate = f"{measured.bad} of {measured.total} requests {_bad(gate)}"
    at = "" if canary is None else f" ({_shown(of_errors, canary)}{_band(of_errors, measured)})"
    beside = "" if stable is None else f", stable {_shown(of_errors, stable)}"
    told = f"On the canary {rate}{at}{_blame(outcome)}; {_limit(gate)}{beside}."
    certain = outcome is Outcome.FAIL and measured.spread < TOLD_SPREAD
    return told + _spread(measured) + _few(measured) + (_odds(measured.evidence) if certain else "")


def custom_sentence(gate: Gate, custom: Custom, value: float | None, over: int, note: str) -> str:
    """How a custom gate was judged, whose measurement was over its limit at the newest `over` looks.

    `note` is what the newest measurement had to say.
    """
    said = f": {note.rstrip('.')}" if note else ""
    if value is None:
        return f"{custom.name} is not known{said or ': nothing was measured'}."
    if custom.kind == "webhook":
        return f"The webhook of {custom.name} said {'yes' if not over else f'no, {_times(over)}'}{said}."
    way = "most" if custom.bound == "max" else "least"
    held = f", broken {_times(over)}" if over else ""
    return f"{custom.name} is {value:g}; at {way} {gate.limit:g} is allowed{held}."


def _unknown(gate: Gate, canary: float | None) -> str:
    what = "error rate" if gate.metric.of_errors else "latency"
    if gate.metric.relative and canary is not None:
        return f"The canary's {what} cannot be compared: too little is known of the stable version's."
    return f"The canary's {what} is not known: nothing was measured."


def _bad(gate: Gate) -> str:
    if gate.metric.of_errors:
        return "failed"
    if gate.metric is Metric.LATENCY_P95:
        return f"were slower than {gate.limit:g} ms"
    return f"took over {gate.limit:g} % longer than 95 % of the stable version's"


def _limit(gate: Gate) -> str:
    match gate.metric:
        case Metric.ERROR_RATE:
            return f"the limit is {gate.limit:g} %"
        case Metric.ERROR_RATE_INCREASE:
            return f"at most {gate.limit:g} percentage points more than stable are allowed"
        case Metric.LATENCY_P95:
            return "at most 5 % may be"
        case _:
            return "at most 5 percentage points more than on stable are allowed"


def _shown(of_errors: bool, value: float) -> str:
    return f"{value:.1f} %" if of_errors else f"95 % within {value:.0f} ms"


def _band(of_errors: bool, measured: Measured) -> str:
    """The band, where it is one of the number that it stands behind."""
    return f", surely {measured.band[0] * 100:.1f} to {measured.band[1] * 100:.1f} %" if of_errors else ""


def _blame(outcome: Outcome) -> str:
    if outcome is not Outcome.SHARED:
        return ""
    return ", but the stable version breaks the gate too, so the cause is not this release"


def _spread(measured: Measured) -> str:
    if measured.spread < TOLD_SPREAD:
        return ""
    how = "differ between pods" if measured.of_pods else "come in bursts, and vary"
    return f" They {how} {measured.spread:.1f} times as much as by chance, and count for so much less."


def _few(measured: Measured) -> str:
    return " So far a few bursts of them could be the reason." if measured.few else ""


def _odds(evidence: float) -> str:
    odds = exp(min(evidence, 50.0))
    if odds > _MOST_ODDS:
        return " A sound release shows this less than once in a million rollouts."
    return f" A sound release shows this at most once in {_rounded(odds):,} rollouts."


def _rounded(number: float) -> int:
    """Rounded down to two digits."""
    size = int(10 ** max(0, len(str(int(number))) - 2))
    return int(number) // size * size


def _times(over: int) -> str:
    return "once" if over == 1 else f"{over} looks in a row"

"""How judges did on the corpus: shares, times and failed requests, each with a confidence interval of 95 %. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from bench.judged.corpus import BAD, EMPTY, GOOD, NOISY, SMALL, Case
from bench.judged.outcome import PROMOTED, Outcome

Z = 1.96
_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with Wilson's interval."""

    found: int
    total: int

    @property
    def value(self) -> float:
        """The share; 0 of none."""
        return self.found / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares the true one lies."""
        if not self.total:
            return 0.0, 1.0
        middle = (self.value + Z * Z / (2 * self.total)) / (1 + Z * Z / self.total)
        spread = self.value * (1 - self.value) / self.total + Z * Z / (4 * self.total**2)
        reach = Z * math.sqrt(spread) / (1 + Z * Z / self.total)
        return max(0.0, middle - reach), min(1.0, middle + reach)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value * 100:.1f} % ({low * 100:.1f}-{high * 100:.1f})"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval; None of nothing."""

    value: float | None
    low: float = 0.0
    high: float = 0.0

    def __str__(self) -> str:
        return "-" if self.value is None else f"{self.value:.0f} ({self.low:.0f}-{self.high:.0f})"


@dataclass(frozen=True, slots=True)
class Judged:
    """One case before one judge; `failed` are the users' requests that the canary failed until weight 0, or the end."""

    case: Case
    outcome: Outcome
    failed: int

    @property
    def delay(self) -> float | None:
        """Seconds from the fault's beginning to the verdict, if there was one and it came after."""
        seconds = self.outcome.seconds
        return None if seconds is None or self.early else seconds - self.case.began

    @property
    def early(self) -> bool:
        """Whether a release was rolled back before anything was wrong with it."""
        return self.outcome.seconds is not None and self.outcome.seconds < self.case.began


@dataclass(frozen=True, slots=True)
class Row:
    """What one judge did."""

    judge: str
    false_aborts: Share
    noisy_aborts: Share
    missed: Share
    precision: Share
    recall: Share
    median: Estimate
    p95: Estimate
    failed: Estimate
    empty_promoted: Share
    empty_aborted: Share


@dataclass(frozen=True, slots=True)
class Aim:
    """What is aimed at: a share that is at least or at most so much."""

    name: str
    share: Share
    aim: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the share that was found meets it."""
        return self.share.value >= self.aim if self.at_least else self.share.value <= self.aim

    @property
    def surely_missed(self) -> bool:
        """Whether the whole interval misses it, so that no luck of the draw explains it."""
        low, high = self.share.interval
        return high < self.aim if self.at_least else low > self.aim

    def __str__(self) -> str:
        sign = "at least" if self.at_least else "at most"
        return f"{self.name}: {self.share} (aim: {sign} {self.aim * 100:g} %): {'met' if self.met else 'MISSED'}"


def row(judge: str, results: Sequence[Judged]) -> Row:
    """What the judge did with all the cases. One that it rolled back before its fault began was sound."""
    good, noisy, bad, empty = (_of(results, label) for label in (GOOD, NOISY, BAD, EMPTY))
    good, bad = [*good, *(each for each in bad if each.early)], [each for each in bad if not each.early]
    caught = [each for each in bad if each.outcome.rolled_back]
    aborted = [each for each in (*good, *noisy) if each.outcome.rolled_back]
    delays = sorted(each.delay for each in caught if each.delay is not None)
    failing = [each for each in bad if each.case.world.canary(1e9) > each.case.world.stable(1e9)]
    return Row(
        judge=judge,
        false_aborts=_rolled_back(good),
        noisy_aborts=_rolled_back(noisy),
        missed=Share(len(bad) - len(caught), len(bad)),
        precision=Share(len(caught), len(caught) + len(aborted)),
        recall=Share(len(caught), len(bad)),
        median=quantile(delays, 0.5),
        p95=quantile(delays, 0.95),
        failed=mean([each.failed for each in failing]),
        empty_promoted=Share(sum(each.outcome.end == PROMOTED for each in empty), len(empty)),
        empty_aborted=_rolled_back(empty),
    )


def aims(results: Sequence[Judged]) -> list[Aim]:
    """The aims, and how near the results come.

    The base rates are those of the corpus: the stable version fails 0.5 % at least where the canary fails four times as
    much, and 1 % where it fails twice as much. What is worse by less is in the table, under `small`.
    """
    whole = row("", results)

    def caught(*names: str, rates: tuple[float, ...] = (20, 200), within: float = math.inf) -> Share:
        found = [each for each in results if each.case.kind.name in names and each.case.world.rate in rates]
        return Share(sum(each.delay is not None and each.delay <= within for each in found), len(found))

    def most(name: str, share: Share, aim: float) -> Aim:
        return Aim(name, share, aim, at_least=False)

    def least(name: str, share: Share, aim: float) -> Aim:
        return Aim(name, share, aim, at_least=True)

    four = ("4 times the errors", "10 times the errors", "20 % fail", "50 % fail", "all fail")
    fifth, faulty = "20 % fail", "20 % fail, faulty readings"
    return [
        most("false aborts: healthy, shared outages, bursts that the stable version has too", whole.false_aborts, 0.01),
        most("false aborts, the canary alone varies more than by chance", whole.noisy_aborts, 0.03),
        least("4 times the errors or more, of 0.5 % at least, at 20 requests/s: caught", caught(*four, rates=(20,)), 0.99),
        least("the same at 200 requests/s", caught(*four, rates=(200,)), 0.99),
        least("twice the errors, of 1 % at least: caught within 30 minutes", caught("twice the errors", within=1800), 0.9),
        least("20 % fail: caught within 20 s, the 95th percentile", caught(fifth, within=20), 0.95),
        least(
            "20 % fail, at 20 requests/s: caught within 20 s, the 90th percentile", caught(fifth, rates=(20,), within=20), 0.9
        ),
        least(
            "20 % fail, up to half of the readings missing or late: caught within 30 s, the median",
            caught(faulty, within=30),
            0.5,
        ),
        least("precision", whole.precision, 0.95),
        least("recall", whole.recall, 0.99),
    ]


def by_kind(results: Sequence[Judged]) -> list[tuple[str, str, Share, Estimate, Estimate]]:
    """For each kind: its name and label, how many were rolled back, and the median and 95th percentile of the delay."""
    order = (GOOD, NOISY, BAD, SMALL, EMPTY)
    kinds = {
        each.case.kind.name: each.case.kind.label
        for each in sorted(results, key=lambda each: order.index(each.case.kind.label))
    }
    found = []
    for name, label in kinds.items():
        mine = [each for each in results if each.case.kind.name == name]
        delays = sorted(each.delay for each in mine if each.delay is not None)
        found.append((name, label, _rolled_back(mine), quantile(delays, 0.5), quantile(delays, 0.95)))
    return found


def quantile(ordered: Sequence[float], share: float) -> Estimate:
    """A quantile of values in order; its interval lies between two of them (binomial, by the normal distribution)."""
    if not ordered:
        return Estimate(None)
    last = len(ordered) - 1
    reach = Z * math.sqrt(len(ordered) * share * (1 - share))
    places = (len(ordered) * share + by for by in (0.0, -reach, reach))
    value, low, high = (ordered[min(last, max(0, math.floor(place)))] for place in places)
    return Estimate(value, low, high)


def mean(values: Sequence[float]) -> Estimate:
    """The mean, with a percentile bootstrap of it."""
    if not values:
        return Estimate(None)
    random = Random(1)
    again = sorted(_average(random.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return Estimate(_average(values), again[int(_RESAMPLES * 0.025)], again[int(_RESAMPLES * 0.975)])


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _of(results: Iterable[Judged], label: str) -> list[Judged]:
    return [each for each in results if each.case.kind.label == label]


def _rolled_back(results: Sequence[Judged]) -> Share:
    return Share(sum(each.outcome.rolled_back for each in results), len(results))

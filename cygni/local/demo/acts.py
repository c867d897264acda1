"""What the demo does and expects, and the judgement of how it went. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cygni.local.demo.tally import Blemish


@dataclass(frozen=True, slots=True)
class Act:
    """One deployment of the demo: its example, what it is in words, and how it must end."""

    example: str
    title: str
    expected: str

    @property
    def bad(self) -> bool:
        """Whether this version is one to be caught."""
        return self.expected == "rolled_back"


ACTS = (
    Act("hello", "version 1, sound", "promoted"),
    Act("hello-v2", "version 2, sound", "promoted"),
    Act("hello-broken", "version 3, fails one request in five", "rolled_back"),
    Act("hello-slow", "version 4, answers slowly", "rolled_back"),
)
LATENCY_GATE = 0.4
"""Seconds: the examples' latency gate, above which an answer counts as a bad one."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an act ended. `seconds` is the time to verdict: for a promotion from its first step, for a bad release
    from its first bad answer to weight 0; None when it cannot be told."""

    act: Act
    release: int
    state: str
    why: str
    seconds: float | None
    requests: int
    failed: int

    @property
    def as_expected(self) -> bool:
        """Whether it ended as it must."""
        return self.state == self.act.expected


@dataclass(frozen=True, slots=True)
class Explained:
    """A deployment and what `cygni explain` says of it, both as the API has them."""

    deployment: dict[str, Any]
    explanation: dict[str, Any]

    @property
    def gate(self) -> str | None:
        """The gate that rolled it back."""
        steps = self.explanation["items"]
        return steps[-1]["decided_by"] if steps else None


def expected_stable(endings: Sequence[Ending]) -> str:
    """The revision that must have all the traffic at the end: the last one that was to be promoted."""
    promoted = [each.release for each in endings if each.act.expected == "promoted"]
    return f"r{promoted[-1]}" if promoted else ""


def complaints(
    endings: Sequence[Ending], last_answers: Counter[str], stain: Blemish | None, acts: Sequence[Act] = ACTS
) -> list[str]:
    """All that did not go as it must; the demo succeeded if there is nothing."""
    found = [
        f"r{each.release} ({each.act.title}) ended {each.state}, expected {each.act.expected}: {each.why}"
        for each in endings
        if not each.as_expected
    ]
    found += [f"{act.example} ({act.title}) was never deployed to its end" for act in acts[len(endings) :]]
    if stain is not None:
        found.append(f"{stain.count} requests failed that no bad canary answers for; the first: {stain.first}")
    if len(endings) == len(acts):
        stable = expected_stable(endings)
        others = {name: number for name, number in last_answers.items() if name != stable}
        if others or not last_answers[stable]:
            told = ", ".join(f"{number} by {name}" for name, number in sorted(last_answers.items())) or "none"
            found.append(f"{stable} does not have all the traffic at the end; requests answered: {told}")
    return found

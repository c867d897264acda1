"""Which of two regions acts: never two at once while they hear of each other, and always the newest term."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from chalicelib.platform.duty_rules import BEGINNING, Refusal, Standing, Term, next_term, present, standing

HOME, AWAY = "us-east-1", "us-west-2"
REGIONS = (HOME, AWAY)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LONGEST = timedelta(minutes=7)
MINUTE = timedelta(minutes=1)


def after(term: Term, to: str, *, answers: bool = True, lost: bool = False) -> Term | Refusal:
    return next_term(term, to, REGIONS, NOW, answers=answers, lost=lost, longest=LONGEST)


def test_before_any_term_was_written_the_home_region_acts() -> None:
    term = present((None, None), HOME)

    assert [standing(term, each, NOW) for each in REGIONS] == [Standing.ACTIVE, Standing.PASSIVE]


def test_the_highest_number_holds_whichever_copy_has_it() -> None:
    old, new = Term(1, NOW, HOME), Term(2, BEGINNING, AWAY)

    assert present((old, new), HOME) == present((new, old), HOME) == present((None, new), HOME) == new


def test_a_move_waits_for_what_was_begun_and_meanwhile_nobody_acts() -> None:
    term = after(Term(0, BEGINNING, HOME), AWAY)

    assert term == Term(1, NOW + LONGEST, AWAY)
    assert [standing(term, each, NOW) for each in REGIONS] == [Standing.PASSIVE, Standing.WAITING]
    assert standing(term, AWAY, NOW + LONGEST) is Standing.ACTIVE


def test_a_region_that_does_not_answer_is_relieved_only_when_somebody_says_that_it_is_lost() -> None:
    refused = after(Term(0, BEGINNING, HOME), AWAY, answers=False)

    assert isinstance(refused, Refusal)
    assert HOME in refused.reason
    assert after(Term(0, BEGINNING, HOME), AWAY, answers=False, lost=True) == Term(1, NOW, AWAY)


def test_saying_that_a_region_is_lost_which_answers_does_not_spare_the_wait() -> None:
    assert after(Term(0, BEGINNING, HOME), AWAY, lost=True) == Term(1, NOW + LONGEST, AWAY)


@pytest.mark.parametrize("answers", [True, False])
def test_moving_to_where_the_work_is_changes_nothing(answers: bool) -> None:
    assert after(Term(3, NOW, AWAY), AWAY, answers=answers) == Term(3, NOW, AWAY)


@pytest.mark.parametrize("to", ["", "eu-west-1"])
def test_a_region_of_no_pair_is_refused_with_those_that_there_are(to: str) -> None:
    refused = after(Term(0, BEGINNING, HOME), to)

    assert isinstance(refused, Refusal)
    assert refused.remedy == f"Name {HOME} or {AWAY}."


@dataclass
class Two:
    """Two regions with a copy each, and tasks that they begin when they may and that take LONGEST."""

    up: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(REGIONS, True))
    copies: dict[str, Term | None] = field(default_factory=lambda: dict.fromkeys(REGIONS))
    busy: dict[str, datetime] = field(default_factory=dict)

    def move(self, to: str, now: datetime) -> None:
        by, other = (to, HOME if to == AWAY else AWAY)
        if not self.up[by]:
            return
        readable = [self.copies[by], self.copies[other] if self.up[other] else None]
        answers = self.up[other]
        term = next_term(present(readable, HOME), to, REGIONS, now, answers=answers, lost=not answers, longest=LONGEST)
        assert isinstance(term, Term)
        for each in (by, other) if answers else (by,):
            self.copies[each] = term

    def acts(self, region: str, now: datetime) -> bool:
        other = HOME if region == AWAY else AWAY
        readable = [self.copies[region], self.copies[other] if self.up[other] else None]
        return self.up[region] and standing(present(readable, HOME), region, now) is Standing.ACTIVE

    def work(self, now: datetime) -> None:
        for region in REGIONS:
            if self.acts(region, now):
                self.busy[region] = now + LONGEST
            if not self.up[region]:
                self.busy.pop(region, None)  # what ran in a lost region ended with it


STEPS = (f"move {HOME}", f"move {AWAY}", f"lose {HOME}", f"return {HOME}", f"lose {AWAY}", "wait")


@pytest.mark.parametrize("first", STEPS)
def test_in_no_order_of_moves_losses_and_returns_do_two_regions_work_at_once(first: str) -> None:
    for rest in product(STEPS, repeat=4):
        two, now = Two(), NOW
        for step in (first, *rest):
            what, _, region = step.partition(" ")
            if what == "move":
                two.move(region, now)
            elif what != "wait":
                two.up[region] = what == "return"
            two.work(now)
            now += MINUTE if what != "wait" else LONGEST
            assert sum(until > now for until in two.busy.values()) < 2, (first, *rest)

"""The bench of judges: its corpus, its peers, its arithmetic; and the aims, on one stream in sixteen."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.judge import JUDGES, OURS, QUICK, missed, run
from bench.judged.corpus import BAD, KINDS, corpus
from bench.judged.figure import draw
from bench.judged.ours import as_they_come, cygni, in_order
from bench.judged.outcome import PROMOTED, ROLLED_BACK, Outcome
from bench.judged.page import BEGIN, END, section, table, written
from bench.judged.peers import Minutes, argo, flagger, is_high, kayenta
from bench.judged.streams import LONG, Stream, World, always, simulate
from bench.judged.tally import Aim, Judged, Share, aims, mean, quantile, row

NEVER = always(0.0)


def world(failing: float, *, rate: float = 20, steps: tuple[tuple[int, int], ...] = LONG, stable: float = 0.0) -> World:
    return World(rate, always(failing), always(stable), steps)


def traffic(failing: float, **how: object) -> tuple[World, Stream]:
    made = world(failing, **how)  # type: ignore[arg-type]
    return made, simulate(made, 1)


# --- the corpus


def test_the_corpus_has_two_thousand_streams_of_every_kind_that_is_asked_for() -> None:
    assert sum(kind.count for kind in KINDS) >= 2000
    assert {kind.label for kind in KINDS} == {"good", "noisy", "bad", "small", "empty"}


def test_the_same_seed_gives_the_same_stream() -> None:
    cases = [next(iter(corpus())) for _ in range(2)]

    assert simulate(cases[0].world, cases[0].seed) == simulate(cases[1].world, cases[1].seed)
    assert simulate(cases[0].world, cases[0].seed) != simulate(cases[0].world, cases[0].seed + 1)


def test_traffic_is_shared_and_fails_as_its_world_says() -> None:
    made = World(200, always(0.1), always(0.02), ((20, 600),))
    stream = simulate(made, 3)
    canary, stable = stream.steps[0][-1].canary, stream.steps[0][-1].stable
    assert canary is not None
    assert stable is not None

    assert canary.requests / (canary.requests + stable.requests) == pytest.approx(0.2, rel=0.05)
    assert canary.errors / canary.requests == pytest.approx(0.1, rel=0.05)
    assert stable.errors / stable.requests == pytest.approx(0.02, rel=0.1)
    assert stream.failed_until(600) == canary.errors
    assert canary.latency[-1][1] == canary.requests


def test_noise_and_bursts_on_the_canary_leave_its_share_as_it_was() -> None:
    for made in (World(200, always(0.02), NEVER, clump=10), World(2000, always(0.02), NEVER, noise=0.8)):
        canary = simulate(made, 5).steps[-1][-1].canary
        assert canary is not None
        assert canary.errors / canary.requests == pytest.approx(0.02, rel=0.25)


def test_bursts_leave_the_stable_versions_share_as_it_was() -> None:
    stable = simulate(World(200, NEVER, always(0.02), stable_clump=20), 5).steps[-1][-1].stable
    assert stable is not None
    assert stable.errors / stable.requests == pytest.approx(0.02, rel=0.25)


def test_looks_come_late_and_twice_where_the_world_says_so() -> None:
    stream = simulate(World(20, NEVER, NEVER, ((20, 300),), late=0.25), 2)
    places = [place for _, place in stream.arrived[0]]
    delays = [came - 5 * place for came, place in stream.arrived[0]]

    assert places != sorted(places), "some overtake others"
    assert len(places) > len(set(places)), "some come twice"
    assert min(delays) == 0
    assert 5 < max(delays) <= 20
    assert max(came for came, _ in stream.arrived[0]) <= 300, "what comes after the step's end is lost"


def test_looks_that_come_at_once_are_judged_the_same_through_the_evidence() -> None:
    made, stream = traffic(0.04, steps=((20, 450),))
    whole, stored = dict(in_order(made, stream)), dict(as_they_come(made, stream))

    assert {at: stored[at] for at in whole if at > 0} == {at: verdict for at, verdict in whole.items() if at > 0}


def test_looks_that_come_late_make_a_verdict_late() -> None:
    made = World(20, always(0.2), NEVER, ((20, 300),), late=1.0)
    stream = simulate(made, 1)
    tidy = Stream(stream.steps, stream.failed, (tuple((5.0 * place, place) for place in range(61)),))
    late, prompt = (
        next(at for at, each in as_they_come(made, given) if each.decision == "rollBack") for given in (stream, tidy)
    )

    assert prompt < late


# --- the peers


def test_flagger_rolls_back_at_the_fifth_failed_check_in_a_row_or_not() -> None:
    assert flagger(95, (0.95, 0.4))(*traffic(0.2)) == Outcome(ROLLED_BACK, 300)
    assert flagger(95, (0.95, 0.4))(*traffic(0.0)) == Outcome(PROMOTED)
    assert flagger(95, (0.95, 0.01))(*traffic(0.0)) == Outcome(ROLLED_BACK, 300)


def test_argo_aborts_when_more_measurements_failed_than_its_limit_allows() -> None:
    assert argo(95, minutes=1)(*traffic(0.2)) == Outcome(ROLLED_BACK, 240)
    assert argo(95, minutes=5)(*traffic(0.2)) == Outcome(ROLLED_BACK, 1200)
    assert argo(95, minutes=1)(*traffic(0.01)) == Outcome(PROMOTED)


def test_kayenta_compares_the_minutes_of_both_versions() -> None:
    assert kayenta(*traffic(0.1, stable=0.01, rate=200)) == Outcome(ROLLED_BACK, 300)
    assert kayenta(*traffic(0.01, stable=0.01, rate=200)) == Outcome(PROMOTED)


def test_a_shift_is_high_when_its_whole_interval_is() -> None:
    low = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02]

    assert is_high([2.0, 2.1, 1.9, 2.05, 1.95, 2.02], low)
    assert not is_high(low, [2.0, 2.1, 1.9, 2.05, 1.95, 2.02])
    assert not is_high([1.0, 1.2, 0.8, 1.1, 0.9, 1.0], low)
    assert not is_high([1.0, 2.0], [0.0, 0.5]), "two minutes prove nothing"
    assert not is_high([0.0] * 6, [0.0] * 6)


def test_peers_see_no_value_where_there_is_no_traffic_and_we_do_not_promote() -> None:
    made = world(0.0, rate=0)
    stream = simulate(made, 1)

    assert flagger(95, (0.95, 0.4))(made, stream).end == ROLLED_BACK
    assert argo(95, minutes=1)(made, stream).end == ROLLED_BACK
    assert kayenta(made, stream).end == ROLLED_BACK
    assert cygni(made, stream).end == "held"


def test_a_restart_between_two_readings_is_bridged_as_increase_does() -> None:
    made = World(20, NEVER, NEVER, ((20, 180),), resets=(90.0,))
    minutes = Minutes.of(made, simulate(made, 1))

    assert all(served is not None and 150 < served.requests < 350 for served in minutes.canary)


# --- the arithmetic


def test_a_share_stands_within_wilsons_interval() -> None:
    low, high = Share(0, 100).interval
    assert (low, high) == (0.0, pytest.approx(0.037, abs=0.001))
    assert Share(50, 100).interval == (pytest.approx(0.404, abs=0.001), pytest.approx(0.596, abs=0.001))
    assert Share(0, 0).interval == (0.0, 1.0)


def test_an_aim_is_surely_missed_only_when_its_whole_interval_misses() -> None:
    assert Aim("a", Share(0, 10), 0.01, at_least=False).met
    assert not Aim("a", Share(1, 10), 0.01, at_least=False).met
    assert not Aim("a", Share(1, 20), 0.01, at_least=False).surely_missed
    assert Aim("a", Share(9, 10), 0.01, at_least=False).surely_missed
    assert Aim("a", Share(90, 100), 0.99, at_least=True).surely_missed


def test_an_aim_that_is_missed_counts_and_of_few_streams_only_what_luck_does_not_explain() -> None:
    unlucky, bad = Aim("a", Share(1, 20), 0.01, at_least=False), Aim("b", Share(90, 100), 0.99, at_least=True)
    met = Aim("c", Share(0, 10), 0.01, at_least=False)

    assert missed([unlucky, bad, met], quick=False) == [unlucky, bad]
    assert missed([unlucky, bad, met], quick=True) == [bad]
    assert (str(met)[-5:], str(bad)[-8:]) == (": met", ": MISSED")


def test_a_mean_and_a_quantile_stand_within_their_intervals() -> None:
    values = [float(value) for value in range(200)]
    for found in (mean(values), quantile(values, 0.5), quantile(values, 0.95)):
        assert found.value is not None
        assert found.low < found.value < found.high
    assert str(quantile([], 0.5)) == "-"


def test_a_release_rolled_back_before_its_fault_began_was_sound() -> None:
    late = next(case for case in corpus() if case.began > 100)
    early, caught = (Judged(late, Outcome(ROLLED_BACK, seconds), 0) for seconds in (60, late.began + 40))
    found = row("", [early, caught])

    assert (found.false_aborts.found, found.false_aborts.total, found.recall.found, found.recall.total) == (1, 1, 1, 1)
    assert (early.delay, caught.delay) == (None, pytest.approx(40))


# --- and all of it


@pytest.fixture(scope="module")
def results() -> dict[str, list[Judged]]:
    """One case of each kind, of which every judge holds the good ones and rolls the bad ones back after a minute."""
    return {
        name: [
            Judged(case, Outcome(ROLLED_BACK, case.began + 60) if case.kind.label == BAD else Outcome(PROMOTED), 7)
            for case in corpus(every=1000)
        ]
        for name in JUDGES
    }


def test_the_comparison_is_printed_and_drawn(results: dict[str, list[Judged]]) -> None:
    rows = [row(name, judged) for name, judged in results.items()]
    drawn = ElementTree.fromstring(draw(results, rows))

    assert all(name in table(rows) for name in JUDGES)
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}polyline")) == len(JUDGES)


@pytest.mark.slow
def test_the_aims_are_met_on_one_stream_in_sixteen() -> None:
    ours = run(every=QUICK, names=(OURS,))[OURS]
    whole = row(OURS, ours)

    assert missed(aims(ours), quick=True) == []
    assert whole.false_aborts.found <= 1
    assert whole.missed.found <= 1
    assert (whole.empty_promoted.found, whole.empty_aborted.found) == (0, 0)


def test_the_page_has_the_tables_in_the_form_that_the_bench_writes(results: dict[str, list[Judged]]) -> None:
    page = Path("docs/rollouts.md").read_text(encoding="utf-8")
    rows = [row(name, judged) for name, judged in results.items()]
    text = section(rows, results[OURS], aims(results[OURS]))

    told = page.partition(BEGIN)[2].partition(END)[0]
    assert _form(told) == _form(text)
    assert written(f"before {BEGIN} old {END} after", "new") == f"before {BEGIN}\n\nnew\n\n{END} after"


def test_a_page_without_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match=r"put .*begin"):
        written("# A page", "new")


def _form(text: str) -> list[str]:
    """The lines with all numbers, and what hangs on them, left open."""
    lines = [re.sub(r"-?\d[\d,.]*|\B-\B", "0", line) for line in text.strip().splitlines() if line]
    return [re.sub(r"MISSED|met$", "?", line.replace("0 (00)", "0")) for line in lines]

"""The bench of scale in small: that counts do not grow with the number of services, and what the simulation adds up."""

from __future__ import annotations

import tomllib
from collections import Counter
from itertools import islice

import pytest

from bench.scale import PAGE, QUOTAS, heat_table, largest_deployment, quota_table
from bench.scaled import flat
from bench.scaled.fill import places
from bench.scaled.heads import crowd
from bench.scaled.heat import ROLLOUTS, SECONDS, Heat, simulate
from bench.scaled.rounds import Round
from bench.scaled.trace import Stroke, Trace, trace
from bench.scaled.uses import Seen, look_every, uses
from bench.store_count import Touch
from chalicelib.projects.names import ServiceKey
from tests.support.world import TEAM

WRITE = Stroke(1.0, Touch("cygni", "TEAM#{team}#DEPLOYMENTS#{service}", written=2))
READ = Stroke(0.0, Touch("cygni", "TEAM#{team}", read=1))


def small(**more: tuple[Stroke, ...]) -> Trace:
    """A trace of one write."""
    parts = {"begins": (READ,), "waits": (READ,), "supersedes": (READ,), "rest": (WRITE,), "look": (), "refresh": (), **more}
    asked = Counter({"cluster read": 1, "cluster write": 1, "look at metrics": 1})
    return Trace(**parts, seconds=100.0, states=10, busy=Counter(), invoked=Counter(), asked=asked)  # type: ignore[arg-type]


def test_half_of_all_services_are_the_big_teams_and_the_seed_says_which() -> None:
    keys = list(islice(places(), 2000))

    assert keys == list(islice(places(), 2000))
    assert 0.45 < sum(key.team == TEAM for key in keys) / len(keys) < 0.55
    assert len({(key.team, key.project, key.service) for key in keys}) == 2000
    assert len({key.team for key in keys}) > 20


def test_a_thousand_rollouts_are_under_way_throughout() -> None:
    heat = simulate(small(), list(islice(places(), 5000)), look_every=2)

    assert len(heat.under_way) == SECONDS
    assert min(heat.under_way) >= ROLLOUTS
    assert sum(heat.happened[each] for each in ("began at once", "waited", "took another's place")) >= 10 * SECONDS


def test_what_is_touched_in_one_second_adds_up_by_partition() -> None:
    heat, key = Heat(), {"team": "t", "service": "s"}
    for began in (0.0, 0.9, 5.0, -2.0, SECONDS):
        heat.add([WRITE], key, began)

    assert heat.hottest() == {"cygni": ("TEAM#t#DEPLOYMENTS#s", 4.0, "", 0.0)}
    assert heat.per_second(heat.written, "cygni") == 4
    assert "| 4 | 0% |" in heat_table(heat)


def test_a_service_that_is_asked_for_again_and_again_has_one_rollout_under_way_and_one_that_waits() -> None:
    keys = [ServiceKey("t", "p", "prod", f"s{each}") for each in range(ROLLOUTS + 1)]
    heat = simulate(small(), keys, look_every=2)

    assert max(heat.under_way) <= len(keys)
    assert heat.happened["took another's place"] > heat.happened["began at once"]


def test_every_quota_has_its_use_and_says_where_it_is_from() -> None:
    round_ = Round(1, 1.0, 0, Counter({"ListExecutions": 1}))
    heat = simulate(small(), list(islice(places(), 2000)), look_every=2)
    used = uses(Seen(small(), heat, round_, {"declared": round_, "once more": round_}, 1, 10.0, 2.0))
    quotas = tomllib.loads(QUOTAS.read_text())

    assert set(used) == set(quotas)
    assert all(quota["source"] and quota["raise"] and "seen" in quota for quota in quotas.values())
    assert quota_table(used).count("\n") == len(quotas) + 1


def test_the_page_has_every_quota_as_the_file_has_it() -> None:
    page = PAGE.read_text()

    for quota in tomllib.loads(QUOTAS.read_text()).values():
        assert f"| {quota['what']} | {quota['default']:,} |" in page, "run python -m bench.scale --write"


def test_whoever_follows_looks_less_often_in_a_long_step() -> None:
    assert look_every(10) == 1
    assert 4 < look_every(600) < 5


def test_a_deployment_with_the_longest_timeline_is_far_from_what_an_item_may_be() -> None:
    assert 100 < largest_deployment() < 200


def test_ten_changes_a_second_of_one_team_get_through_and_a_hundred_do_not() -> None:
    few, many, flood = (crowd(rate, seconds=60) for rate in (1, 10, 100))

    assert few.refused == many.refused == 0
    assert 1 <= few.tries < many.tries < flood.tries
    assert flood.refused > 0.1


@pytest.mark.slow
def test_no_request_costs_more_among_forty_times_as_many_services() -> None:
    costs = flat.measure((50, 2000))

    assert {name: spent for name, spent in costs[2000].items() if name in costs[50]} == costs[50]
    assert costs[50]["get service"].calls == 1
    assert costs[2000]["sweep over 1000 rollouts"].calls == 2


@pytest.mark.slow
def test_no_partition_is_asked_for_more_than_it_has_at_the_target() -> None:
    made = trace()
    heat = simulate(made, list(islice(places(), 50_000)), look_every=look_every(made.seconds / 3))

    assert made.seconds == pytest.approx(100)
    assert {"cygni", "cygni-audit", "cygni-idempotency", "cygni-identity", "cygni/gsi1"} == set(heat.hottest())
    for write_key, written, read_key, read in heat.hottest().values():
        assert 0 < written <= 500, write_key
        assert read <= 1500, read_key

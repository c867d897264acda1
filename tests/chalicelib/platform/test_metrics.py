"""Metrics as they are written: what CloudWatch reads, what is a dimension, and that nothing is written where nobody asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from chalicelib.deployments.states import ENDED, State
from chalicelib.platform.logs import bound
from chalicelib.platform.metrics import (
    COLD_STARTS,
    DEPLOYMENTS,
    METRICS,
    TIME_TO_LIVE,
    UNDER_WAY,
    VERDICTS,
    WAITING,
    emit,
    line,
)
from chalicelib.platform.settings import settings
from chalicelib.rollouts.rules import Decision

UNITS = {"Count", "Seconds"}


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CYGNI_METRICS_NAMESPACE", "Cygni")
    settings.cache_clear()
    yield
    settings.cache_clear()


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in capsys.readouterr().out.splitlines()]


def test_a_metric_is_written_as_powertools_writes_it() -> None:
    judge = AmazonCloudWatchEMFProvider(namespace="Cygni")
    sets: list[tuple[dict[Any, float], str]] = [({DEPLOYMENTS: 1}, "promoted"), ({UNDER_WAY: 3, WAITING: 1}, "")]
    for measured, of in sets:
        theirs: Any = judge.serialize_metric_set(
            metrics={
                each.name: {"Unit": each.unit, "StorageResolution": 60, "Value": [float(value)]}
                for each, value in measured.items()
            },
            dimensions={each.dimension: of for each in measured if each.dimension},
        )

        ours = json.loads(line("Cygni", measured, of, theirs["_aws"]["Timestamp"]))

        assert ours == json.loads(json.dumps(theirs))


@pytest.mark.usefixtures("namespace")
def test_ids_are_properties_and_no_dimensions(capsys: pytest.CaptureFixture[str]) -> None:
    with bound(correlation_id="req-1", team="team_1", deployment="dep_1"):
        emit({DEPLOYMENTS: 1}, "rolled_back")

    (told,) = printed(capsys)
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Cygni",
        "Dimensions": [["Outcome"]],
        "Metrics": [{"Name": "Deployments", "Unit": "Count"}],
    }
    assert (told["Outcome"], told["Deployments"], told["correlation_id"], told["team"]) == (
        "rolled_back",
        [1.0],
        "req-1",
        "team_1",
    )


def test_nothing_is_written_where_no_namespace_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    emit({COLD_STARTS: 1})

    assert printed(capsys) == []


@pytest.mark.parametrize(
    ("measured", "of"),
    [
        ({DEPLOYMENTS: 1}, "team_1"),
        ({DEPLOYMENTS: 1}, ""),
        ({TIME_TO_LIVE: 1}, "promoted"),
        ({DEPLOYMENTS: 1, WAITING: 1}, "promoted"),
    ],
    ids=["unknown", "missing", "of-one-that-has-none", "mixed"],
)
def test_a_value_that_was_not_declared_is_no_dimension(measured: dict[Any, float], of: str) -> None:
    with pytest.raises(ValueError, match="dimension"):
        emit(measured, of)


def test_the_metrics_are_few_and_their_dimensions_small() -> None:
    """Each value is billed by the month: $0.30 where it is told in every hour."""
    assert len({each.name for each in METRICS}) == len(METRICS)
    assert sum(max(1, len(each.values)) for each in METRICS) <= 20
    assert {each.unit for each in METRICS} <= UNITS


def test_the_dimensions_have_the_words_of_the_domain() -> None:
    assert set(DEPLOYMENTS.values) == {each.value for each in ENDED} - {State.SUPERSEDED.value}  # such a one never began
    assert set(VERDICTS.values) == {each.value for each in Decision}

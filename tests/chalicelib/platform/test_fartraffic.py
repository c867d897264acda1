"""Readings on their way from the function that reaches a cluster to who asks for them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import ClusterUnavailable, MetricsUnavailable
from chalicelib.platform.fartraffic import FarMetrics, packed
from chalicelib.platform.traffic import Reading

COUNT = st.integers(0, 10**9)
BUCKETS = st.lists(st.tuples(st.floats(0.001, 100), COUNT), max_size=3).map(lambda found: (*found, (math.inf, 7)))
READING = st.builds(
    Reading, COUNT, COUNT, st.just(()) | BUCKETS, st.lists(st.tuples(st.text(max_size=5), COUNT, COUNT), max_size=3).map(tuple)
)
ABOUT = {"team": "t", "project": "shop", "environment": "far", "service": "web"}


@given(st.dictionaries(st.text(max_size=5), READING, max_size=3))
def test_readings_arrive_as_they_left(readings: dict[str, Reading]) -> None:
    asked: list[tuple[str, Mapping[str, Any]]] = []

    def call(name: str, event: Mapping[str, Any]) -> Any:
        asked.append((name, event))
        return json.loads(json.dumps(packed(readings)))

    assert FarMetrics(call, ABOUT).read("ns", ["web-r1"]) == readings
    assert asked == [("cygni-traffic", {**ABOUT, "backends": ["web-r1"]})]


@pytest.mark.parametrize("answer", [None, [], {"web-r1": None}, {"web-r1": [1, 2]}, {"web-r1": ["x", 1, [], []]}])
def test_what_is_no_reading_is_no_measurement(answer: Any) -> None:
    with pytest.raises(MetricsUnavailable):
        FarMetrics(lambda *_: answer, ABOUT).read("ns", ["web-r1"])


def test_a_cluster_that_is_not_reached_is_told_as_metrics_that_are_missing() -> None:
    def call(*_: Any) -> Any:
        raise ClusterUnavailable("no route to host")

    with pytest.raises(MetricsUnavailable, match="no route to host"):
        FarMetrics(call, ABOUT).read("ns", ["web-r1"])
    with pytest.raises(MetricsUnavailable):
        FarMetrics(call, ABOUT).value("up")

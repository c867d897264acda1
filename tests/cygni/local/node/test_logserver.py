from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cygni.local.node.logs import Wanted
from cygni.local.node.logserver import wanted_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, Wanted()),
        ({"tailLines": "0", "timestamps": "true", "limitBytes": "9"}, Wanted(tail=0, timestamps=True, limit=9)),
        ({"sinceSeconds": "5"}, Wanted(since=b"2026-01-02T03:04:00.000000000Z")),
        ({"sinceTime": "2026-01-02T03:04:05Z"}, Wanted(since=b"2026-01-02T03:04:05.000000000Z")),
        ({"sinceTime": "2026-01-02T04:04:05.123456789+01:00"}, Wanted(since=b"2026-01-02T03:04:05.123456789Z")),
        ({"follow": "true", "pretty": "x"}, Wanted()),
    ],
    ids=str,
)
def test_a_query_is_read_as_a_kubelet_reads_it(query: dict[str, str], wanted: Wanted) -> None:
    assert wanted_of(query, NOW) == wanted


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"tailLines": "-1"}, "tailLines"),
        ({"tailLines": "many"}, "tailLines"),
        ({"sinceSeconds": "0"}, "sinceSeconds"),
        ({"limitBytes": "0"}, "limitBytes"),
        ({"sinceTime": "yesterday"}, "sinceTime"),
        ({"sinceTime": "2026-01-02T03:04:05"}, "sinceTime"),
    ],
    ids=str,
)
def test_a_parameter_that_is_wrong_is_named(query: dict[str, str], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        wanted_of(query, NOW)

from __future__ import annotations

import pytest

from bench.store_calls import flows


@pytest.mark.slow
def test_a_read_is_one_round_trip_a_write_two_and_a_deploy_forty_write_units() -> None:
    found = flows()

    for name, (calls, _) in found.items():
        if name.startswith(("read", "list")):
            assert calls == 1, name
        elif name.startswith(("create", "change", "pause")):
            assert calls <= 2, name
    assert found["a whole deploy, two steps"][1] <= 40

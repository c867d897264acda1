"""A service on an in-memory store and a fake cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.rollout import Stage
from tests.support.store import memory_store
from tests.support.world import Client, Fakes


@pytest.fixture
def stage() -> Iterator[Stage]:
    with memory_store():
        fakes = Fakes()
        api = Client(fakes)
        api.post("/v1/projects", {"name": "hello"})
        api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        yield Stage(api, fakes)

"""The API on an in-memory store, with one project that has a service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.store import memory_store
from tests.support.world import Client, Fakes


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with memory_store():
        yield Fakes()


@pytest.fixture
def api(fakes: Fakes) -> Client:
    return Client(fakes)


@pytest.fixture
def stranger(fakes: Fakes) -> Client:
    return Client(fakes, key="cyg_someone-else")


@pytest.fixture
def hello(api: Client) -> str:
    """The path of the service web of project hello in prod."""
    assert api.post("/v1/projects", {"name": "hello"}).status == 201
    assert api.post("/v1/projects/hello/environments/prod/services", {"name": "web"}).status == 201
    return "/v1/projects/hello/environments/prod/services/web"

"""The API, the local identity provider and a browser, over HTTP; a team with its Owner, and somebody without a team."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cygni.local.idp.browser import Browser
from tests.support.signin import Site, Terminal, running_site, set_up
from tests.support.store import memory_store
from tests.support.world import Fakes


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("idp")) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    with memory_store():
        set_up(Fakes(), running)
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture
def other_browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture
def terminal(site: Site) -> Terminal:
    return Terminal(site)

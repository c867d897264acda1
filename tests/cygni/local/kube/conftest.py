"""An embedded cluster in this process: whole (`cluster`, over HTTP) or only its inside (`inside`, without a server)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cygni.local.kube.server import Options, prepare, running_in_thread
from cygni.local.kube.storage.store import Store
from cygni.local.kube.verbs.cluster import Cluster

TOKEN = "a token of the tests"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The path of a kubeconfig of an embedded cluster that runs."""
    kubeconfig = tmp_path_factory.mktemp("cluster") / "kubeconfig"
    with running_in_thread(Options(TOKEN), kubeconfig):
        yield kubeconfig


@pytest.fixture
def inside() -> Iterator[Cluster]:
    """The verbs over a store that keeps nothing, with the first namespaces."""
    store = Store(":memory:")
    made = Cluster(store)
    prepare(made)
    yield made
    store.close()

"""What every test gets: fake credentials, and no network but loopback."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.cluster import RealCluster

pytest_plugins = ["tests.support.skips"]

os.environ.update(
    AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-1", POWERTOOLS_DEV="0"
)
os.environ.pop("AWS_PROFILE", None)

# A shell that starts the suite in the background has SIGINT ignored, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes, and drawing one, is the machine's: no property is about it.
settings.register_profile("any machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else ""
    if isinstance(address, tuple) and host not in {"127.0.0.1", "::1", "localhost"} and not str(host).startswith("127."):
        raise AssertionError(f"a test reached for the network: {address}")
    _connect(self, address)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A test that reaches beyond this machine fails where it does so."""
    socket.socket.connect = _loopback_only  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The contract tests are about the embedded cluster, and about a real one where that is asked for."""
    if os.environ.get("CYGNI_TEST_CLUSTER") == "real":
        for item in items:
            if item.nodeid.startswith("tests/contract/"):
                item.add_marker(pytest.mark.cluster)


@pytest.fixture(autouse=True)
def controllers_where_needed(request: pytest.FixtureRequest) -> None:
    """The envtest programs are an API server alone: what needs controllers is skipped on them."""
    asked = os.environ.get("CYGNI_TEST_CLUSTER") == "real" and request.node.get_closest_marker("controllers")
    if asked and not request.getfixturevalue("real").has_controllers:
        pytest.skip("the programs in KUBEBUILDER_ASSETS are without the controllers that this needs")


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A real Kubernetes API server; where there is none to be had, the test is skipped with the reason."""
    from tests.support.cluster import real_cluster

    with real_cluster(tmp_path_factory.mktemp("plane")) as cluster:
        yield cluster

"""The real API server that tests may run against: a cluster that somebody names, or a control plane started for the tests.

`make test-cluster` sets CYGNI_TEST_CLUSTER=real. Then CYGNI_TEST_KUBECONFIG names a cluster, or KUBEBUILDER_ASSETS a folder
of programs, or the programs are built where Go is installed; without any of these the tests are skipped, saying so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cygni.local.controlplane.binaries import CLUSTER, SERVERS, Binaries, Unavailable, built, find
from cygni.local.controlplane.plane import running

WANTED = "CYGNI_TEST_CLUSTER"
NO_KUBECTL = "there is no kubectl: none is on the path, and `make test-cluster` has not built one"


@dataclass(frozen=True)
class RealCluster:
    """A kubeconfig of it, whether controllers run there, and the programs it was started from (None: somebody's own)."""

    kubeconfig: str
    has_controllers: bool
    binaries: Binaries | None


def is_wanted() -> bool:
    """Whether this run of the tests is about the real API server."""
    return os.environ.get(WANTED) == "real"


def binaries(needed: Sequence[str] = SERVERS) -> Binaries:
    """The programs of a control plane; skips the test where those that are needed are not all there."""
    try:
        return find(os.environ, needed=needed)
    except Unavailable as reason:
        pytest.skip(f"no real API server: {reason}")


def kubectl() -> str | None:
    """The kubectl to test with: the one that belongs to the control plane, where it was built or named; else that of PATH."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    known = Binaries(Path(folder)) if folder else built(os.environ)
    return str(known.path("kubectl")) if known and known.has("kubectl") else shutil.which("kubectl")


@contextmanager
def real_cluster(folder: Path) -> Iterator[RealCluster]:
    """The cluster for the time of a `with`."""
    given = os.environ.get(CLUSTER)
    if given:
        yield RealCluster(given, has_controllers=True, binaries=None)
        return
    found = binaries()
    with running(found, folder, "a-token-of-the-tests") as plane:
        yield RealCluster(str(plane.plan.kubeconfig), plane.has_controllers, found)

"""The embedded cloud's store, in this process: ministack behind its HTTP server, with the tables of the catalog."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def embedded_store() -> Iterator[None]:
    """Serves it until the end of the block, once in a process: the clients that are made in it keep its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        from cygni.local.cloud import emulator, resources
        from functions.catalog import TABLES

        os.environ.update({**emulator.environment(Path(folder), port), "PERSIST_STATE": "0", "LOG_LEVEL": "ERROR"})
        server = emulator.Emulator("127.0.0.1", port)
        server.start()
        try:
            resources.create_tables(TABLES)
            resources.create_bucket("cygni")
            yield
        finally:
            server.stop()

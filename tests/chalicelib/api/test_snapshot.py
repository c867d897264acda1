"""A process may be restored from a snapshot that was taken after its import: nothing that must be its own is made before."""

from __future__ import annotations

from bench.imports import run

CLIENTS = """
import app, gc, socket
from botocore.client import BaseClient
print(len([each for each in gc.get_objects() if isinstance(each, (BaseClient, socket.socket))]))
"""
READ = """
import os, random, sys, time, uuid  # which seed themselves, and are another matter
asked = []
def noting(name, original):
    def note(*given):
        asked.append((sys._getframe(1).f_globals["__name__"], name))
        return original(*given)
    return note
for module, name in ((os, "urandom"), (time, "time"), (time, "time_ns"), (uuid, "uuid4")):
    setattr(module, name, noting(name, getattr(module, name)))
import app
print(*sorted({f"{module}.{name}" for module, name in asked if module.startswith(("app", "chalicelib"))}))
"""
RESTORED = """
import random, sys, types
hooks = []
sys.modules["snapshot_restore_py"] = types.SimpleNamespace(register_after_restore=hooks.append)
import app
snapshot = random.getstate()
drawn = []
for _ in range(2):
    random.setstate(snapshot)
    for each in hooks:
        each()
    drawn.append(random.random())
print(len(hooks), drawn[0] != drawn[1])
"""


def test_importing_makes_no_client_and_opens_no_connection() -> None:
    assert run(CLIENTS).strip() == "0"


def test_importing_draws_no_randomness_and_keeps_no_time() -> None:
    assert run(READ).strip() == ""


def test_processes_that_were_restored_from_one_snapshot_wait_differently() -> None:
    assert run(RESTORED).strip() == "1 True"

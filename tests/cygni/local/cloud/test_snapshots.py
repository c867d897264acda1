"""Snapshots: what changed is saved, and no moment of dying leaves half a file."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cygni.local.cloud.snapshots import Snapshots


def saver(folder: Path, state: dict[str, Any]) -> Snapshots:
    readers = {name: (lambda name=name: state[name]) for name in state}
    return Snapshots(folder, lambda: readers, lambda name, value: json.dumps({name: value}))


def test_only_what_changed_is_written_again(tmp_path: Path) -> None:
    state = {"a": 1, "b": 1}
    snapshots = saver(tmp_path, state)

    first = snapshots.save()
    state["b"] = 2

    assert (first, snapshots.save(), snapshots.save()) == (2, 1, 0)
    assert json.loads((tmp_path / "b.json").read_text()) == {"b": 2}


def test_a_service_without_state_keeps_the_file_it_had(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("kept")

    saver(tmp_path, {"a": None}).save()

    assert (tmp_path / "a.json").read_text() == "kept"


def test_a_state_that_changes_under_the_reader_is_read_again(tmp_path: Path) -> None:
    reads = iter([RuntimeError("dictionary changed size during iteration"), 7])

    def read() -> Any:
        value = next(reads)
        if isinstance(value, Exception):
            raise value
        return value

    Snapshots(tmp_path, lambda: {"a": read}, lambda name, value: str(value)).save()

    assert (tmp_path / "a.json").read_text() == "7"


def test_it_saves_by_itself_until_it_is_stopped(tmp_path: Path) -> None:
    state = {"a": 1}
    snapshots = saver(tmp_path, state)

    snapshots.start(0.02)
    deadline = time.monotonic() + 60
    while not (tmp_path / "a.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    snapshots.stop()
    state["a"] = 2

    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}


def test_a_disk_that_fails_does_not_end_the_saving(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "file"
    folder.write_text("in the way")
    snapshots = saver(folder, {"a": 1})

    snapshots.start(0.01)
    deadline = time.monotonic() + 60
    while len(caplog.records) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    snapshots.stop()

    assert all("could not be saved" in message for message in caplog.messages)
    assert len(caplog.records) >= 2


WRITER = """
import json, sys
from pathlib import Path
from cygni.local.cloud.snapshots import Snapshots
number = 0
def read():
    global number
    number += 1
    return {"number": number, "text": "x" * 300_000}
snapshots = Snapshots(Path(sys.argv[1]), lambda: {"a": read, "b": read}, lambda name, value: json.dumps(value))
print("ready", flush=True)
while True:
    snapshots.save()
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_whole_files_only(tmp_path: Path) -> None:
    for attempt in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.02 + 0.013 * attempt)
            writer.kill()

        for file in tmp_path.glob("*.json"):
            assert len(json.loads(file.read_text())["text"]) == 300_000


def test_a_store_that_is_written_to_all_the_time_is_saved_all_the_same(tmp_path: Path) -> None:
    store = {str(number): {"a": [number]} for number in range(3000)}
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            store[f"new {number}"] = {}
            store.pop(f"new {number - 5}", None)
            number += 1

    writers = [threading.Thread(target=write) for _ in range(2)]
    for each in writers:
        each.start()
    try:
        saved = Snapshots(tmp_path, lambda: {"b": lambda: copy.deepcopy(store)}, _as_json).save()
    finally:
        stop.set()
        for each in writers:
            each.join()

    assert saved == 1
    assert len(json.loads((tmp_path / "b.json").read_text())) >= 3000


def _as_json(_name: str, value: Any) -> str:
    return json.dumps(value)

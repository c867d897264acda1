from __future__ import annotations

import os
import subprocess
import uuid
from pathlib import Path

from cygni.local.node.leftovers import MARK, Entry, Journal, kill, started_at


def family(container: str) -> subprocess.Popen[bytes]:
    """A process with a child in its session, and one in a session of its own, all marked."""
    command = "sleep 300 & setsid sleep 301 & echo up; wait"
    process = subprocess.Popen(
        ["sh", "-c", command], env={MARK: container, "PATH": os.defpath}, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.stdout.close()
    return process


def test_all_of_a_containers_processes_are_found_by_its_mark() -> None:
    container = uuid.uuid4().hex
    process = family(container)

    assert kill([Entry(container)]) >= 3
    assert process.wait(30) == -9
    assert kill([Entry(container)]) == 0


def test_processes_that_hide_their_mark_are_found_by_their_session() -> None:
    process = subprocess.Popen(["env", "-i", "/bin/sh", "-c", "sleep 300 & wait"], start_new_session=True)

    assert kill([Entry("unmarked", process.pid, started_at(process.pid))]) >= 1
    assert process.wait(30) == -9


def test_a_stranger_that_got_the_process_id_is_left_alone() -> None:
    stranger = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        assert kill([Entry("earlier", stranger.pid, started_at(stranger.pid) - 100)]) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_sweep_ends_what_the_journal_names_and_forgets_it(tmp_path: Path) -> None:
    container = uuid.uuid4().hex
    journal = Journal(tmp_path)
    journal.write(Entry(container))
    process = family(container)
    journal.write(Entry(container, process.pid, started_at(process.pid)))

    assert Journal(tmp_path).sweep() >= 3
    assert process.wait(30) == -9
    assert journal.entries() == []


def test_an_entry_that_was_cut_short_still_names_its_container(tmp_path: Path) -> None:
    (tmp_path / "abc.json").write_text("{")

    assert Journal(tmp_path).entries() == [Entry("abc")]


def test_what_is_gone_has_no_start_time() -> None:
    assert started_at(2**22 + 1) == 0

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cygni.local.supervisor.child import Child, NotStarted
from cygni.local.supervisor.supervisor import AlreadyRunning, Lock, Supervisor, holder_of

GOOD = """
import json, signal, sys, time
print(json.dumps({"port": 7}), flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True: time.sleep(1)
"""
STUBBORN = GOOD.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
SILENT = "import time; time.sleep(60)"
WAITING = "import pathlib, time\nwhile not pathlib.Path('MET').exists(): time.sleep(0.01)\n" + GOOD
MEETING = "import pathlib; pathlib.Path('MET').touch()\n" + GOOD
DYING = 'import sys; sys.exit("the disk is full")'


def until(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


@pytest.fixture
def child(tmp_path: Path) -> Callable[[str], Child]:
    def make(source: str, name: str = "part") -> Child:
        (tmp_path / f"{name}_module.py").write_text(textwrap.dedent(source))
        paths = f"{tmp_path}{os.pathsep}{os.getcwd()}"
        return Child(name, f"{name}_module", [], {**os.environ, "PYTHONPATH": paths}, tmp_path / f"{name}.log")

    return make


def test_a_child_is_ready_when_it_says_so(child: Callable[[str], Child]) -> None:
    part = child(GOOD)

    assert part.start(60) == {"port": 7}
    part.stop()
    assert not part.running()


def test_a_child_that_ends_at_once_says_why(child: Callable[[str], Child]) -> None:
    with pytest.raises(NotStarted, match="the disk is full"):
        child(DYING).start(60)


def test_a_child_that_says_nothing_in_time_is_stopped_and_named(child: Callable[[str], Child]) -> None:
    part = child(SILENT)

    with pytest.raises(NotStarted, match=r"The part was not ready within 1 s\."):
        part.start(1)
    assert not part.running()


@pytest.mark.slow
def test_an_early_child_starts_beside_the_first_and_is_waited_for_at_its_place(
    tmp_path: Path, child: Callable[[str], Child]
) -> None:
    met = str(tmp_path / "met")
    first, last = child(WAITING.replace("MET", met), "first"), child(GOOD, "last")
    early = child(MEETING.replace("MET", met), "early")
    early.early = True
    supervisor = Supervisor([first, early, last], lambda _: None)

    supervisor.start()  # the first is ready only once the early one has begun

    assert all(each.running() for each in (first, early, last))
    supervisor.stop()
    assert not any(each.running() for each in (first, early, last))


@pytest.mark.slow
def test_when_one_does_not_start_an_early_one_is_stopped_too(child: Callable[[str], Child]) -> None:
    early = child(GOOD, "early")
    early.early = True

    with pytest.raises(NotStarted, match="the disk is full"):
        Supervisor([child(DYING), early], lambda _: None).start()

    assert early.process is not None
    assert not early.running()


@pytest.mark.slow
def test_a_child_that_does_not_stop_is_killed_with_its_group(child: Callable[[str], Child]) -> None:
    part = child(STUBBORN)
    part.start(60)

    part.stop(seconds=0.5)

    assert not part.running()


@pytest.mark.slow
def test_a_child_that_ended_is_started_again_and_said(child: Callable[[str], Child]) -> None:
    part, said, stop = child(GOOD), list[str](), threading.Event()
    supervisor = Supervisor([part], said.append)
    supervisor.start()
    first = part.process
    watching = threading.Thread(target=supervisor.watch, args=(stop,))
    watching.start()
    assert first is not None

    first.kill()
    until(lambda: any("is back" in line for line in said))

    stop.set()
    watching.join()
    supervisor.stop()
    assert "ended" in said[0]


@pytest.mark.slow
def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path, child: Callable[[str], Child]) -> None:
    child(GOOD)
    script = f"""
    import os, time
    from pathlib import Path
    from cygni.local.supervisor.child import Child
    part = Child("part", "part_module", [], dict(os.environ), Path({str(tmp_path / "log")!r}))
    part.start(60)
    print(part.process.pid, flush=True)
    time.sleep(60)
    """
    paths = f"{tmp_path}{os.pathsep}{os.getcwd()}"
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert holder.stdout is not None
    pid = int(holder.stdout.readline())

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()

    until(lambda: not psutil.pid_exists(pid))


def test_a_lock_is_held_by_one_and_names_it(tmp_path: Path) -> None:
    held, other = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    held.take()

    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        other.take()
    assert holder_of(tmp_path / "lock") == os.getpid()
    held.release()

    assert holder_of(tmp_path / "lock") is None
    other.take()
    other.release()

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cygni.local.node.process import CannotStart, run, start

ENV = {"PATH": os.defpath}


def outcome(*command: str, cwd: Path = Path("/"), timeout: float = 60) -> tuple[int | None, str]:
    return asyncio.run(run(command, cwd=cwd, env=ENV, timeout=timeout))


def test_a_command_runs_to_its_end_with_its_output() -> None:
    assert outcome("sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\nerr\n")


def test_a_process_sees_no_variable_but_those_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_NODE", "x")

    assert "SECRET_OF_THE_NODE" not in outcome("env")[1]


def test_a_process_that_a_signal_ends_has_128_and_its_number_as_exit_code() -> None:
    assert outcome("sh", "-c", "kill -9 $$")[0] == 137


def test_a_command_that_takes_too_long_is_killed() -> None:
    assert outcome("sleep", "60", timeout=0.05) == (None, "")


@pytest.mark.parametrize(
    ("command", "cwd", "message"),
    [("not-here", "/", "not found in"), ("./not-here", "/", "no such executable"), ("sh", "/not/here", "does not exist")],
)
def test_what_cannot_start_says_why(command: str, cwd: str, message: str) -> None:
    with pytest.raises(CannotStart, match=message):
        outcome(command, cwd=Path(cwd))


def test_a_file_that_is_no_program_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("#!/not/here\n")
    (tmp_path / "broken").chmod(0o755)

    assert outcome("./broken", cwd=tmp_path) == (127, "exec: ./broken: not found\n")


def test_no_process_gets_to_dump_its_memory_nor_too_many_files() -> None:
    assert outcome("sh", "-c", "ulimit -c; ulimit -n")[1].split()[0] == "0"
    assert int(outcome("sh", "-c", "ulimit -n")[1]) <= 65_536


def test_a_signal_reaches_the_whole_group_and_grace_is_kept() -> None:
    async def scenario() -> int:
        heard = bytearray()
        process = start(
            ["sh", "-c", "trap '' TERM; echo up; sleep 60 & wait; wait"], cwd=Path("/"), env=ENV, output=heard.extend
        )
        while not heard:
            await asyncio.sleep(0.01)
        await process.terminate(0.2)
        process.drained.cancel()
        return process.ended.result()

    assert asyncio.run(scenario()) == 137


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a process with its starter")
def test_a_process_ends_with_the_node_that_started_it() -> None:
    from cygni.local.node.process import LAUNCHER

    async def scenario() -> tuple[int | None, str]:
        stranger = str(os.getppid())  # not who starts it: it came too late
        return await run(
            [sys.executable, "-I", "-S", str(LAUNCHER), stranger, "99", "echo", "hi"], cwd=Path("/"), env=ENV, timeout=60
        )

    assert asyncio.run(scenario()) == (137, "")

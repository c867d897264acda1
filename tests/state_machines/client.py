"""The test's side of a judge: a child process that plays what it is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.state_machines.plays import Outcome, Play

_ROOT = Path(__file__).resolve().parents[2]


class JudgeProcess:
    """A judge of one emulator, started at once and stopped by `close`."""

    def __init__(self, emulator: str) -> None:
        self.emulator = emulator
        self._number = 0
        command = [sys.executable, "-W", "ignore", "-m", "tests.state_machines.judge", emulator]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def run(self, plays: Sequence[Play]) -> list[Outcome]:
        """Plays all of them side by side; their outcomes in the order given. One that cannot be played fails the test."""
        assert self._process.stdin is not None
        first = self._number
        for play in plays:
            self._process.stdin.write(json.dumps({"number": self._number, "play": play.as_dict()}) + "\n")
            self._number += 1
        self._process.stdin.flush()
        answers = dict(self._answer() for _ in plays)
        return [_outcome(answers[first + index]) for index in range(len(plays))]

    def _answer(self) -> tuple[int, dict[str, Any]]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the judge on {self.emulator} ended with code {self._process.wait()}"
        value = json.loads(line)
        return value["number"], value

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def _outcome(answer: dict[str, Any]) -> Outcome:
    assert "outcome" in answer, answer.get("failure")
    value = answer["outcome"]
    return Outcome(
        status=value["status"],
        error=value["error"],
        output=value["output"],
        visited=tuple(value["visited"]),
        calls=tuple((name, event) for name, event in value["calls"]),
        children={name: tuple(states) for name, states in value["children"].items()},
    )

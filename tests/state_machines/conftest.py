"""One judge for each emulator, started when the first play needs it and kept for the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.state_machines.client import JudgeProcess


@pytest.fixture(scope="session")
def judge() -> Iterator[Callable[[str], JudgeProcess]]:
    """The judge of an emulator, by its name."""
    judges: dict[str, JudgeProcess] = {}

    def of(emulator: str) -> JudgeProcess:
        if emulator not in judges:
            judges[emulator] = JudgeProcess(emulator)
        return judges[emulator]

    yield of
    for each in judges.values():
        each.close()

"""Secrets that are kept in the process for a while: who is told what, and when the store is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from chalicelib.platform.errors import SecretsUnavailable
from chalicelib.platform.remembered import KEPT, MOST, RememberedSecrets
from tests.fakes.secrets import FakeSecrets

TOKEN = "t" * 32


@dataclass
class Room:
    """A store of secrets, what is kept of it, and a clock that is moved."""

    store: FakeSecrets = field(default_factory=FakeSecrets)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.kept = RememberedSecrets(self.store, clock=lambda: self.now)


@pytest.fixture
def room() -> Room:
    made = Room()
    made.store.write("a", "one", token=TOKEN)
    return made


def test_a_value_is_read_once_in_a_while(room: Room) -> None:
    assert [room.kept.read("a") for _ in range(3)] == ["one"] * 3
    assert room.store.reads == 1


def test_a_value_that_somebody_else_changed_is_told_when_the_time_is_over(room: Room) -> None:
    room.kept.read("a")
    room.store.values["a"] = "two"
    room.now = KEPT - 1
    before = room.kept.read("a")
    room.now = KEPT

    assert (before, room.kept.read("a")) == ("one", "two")


def test_what_is_doubted_is_read_anew_at_once(room: Room) -> None:
    room.kept.read("a")
    room.store.values["a"] = "two"
    room.kept.doubt("a")

    assert room.kept.read("a") == "two"


def test_what_is_written_or_deleted_here_is_known_here(room: Room) -> None:
    room.kept.read("a")
    room.kept.write("a", "two", token="u" * 32)
    written = room.kept.read("a")
    room.kept.forget("a")

    assert (written, room.kept.read("a")) == ("two", None)


def test_that_there_is_none_is_not_kept(room: Room) -> None:
    assert room.kept.read("b") is None
    room.store.write("b", "new", token=TOKEN)

    assert room.kept.read("b") == "new"


def test_a_store_that_is_away_is_an_error_and_not_an_old_value(room: Room) -> None:
    room.kept.read("a")
    room.now, room.store.away = KEPT, True

    with pytest.raises(SecretsUnavailable):
        room.kept.read("a")


def test_no_more_than_so_many_are_kept_and_no_value_is_shown(room: Room) -> None:
    names = [f"n{number}" for number in range(MOST + 1)]
    for name in names:
        room.store.write(name, "secret", token=TOKEN)
        room.kept.read(name)
    before = room.store.reads

    room.kept.read(names[0])
    room.kept.read(names[-1])

    assert room.store.reads == before + 1
    assert "secret" not in repr(room.kept)

"""Reading a build's log a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from chalicelib.builds.logs import LogPiece, read_log
from chalicelib.builds.runs import Build, log_key


@dataclass
class Log:
    """A build's log in both its places: the object in the bucket, and the job's stream."""

    stored: bytes | None = None
    stream: list[str] = field(default_factory=list)

    def read_from(self, key: str, offset: int) -> bytes | None:
        assert key == log_key("team_1", "bld_1")
        return None if self.stored is None else self.stored[offset:]

    def log(self, job: str, token: str | None) -> tuple[list[str], str | None]:
        begin = int(token or 0)
        return self.stream[begin:], (str(len(self.stream)) if self.stream else token)


def read(log: Log, *, cursor: str | None = None, state: str = "running", job: str | None = "job:1") -> LogPiece:
    build = Build("bld_1", "team_1", state, job, None, None, None, None, None, "src_1")
    return read_log(build, cursor=cursor, storage=cast(Any, log), builders=cast(Any, log))


def test_an_object_that_comes_after_the_first_look_is_read_whole() -> None:
    log = Log()
    first = read(log)
    log.stored = b"one\ntwo\n"

    assert first.lines == ()
    assert read(log, cursor=first.cursor, state="failed").lines == ("one", "two")


def test_a_line_that_is_not_whole_waits_for_its_end() -> None:
    log = Log(b"one\ntw")
    first = read(log)
    log.stored = b"one\ntwo"

    assert first.lines == ("one",)
    assert read(log, cursor=first.cursor, state="failed").lines == ("two",)


def test_a_stream_goes_on_where_it_was() -> None:
    log = Log(stream=["one"])
    first = read(log)
    log.stream.append("two")

    assert (first.lines, read(log, cursor=first.cursor).lines) == (("one",), ("two",))


def test_it_is_complete_once_the_build_has_ended_and_all_is_read() -> None:
    log = Log(b"one\n")
    first = read(log, state="succeeded")

    assert not first.complete
    assert read(log, cursor=first.cursor, state="succeeded").complete
    assert not read(log, cursor=first.cursor).complete

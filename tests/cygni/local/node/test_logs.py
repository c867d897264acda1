from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.node.logs import STAMP, LogWriter, Wanted, rotated, stamp, stream

_OPEN: list[LogWriter] = []


@pytest.fixture(autouse=True)
def _close_all() -> Iterator[None]:
    yield
    for writer in _OPEN:
        writer.close()
    _OPEN.clear()


def read(path: Path, wanted: Wanted | None = None, writer: LogWriter | None = None) -> str:
    async def whole() -> bytes:
        return b"".join([block async for block in stream(path, wanted or Wanted(), writer)])

    return asyncio.run(whole()).decode()


def written(directory: Path, *chunks: bytes, max_bytes: int = 10_000_000) -> LogWriter:
    writer = LogWriter(directory / "logs" / "0.log", max_bytes=max_bytes)
    _OPEN.append(writer)
    for chunk in chunks:
        writer.write(chunk)
    return writer


def test_lines_are_kept_whole_however_they_arrive(tmp_path: Path) -> None:
    writer = written(tmp_path, b"on", b"e\ntwo\nth", b"ree")
    writer.close()

    assert read(writer.path) == "one\ntwo\nthree\n"


def test_each_line_begins_with_the_time_of_its_arrival() -> None:
    assert stamp(1_767_323_045_000_000_007) == b"2026-01-02T03:04:05.000000007Z"
    assert len(stamp(0)) + 1 == STAMP


def test_times_are_shown_when_they_are_asked_for(tmp_path: Path) -> None:
    writer = written(tmp_path, b"one\n")

    line = read(writer.path, Wanted(timestamps=True))

    assert (line[:2], line[STAMP - 2], line[STAMP:]) == ("20", "Z", "one\n")


@given(
    st.lists(st.lists(st.text("abc", max_size=9), min_size=1, max_size=5), max_size=30),
    st.integers(0, 40),
    st.integers(60, 2000),
)
def test_a_tail_is_the_end_of_what_is_kept(chunks: list[list[str]], count: int, max_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        writer = written(
            Path(directory), *["".join(f"{line}\n" for line in lines).encode() for lines in chunks], max_bytes=max_bytes
        )
        writer.close()
        kept, tail = read(writer.path).splitlines(), read(writer.path, Wanted(tail=count)).splitlines()

    printed = [line for lines in chunks for line in lines]
    assert kept == printed[len(printed) - len(kept) :]
    assert tail == (kept[-count:] if count else [])


def test_a_full_log_gives_way_to_a_new_one_and_both_are_read(tmp_path: Path) -> None:
    writer = written(tmp_path, *[b"x" * 70 + b"\n"] * 25, max_bytes=1000)

    assert writer.path.stat().st_size <= 1000
    assert rotated(writer.path).stat().st_size <= 1000
    assert len(read(writer.path).splitlines()) >= 10
    assert len(list(writer.path.parent.iterdir())) == 2


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    writer = written(tmp_path, b"y" * 40_000)

    assert [len(line) for line in read(writer.path).splitlines()] == [16_384, 16_384]


def test_only_lines_from_a_time_on_are_read(tmp_path: Path) -> None:
    writer = written(tmp_path, b"old\n")
    first = read(writer.path, Wanted(timestamps=True))
    writer.write(b"new\n")
    second = read(writer.path, Wanted(timestamps=True)).splitlines()[1]

    assert read(writer.path, Wanted(since=second[: STAMP - 1].encode())) == "new\n"
    assert read(writer.path, Wanted(since=first[: STAMP - 1].encode())) == "old\nnew\n"


def test_no_more_bytes_are_given_than_were_asked_for(tmp_path: Path) -> None:
    assert read(written(tmp_path, b"one\ntwo\nthree\n").path, Wanted(limit=6)) == "one\ntw"


def test_the_last_words_are_the_end_of_the_output_within_bounds(tmp_path: Path) -> None:
    words = written(tmp_path, b"z" * 5000 + b"\n", b"Traceback\n", b"boom").last_words()

    assert words.endswith("z\nTraceback\nboom")
    assert len(words) == 2048


def test_nothing_said_leaves_no_last_words(tmp_path: Path) -> None:
    assert written(tmp_path).last_words() == ""


def test_a_follower_is_given_what_comes_through_rotations_until_the_end(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        writer = written(tmp_path, b"line 0\n", max_bytes=200)
        blocks: list[bytes] = []

        async def follow() -> None:
            async for block in stream(writer.path, Wanted(tail=1), writer):
                blocks.append(block)

        follower = asyncio.create_task(follow())
        for number in range(1, 40):
            await asyncio.sleep(0.001)
            writer.write(f"line {number}\n".encode())
        writer.close()
        await asyncio.wait_for(follower, 60)
        return b"".join(blocks).decode().splitlines()

    assert asyncio.run(scenario()) == [f"line {number}" for number in range(40)]


def test_a_follower_of_an_ended_container_ends_at_once(tmp_path: Path) -> None:
    writer = written(tmp_path, b"bye\n")
    writer.close()

    assert read(writer.path, Wanted(), writer) == "bye\n"


def test_a_full_disk_does_not_stop_who_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = written(tmp_path)
    writer._file.close()  # any write to it fails from now on
    writer._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115 - the writer closes it

    writer.write(b"lost\n")
    writer.close()

    assert writer.last_words() == "lost"

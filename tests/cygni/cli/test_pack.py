"""Archives and listings."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from chalicelib.builds.archive import extract_source
from chalicelib.builds.listing import MARKERS as THEIR_MARKERS
from cygni.cli.errors import Usage
from cygni.cli.ignore import Entry, list_source
from cygni.cli.pack import MARKERS, human_size, largest, listing, pack_source


def packed(root: Path) -> bytes:
    archive = pack_source(root, list_source(root))
    data = b"".join(archive.chunks())
    assert (archive.size, archive.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    archive.close()
    return data


def test_the_same_files_give_the_same_bytes_wherever_and_whenever(tmp_path: Path) -> None:
    for name, age in (("one", 0), ("two", 1_000_000)):
        (tmp_path / name).mkdir()
        for file in ("b.py", "a.py"):
            (tmp_path / name / file).write_text(file)
            os.utime(tmp_path / name / file, (age, age))

    assert packed(tmp_path / "one") == packed(tmp_path / "two")


def test_of_the_mode_only_executable_is_kept(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("x")
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "data").write_text("x")
    (tmp_path / "data").chmod(0o600)

    with tarfile.open(fileobj=io.BytesIO(packed(tmp_path))) as tar:
        assert {info.name: info.mode for info in tar} == {"data": 0o644, "run.sh": 0o755}


def test_what_is_packed_passes_the_control_planes_checks_and_comes_out_the_same(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / ("long" * 20) / "näme").mkdir(parents=True)
    (root / ("long" * 20) / "näme" / ("x" * 90)).write_bytes(os.urandom(3000))
    (root / "empty").write_text("")
    (root / "link").symlink_to("empty")

    extract_source(io.BytesIO(packed(root)), tmp_path / "out")

    assert [entry.path for entry in list_source(tmp_path / "out")] == [entry.path for entry in list_source(root)]
    assert (tmp_path / "out" / "link").readlink() == Path("empty")


def test_a_large_source_is_told_as_it_is_sent(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(os.urandom(600_000))
    archive = pack_source(tmp_path, list_source(tmp_path))
    told: list[int] = []

    list(archive.chunks(told.append))
    archive.close()

    assert told[0] == 0
    assert told[-1] == archive.size
    assert told == sorted(told)


def test_a_file_that_shrank_meanwhile_is_named(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("short")

    with pytest.raises(Usage, match="log cannot be packed"):
        pack_source(tmp_path, [Entry("log", 5000, executable=False)])


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="gone cannot be packed: No such file"):
        pack_source(tmp_path, [Entry("gone", 5, executable=False)])


def test_a_listing_has_the_text_of_small_markers_only(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "package.json").write_text(" " * 70_000)
    (tmp_path / "photo.jpg").write_bytes(b"\xff")

    assert listing(tmp_path, list_source(tmp_path)) == [
        {"path": "package.json"},
        {"path": "photo.jpg"},
        {"path": "requirements.txt", "text": "flask\n"},
    ]


def test_the_markers_are_those_the_planner_reads() -> None:
    assert MARKERS == THEIR_MARKERS


def test_the_largest_come_first() -> None:
    entries = [Entry(name, size, executable=False) for name, size in (("a", 1), ("b", 3), ("c", 3), ("d", 2))]

    assert [entry.path for entry in largest(entries, 3)] == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (999, "999 B"), (4200, "4.2 kB"), (17_400_000, "17 MB"), (3_000_000_000, "3.0 GB")]
)
def test_sizes_are_for_people(size: int, shown: str) -> None:
    assert human_size(size) == shown

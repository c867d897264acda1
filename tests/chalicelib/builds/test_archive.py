from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.builds.archive import DEFAULT_LIMITS, Limits, extract_source, list_source
from chalicelib.platform.errors import SourceRefused
from tests.chalicelib.builds.support import member, source, tar_gz

LINK, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
MIB = 1024 * 1024


def refusal(archive: io.BytesIO, limits: Limits = DEFAULT_LIMITS) -> SourceRefused:
    """How listing and extracting refuse an archive, which they must do alike."""
    with pytest.raises(SourceRefused) as listed:
        list_source(archive, limits)
    archive.seek(0)
    with tempfile.TemporaryDirectory() as folder, pytest.raises(SourceRefused) as extracted:
        extract_source(archive, Path(folder) / "source", limits)
    assert listed.value.message == extracted.value.message
    assert listed.value.remedy
    return listed.value


def test_a_listing_has_all_paths_and_the_text_of_markers_only() -> None:
    archive = source({"./app.py": "print(1)", "lib/util.py": "secret", "api/package.json": "{}"})

    assert dict(list_source(archive)) == {"app.py": "print(1)", "lib/util.py": None, "api/package.json": "{}"}


def test_a_source_is_unpacked_with_folders_links_and_the_executable_bit(tmp_path: Path) -> None:
    archive = tar_gz(
        member("./", type=tarfile.DIRTYPE),
        member("bin/run", b"#!/bin/sh", mode=0o4777),
        member("empty", type=tarfile.DIRTYPE),
        member("data", b"x", mode=0o600),
        member("latest", type=LINK, linkname="bin/run"),
        member("copy", type=HARD, linkname="bin/run"),
    )

    extract_source(archive, tmp_path / "s")

    assert sorted(os.listdir(tmp_path / "s")) == ["bin", "copy", "data", "empty", "latest"]
    assert [(tmp_path / "s" / name).stat().st_mode & 0o7777 for name in ("bin/run", "data", "copy")] == [0o755, 0o644, 0o755]
    assert (tmp_path / "s/latest").readlink() == Path("bin/run")
    assert (tmp_path / "s/copy").stat().st_nlink == 1


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (member("../evil", b"x"), "leads out"),
        (member("a/../../evil", b"x"), "leads out"),
        (member("a/..", type=tarfile.DIRTYPE), "leads out"),
        (member("/etc/evil", b"x"), "absolute"),
        (member("a\nb", b"x"), "control characters"),
        (member("a\udcff", b"x"), "UTF-8"),
        (member("./", b"x"), "without a name"),
        (member("dev", type=tarfile.CHRTYPE), "device"),
        (member("disk", type=tarfile.BLKTYPE), "device"),
        (member("pipe", type=tarfile.FIFOTYPE), "pipe"),
        (member("odd", type=b"Z"), "type b'Z'"),
        (member("l", type=LINK, linkname="/etc/passwd"), "outside"),
        (member("l", type=LINK, linkname="../etc"), "outside"),
        (member("a/l", type=LINK, linkname="../../etc"), "outside"),
        (member("l", type=LINK, linkname=""), "outside"),
        (member("h", type=HARD, linkname="/etc/passwd"), "absolute"),
        (member("h", type=HARD, linkname="nothing"), "no file before it"),
        (member("x" * 300, b"x"), "longer"),
        (member("x/" * 300 + "y", b"x"), "longer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unsafe_entry_is_refused(entry: tuple[tarfile.TarInfo, bytes], told: str) -> None:
    assert told in refusal(tar_gz(member("app.py", b"1"), entry)).message


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ((member("a", type=LINK, linkname="b"), member("a/evil", b"x")), "under a, which is a symbolic link"),
        ((member("a", b"x"), member("a/b", b"x")), "under a, which is a file"),
        ((member("a/b", b"x"), member("a", type=LINK, linkname="c")), "twice"),
        ((member("a", b"x"), member("./a", b"y")), "twice"),
        ((member("d/up", type=LINK, linkname=".."), member("e", type=LINK, linkname="d/up/..")), "through another one"),
        ((member("a", type=LINK, linkname="b/"), member("b", type=LINK, linkname="c")), "through another one"),
        ((member("l", type=LINK, linkname="x"), member("h", type=HARD, linkname="l")), "no file before it"),
    ],
)
def test_entries_that_are_unsafe_together_are_refused(entries: tuple[tuple[tarfile.TarInfo, bytes], ...], told: str) -> None:
    assert told in refusal(tar_gz(*entries)).message


def test_links_may_lead_round_in_circles_since_nothing_follows_them(tmp_path: Path) -> None:
    archive = tar_gz(member("app.py", b"1"), member("a", type=LINK, linkname="b"), member("b", type=LINK, linkname="a"))

    extract_source(archive, tmp_path / "s")

    assert (tmp_path / "s/a").is_symlink()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "it is empty"),
        (b"hello", "not gzip"),
        (gzip.compress(b""), "no tar inside"),
        (gzip.compress(b"hello" * 500), "damaged entry"),
        (source({"app.py": "1"}).getvalue()[:-4], "cut off"),
        (tar_gz(member("a", os.urandom(50_000))).getvalue()[:20_000], "cut off"),
        (source({"app.py": "1"}).getvalue() + b"more", "not gzip"),
        (tar_gz().getvalue(), "holds no files"),
        (tar_gz(member("a", type=tarfile.DIRTYPE)).getvalue(), "holds no files"),
    ],
    ids=["empty", "text", "empty-gzip", "gzip-of-text", "no-checksum", "half", "appended", "no-entries", "folders-only"],
)
def test_what_is_no_whole_archive_is_refused(data: bytes, told: str) -> None:
    assert told in refusal(io.BytesIO(data)).message


def test_a_damaged_header_is_not_taken_for_the_end() -> None:
    tar = bytearray(gzip.decompress(source({"a": "1", "b": "2"}).getvalue()))
    tar[1024 + 148] ^= 0xFF

    assert "damaged" in refusal(io.BytesIO(gzip.compress(tar))).message


def test_a_changed_byte_is_found_by_the_checksum() -> None:
    packed = bytearray(tar_gz(member("a", os.urandom(5000))).getvalue())
    packed[2500] ^= 1

    assert "cannot be read" in refusal(io.BytesIO(packed)).message


def test_a_bomb_of_zeros_is_refused_by_its_ratio_before_it_is_unpacked() -> None:
    bomb = tar_gz(member("zeros", bytes(40 * MIB)))

    assert "archive bombs" in refusal(bomb).message


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (Limits(entries=2), "more than 2 files"),
        (Limits(file=999), "b has 1000 bytes; one file may have 999 bytes"),
        (Limits(total=1500), "more than 1 KiB"),
        (Limits(path=3), "longer"),
    ],
)
def test_each_limit_is_kept(limits: Limits, told: str) -> None:
    archive = tar_gz(member("a", os.urandom(900)), member("b", os.urandom(1000)), member("long/path", b"x"))

    assert told in refusal(archive, limits).message


def test_hard_links_count_as_the_copies_they_become() -> None:
    links = [member(f"copy{number}", type=HARD, linkname="big") for number in range(20)]

    assert "unpacks to more than" in refusal(tar_gz(member("big", os.urandom(100_000)), *links), Limits(total=MIB)).message


def test_a_header_that_promises_more_than_comes_is_a_cut_off_archive() -> None:
    lying = tarfile.TarInfo("small")
    lying.size = 10 * MIB
    tar = lying.tobuf(tarfile.USTAR_FORMAT) + os.urandom(2 * MIB)

    assert "cut off" in refusal(io.BytesIO(gzip.compress(tar, 1))).message


def test_an_endless_header_is_refused_before_it_fills_the_memory() -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member("a", pax_headers={"comment": os.urandom(600_000).hex()})[0])

    assert "oversized header" in refusal(io.BytesIO(archive.getvalue())).message


def test_a_sparse_file_is_refused() -> None:
    info = tarfile.TarInfo("sparse")
    info.type = tarfile.GNUTYPE_SPARSE

    assert "sparse" in refusal(io.BytesIO(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))).message


def test_nothing_that_is_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine")

    with pytest.raises(FileExistsError):
        extract_source(source({"app.py": "theirs"}), tmp_path)
    assert (tmp_path / "app.py").read_text() == "mine"


def test_a_marker_may_be_what_a_windows_shell_wrote() -> None:
    archive = tar_gz(member("requirements.txt", "flask\n".encode("utf-16")), member("app.py", b"\xef\xbb\xbf1\xff"))

    assert dict(list_source(archive)) == {"requirements.txt": "flask\n", "app.py": "1\ufffd"}


def test_a_marker_that_is_too_large_is_listed_without_text() -> None:
    assert list_source(tar_gz(member("package.json", b" " * 300_000)))["package.json"] is None


names = st.lists(st.sampled_from(["a", "b", "..", ".", "", "c"]), min_size=1, max_size=4).map("/".join)
kinds = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, LINK, HARD])
entries = st.lists(st.tuples(names, kinds, names), max_size=8)


@pytest.mark.slow
@given(entries)
@settings(deadline=None)
def test_whatever_is_in_an_archive_nothing_leaves_the_folder(listed: list[tuple[str, bytes, str]]) -> None:
    archive = tar_gz(*(member(name, b"", type=kind, linkname=target) for name, kind, target in listed))
    with tempfile.TemporaryDirectory() as place:
        outer = Path(place).resolve()
        (outer / "victim").write_text("safe")
        try:
            extract_source(archive, outer / "deep" / "source")
        except SourceRefused:
            pass
        else:
            inside = outer / "deep" / "source"
            assert all(_resolved(path).is_relative_to(inside) for path in inside.rglob("*"))
        assert sorted(os.listdir(outer)) == ["deep", "victim"]
        assert os.listdir(outer / "deep") == ["source"]


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError):  # a link to nothing, or round in a circle
        return path


@given(st.binary(max_size=3000), st.booleans())
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes, packed: bool) -> None:
    with suppress(SourceRefused):
        list_source(io.BytesIO(gzip.compress(data) if packed else data))


@given(st.integers(0, 4000), st.integers(1, 255))
@settings(deadline=None)
def test_a_flipped_byte_never_raises_anything_else(place: int, flip: int) -> None:
    tar = bytearray(gzip.decompress(source({"app.py": "1", "lib/a": "2", "x": "3"}).getvalue()))
    tar[place % len(tar)] ^= flip
    with suppress(SourceRefused):
        list_source(io.BytesIO(gzip.compress(tar)))

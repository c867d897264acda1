from __future__ import annotations

import os
from pathlib import Path

import pytest

from cygni.local.builder.store import Memory, link_tree, listing_digest, settle, temporary_sibling, text_digest


def tree(folder: Path) -> Path:
    (folder / "lib").mkdir(parents=True)
    (folder / "lib/a.py").write_text("1")
    (folder / "link").symlink_to("lib/a.py")
    return folder


def test_a_digest_is_of_what_is_in_the_folder_not_of_where_it_is(tmp_path: Path) -> None:
    assert listing_digest(tree(tmp_path / "a")) == listing_digest(tree(tmp_path / "b"))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "lib/a.py").write_text("2"),
        lambda folder: (folder / "lib/a.py").chmod(0o755),
        lambda folder: (folder / "lib/a.py").rename(folder / "lib/b.py"),
        lambda folder: (folder / "empty").mkdir(),
        lambda folder: ((folder / "link").unlink(), (folder / "link").symlink_to("lib")),
    ],
    ids=["bytes", "mode", "name", "folder", "link"],
)
def test_every_change_changes_the_digest(tmp_path: Path, change: object) -> None:
    before = listing_digest(tree(tmp_path / "a"))

    change(tmp_path / "a")  # type: ignore[operator]

    assert listing_digest(tmp_path / "a") != before


def test_bytecode_and_what_is_left_out_do_not_count(tmp_path: Path) -> None:
    before = listing_digest(tree(tmp_path / "a"))
    (tmp_path / "a/lib/__pycache__").mkdir()
    (tmp_path / "a/lib/__pycache__/a.pyc").write_text("x")
    (tmp_path / "a/more").write_text("x")

    assert listing_digest(tmp_path / "a", without=["more"]) == before


def test_texts_are_kept_apart() -> None:
    assert text_digest("ab", "c") != text_digest("a", "bc")


def test_the_first_to_settle_stays_and_the_second_leaves_no_trace(tmp_path: Path) -> None:
    final = tmp_path / "final"
    first, second = temporary_sibling(final), temporary_sibling(final)
    (first / "who").write_text("first")
    (second / "who").write_text("second")

    settle(first, final)
    settle(second, final)

    assert (os.listdir(tmp_path), (final / "who").read_text()) == (["final"], "first")


def test_a_linked_tree_shares_its_files_and_keeps_its_links(tmp_path: Path) -> None:
    link_tree(tree(tmp_path / "a"), tmp_path / "b")

    assert (tmp_path / "b/lib/a.py").samefile(tmp_path / "a/lib/a.py")
    assert os.readlink(tmp_path / "b/link") == "lib/a.py"


def test_a_memory_gives_back_what_it_was_told(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory")

    assert memory.recall("key") is None
    memory.remember("key", "sha256:1")
    memory.remember("key", "sha256:2")
    assert memory.recall("key") == "sha256:2"
    assert os.listdir(tmp_path / "memory") == ["key"]

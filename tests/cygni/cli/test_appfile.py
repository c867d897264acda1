"""The local side of cygni.yaml."""

from __future__ import annotations

from pathlib import Path

from cygni.cli.appfile import compile_report, find_app_file, read_app_file
from cygni.cli.errors import FieldFault


def test_the_search_ends_at_the_repositorys_root(tmp_path: Path) -> None:
    (tmp_path / "cygni.yaml").write_text("name: outer\n")
    below = tmp_path / "repo" / "src"
    below.mkdir(parents=True)
    (tmp_path / "repo" / ".git").mkdir()

    assert find_app_file(below) is None
    assert find_app_file(tmp_path) == tmp_path / "cygni.yaml"


def test_what_is_no_app_file_at_all_has_no_names(tmp_path: Path) -> None:
    (tmp_path / "cygni.yaml").write_text("[1, 2]\n")

    found = read_app_file(tmp_path / "cygni.yaml")

    assert (found.name, found.services) == ("", ())


def test_a_report_points_at_the_column_and_says_what_to_write() -> None:
    text = "version: 1\nname: Shop\n"

    report = compile_report("cygni.yaml", text, [FieldFault("name", "is not lower case", "Write shop.", line=2, column=7)])

    assert report.splitlines() == [
        "cygni.yaml:2:7: name: is not lower case",
        "    2 | name: Shop",
        "      |       ^",
        "      = Write shop.",
    ]


def test_faults_are_reported_in_the_order_of_the_file() -> None:
    faults = [FieldFault("b", "two", line=2), FieldFault("a", "one", line=1), FieldFault("c", "whole")]

    firsts = [block.splitlines()[0] for block in compile_report("f", "x\ny", faults).split("\n\n")]

    assert firsts == ["f: c: whole", "f:1: a: one", "f:2: b: two"]


def test_a_line_that_is_not_in_the_file_is_left_out() -> None:
    assert compile_report("f", "x", [FieldFault("a", "one", line=9)]) == "f:9: a: one"

"""Which files are a source. git itself is the judge of the rules."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cygni.cli.errors import Usage
from cygni.cli.ignore import list_source


def tree(root: Path, *names: str) -> None:
    for name in names:
        write(root, name, "x")


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def listed(root: Path) -> list[str]:
    return [entry.path for entry in list_source(root)]


def test_dependencies_caches_and_histories_are_always_left_out(tmp_path: Path) -> None:
    tree(tmp_path, "app.py", ".git/config", "web/node_modules/a/b.js", ".venv/bin/python", "pkg/__pycache__/a.pyc", ".cygni/x")

    assert listed(tmp_path) == ["app.py"]


def test_a_python_environment_of_any_name_is_left_out(tmp_path: Path) -> None:
    tree(tmp_path, "app.py", "env311/pyvenv.cfg", "env311/lib/a.py")

    assert listed(tmp_path) == ["app.py"]


def test_cygniignore_wins_over_gitignore_beside_it(tmp_path: Path) -> None:
    tree(tmp_path, "a.log", "b.log", "notes.md")
    write(tmp_path, ".gitignore", "*.log\n")
    write(tmp_path, ".cygniignore", "!b.log\nnotes.md\n.*ignore\n")

    assert listed(tmp_path) == ["b.log"]


def test_rules_nearer_to_a_file_win(tmp_path: Path) -> None:
    tree(tmp_path, "a.log", "keep/a.log")
    write(tmp_path, ".gitignore", "*.log\n.gitignore\n")
    write(tmp_path, "keep/.gitignore", "!*.log\n")

    assert listed(tmp_path) == ["keep/a.log"]


def test_rules_above_the_folder_count_up_to_the_repositorys_root(tmp_path: Path) -> None:
    tree(tmp_path, "repo/.git/HEAD", "repo/shop/app.py", "repo/shop/secret.env")
    write(tmp_path, ".gitignore", "app.py\n")
    write(tmp_path, "repo/.gitignore", "*.env\n")

    assert listed(tmp_path / "repo" / "shop") == ["app.py"]


def test_the_app_file_goes_along_even_if_it_is_ignored(tmp_path: Path) -> None:
    tree(tmp_path, "cygni.yaml", "other.yaml")
    write(tmp_path, ".gitignore", "*.yaml\n.gitignore\n")

    assert listed(tmp_path) == ["cygni.yaml"]


def test_a_link_within_the_folder_is_kept_as_a_link(tmp_path: Path) -> None:
    tree(tmp_path, "a/data.txt")
    (tmp_path / "link").symlink_to("a/data.txt")

    assert [(entry.path, entry.link_to) for entry in list_source(tmp_path)] == [("a/data.txt", None), ("link", "a/data.txt")]


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "a/../../outside", "loop"])
def test_a_link_that_leads_out_or_nowhere_is_refused_by_name(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    tree(root, "a/data.txt")
    (root / "loop").symlink_to("loop") if target == "loop" else (root / "link").symlink_to(target)

    with pytest.raises(Usage, match="symbolic link l") as caught:
        list_source(root)

    assert ".cygniignore" in caught.value.remedy


def test_a_link_that_leads_out_by_way_of_another_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    tree(tmp_path, "outside/secret")
    tree(root, "a/b/file")
    (root / "here").symlink_to("a/b")
    (root / "sly").symlink_to("here/../../../outside/secret")

    with pytest.raises(Usage, match="sly"):
        list_source(root)


def test_a_link_that_is_ignored_may_lead_anywhere(tmp_path: Path) -> None:
    (tmp_path / "result").symlink_to("/nix/store")
    write(tmp_path, ".cygniignore", "result\n.cygniignore\n")

    assert listed(tmp_path) == []


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert listed(tmp_path) == []


def test_bringing_back_a_folder_brings_back_nothing_below_it_that_is_left_out(tmp_path: Path) -> None:
    tree(tmp_path, "a.log/b/file", "a.log/c/file")
    write(tmp_path, ".gitignore", "**/b\n*.log\n!a.log\n.gitignore\n")

    assert listed(tmp_path) == ["a.log/c/file"]


PARTS = st.sampled_from(["a", "b", "a.log", "build"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
RULES = st.sampled_from(["*.log", "!a.log", "build/", "/a", "a/b", "**/b", "b/*", "!b/a", "# note", "", "a/", "!/build/a"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(paths=st.sets(PATHS, min_size=1, max_size=8), top=st.lists(RULES, max_size=4), deep=st.lists(RULES, max_size=3))
def test_the_listing_is_gits_own(
    tmp_path_factory: pytest.TempPathFactory, paths: set[str], top: list[str], deep: list[str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for path in sorted(paths):
        if not any(other.startswith(path + "/") for other in paths):
            tree(root, path)
    write(root, ".gitignore", "\n".join(top) + "\n")
    if (root / "a").is_dir():
        write(root, "a/.gitignore", "\n".join(deep) + "\n")
    subprocess.run(["git", "-C", str(root), "init", "-q"], check=True)

    told = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--others", "--exclude-standard"], check=True, capture_output=True, text=True
    )

    assert listed(root) == sorted(told.stdout.split())

from __future__ import annotations

from chalicelib.builds.listing import folders, is_marker, within


def test_a_marker_is_known_by_its_name_in_any_folder() -> None:
    assert is_marker("services/api/package.json")
    assert not is_marker("services/api/package-lock.json")


def test_paths_within_a_folder_are_relative_to_it() -> None:
    listing = {"a/b/x": "1", "a/bc/y": "2", "z": "3"}

    assert within(listing, "a/b/") == {"x": "1"}
    assert within(listing, ".") == listing


def test_folders_are_the_top_level_ones() -> None:
    assert folders({"b/x": None, "a/c/y": None, "z": None}) == ["a", "b"]

"""What functions are made of: the same bytes from the same commit, and nothing that they do not run."""

from __future__ import annotations

import zipfile
from pathlib import Path

from functions.catalog import API_FUNCTION, FUNCTIONS
from infra import packages
from infra.layers import LAYERS, layers_of


def test_the_code_is_the_same_bytes_wherever_and_whenever_it_is_packed(tmp_path: Path) -> None:
    one, other = packages.code(tmp_path / "one"), packages.code(tmp_path / "other")

    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.digest == other.digest


def test_the_code_has_the_app_its_contexts_and_the_handlers_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(packages.code(tmp_path).path) as made:
        names = made.namelist()
        dates = {each.date_time for each in made.infolist()}

    assert {name.split("/")[0] for name in names} == {"app.py", "chalicelib", "functions"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert names == sorted(names)
    assert len(dates) == 1


def test_only_functions_that_reach_clusters_carry_the_kubernetes_client() -> None:
    (heavy,) = [each for each in LAYERS if "kubernetes" in each.roots]
    carrying = {each.name for each in (API_FUNCTION, *FUNCTIONS) if heavy in layers_of(each)}

    assert carrying == {each.name for each in (API_FUNCTION, *FUNCTIONS) if "reach clusters" in each.rights}
    assert API_FUNCTION.name not in carrying

"""Packages: the same bytes from the same files, each library in one layer, and heavy ones only where they are used."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from functions.catalog import API_FUNCTION, FUNCTIONS
from infra.layers import KUBERNETES_LAYER, LAYERS, RUNTIME_LAYER, distributions, layers_of
from infra.packages import LOCK, MACHINES, PYTHON, PackagingError, code, pinned, write_zip


def test_the_code_is_the_same_bytes_wherever_it_is_zipped(tmp_path: Path) -> None:
    first, second = code(tmp_path / "a"), code(tmp_path / "b")

    assert first.digest == second.digest
    assert first.path.read_bytes() == second.path.read_bytes()


def test_a_zip_forgets_when_and_by_whom_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "one.zip"

    write_zip(path, [("a.py", b"a = 1\n")], compression=zipfile.ZIP_STORED)

    with zipfile.ZipFile(path) as archive:
        (entry,) = archive.infolist()
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.external_attr >> 16 == 0o100644
        assert archive.read("a.py") == b"a = 1\n"


def test_the_code_has_every_handler(tmp_path: Path) -> None:
    with zipfile.ZipFile(code(tmp_path).path) as archive:
        names = set(archive.namelist())

    wanted = {each.handler.rpartition(".")[0].replace(".", "/") + ".py" for each in (*FUNCTIONS, API_FUNCTION)}
    assert wanted <= names
    assert not any(name.startswith(("tests/", "cygni/", "infra/")) for name in names)


@pytest.mark.parametrize("machine", MACHINES.values())
def test_no_library_is_in_two_layers_and_every_one_is_pinned(machine: str) -> None:
    found = [name for each in LAYERS for name in distributions(each, python=PYTHON, machine=machine)]

    assert len(found) == len(set(found))
    assert pinned(found, LOCK.read_text()).count("--hash=sha256:") >= len(found)


def test_a_library_that_the_lock_has_not_is_named() -> None:
    with pytest.raises(PackagingError, match="pins no no-such-library"):
        pinned(["no-such-library"], LOCK.read_text())


def test_only_functions_that_reach_clusters_have_the_kubernetes_client() -> None:
    having = {each.name for each in FUNCTIONS if KUBERNETES_LAYER in layers_of(each)}

    assert having == {each.name for each in FUNCTIONS if "reach clusters" in each.rights}
    assert layers_of(API_FUNCTION) == (RUNTIME_LAYER,)

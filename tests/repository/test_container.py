"""The container: what it copies is there, what it is made from is pinned, and what it holds is what running needs."""

from __future__ import annotations

import re
import sys
from importlib.metadata import packages_distributions

from functions.catalog import RUNTIME
from tests.support.workflows import ROOT, read

LINES = (ROOT / "Dockerfile").read_text().splitlines()
BASES = [line.split()[1] for line in LINES if line.startswith("FROM ")]
BUILD, FINAL = [part.splitlines() for part in re.split(r"^FROM .*$", "\n".join(LINES), flags=re.MULTILINE)[1:]]
OF_LAMBDA = {"snapshot_restore_py"}
"""What Lambda's own runtime brings, imported where it is there."""


def copied(lines: list[str]) -> list[str]:
    """What a stage copies out of the repository."""
    return [word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]]


def locked(name: str) -> dict[str, str]:
    """The distributions of a lock, with their versions."""
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def named(name: str) -> set[str]:
    """The distributions that a requirements file names itself."""
    return set(re.findall(r"^([a-z0-9._-]+)", (ROOT / name).read_text(), re.MULTILINE))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_both_stages_begin_with_one_image_that_is_named_by_its_digest_and_has_the_functions_python() -> None:
    assert len(set(BASES)) == 1
    assert re.fullmatch(RUNTIME.replace("python", "python:") + r"\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", BASES[0])


def test_what_is_copied_is_there_and_what_runs_is_nobody_of_importance() -> None:
    assert [each for each in copied(BUILD + FINAL) if not (ROOT / each).exists()] == []
    assert "USER cygni" in FINAL


def test_what_is_left_in_the_container_is_code_and_the_libraries_of_one_lock() -> None:
    (taken,) = [line for line in FINAL if "--from=build" in line]
    (installs,) = [line for line in BUILD if "-r requirements" in line]

    assert taken == "COPY --from=build /cygni/.venv .venv"
    assert installs.endswith("--require-hashes -r requirements-local.txt")
    assert not [each for each in copied(FINAL) if each.endswith((".txt", ".toml", ".md"))]


def test_the_lock_of_the_container_has_the_developers_versions_and_none_of_the_checks() -> None:
    local, developers = locked("requirements-local.txt"), locked("requirements-dev.txt")

    assert local.items() < developers.items()
    assert named("requirements-dev.in") & set(local) <= {"setuptools", "jsonata-python"}  # which chalice and ministack ask for


def test_the_lock_of_the_container_has_every_library_that_is_imported() -> None:
    found = packages_distributions()
    sources = [
        ROOT / "app.py",
        *(path for name in ("chalicelib", "cygni", "functions") for path in (ROOT / name).rglob("*.py")),
    ]
    modules = {each for path in sources for each in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)}
    libraries = {each for each in modules if each in found} - OF_LAMBDA - set(sys.stdlib_module_names)
    ours = {"app", "chalicelib", "cygni", "functions"}

    lacking = {
        each for each in libraries - ours if not {canonical(one) for one in found[each]} & set(locked("requirements-local.txt"))
    }
    assert lacking == set()
    assert {"chalice", "ministack", "typer", "kubernetes"} <= libraries


def test_the_container_has_every_package_that_the_embedded_cloud_imports() -> None:
    imported = set()
    for path in (ROOT / "cygni").rglob("*.py"):
        imported |= set(
            re.findall(r"^(?:from|import) (chalicelib|cygni|functions|infra|tools|bench|tests)\b", path.read_text(), re.M)
        )

    assert imported <= set(copied(BUILD)) & set(copied(FINAL))


def test_every_list_of_requirements_is_compiled_to_a_lock() -> None:
    recipe = (ROOT / "Makefile").read_text()

    for path in ROOT.glob("requirements*.in"):
        assert path.with_suffix(".txt").is_file()
        assert f"{path.name} -o {path.with_suffix('.txt').name}" in recipe


def test_compose_starts_what_the_container_is() -> None:
    service = read(ROOT / "docker-compose.yml")["services"]["cygni"]

    assert service["build"] == "."
    assert service["network_mode"] == "host"  # the embedded cloud listens on the loopback interface alone
    assert [each.split(":")[1] for each in service["volumes"]] == ["/state"]

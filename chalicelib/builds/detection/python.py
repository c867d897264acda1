"""Python: which manager installs, which version runs, and what starts. Pure.

Precedence of managers: a lock file says it (`uv.lock`, `poetry.lock`), then `[tool.poetry]`, then `requirements.txt`,
then the dependencies of `pyproject.toml`. Source without any of them runs on the standard library alone.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.builds.detection.found import Found
from chalicelib.builds.detection.python_start import ENTRY_POINTS, convention
from chalicelib.builds.detection.versions import PYTHON, PYTHON_DEFAULT, choose
from chalicelib.builds.plan import BuildPlan, Kind, Manager
from chalicelib.platform.errors import BuildRefused

_INSTALL: Mapping[Manager, tuple[str, ...]] = {
    Manager.NONE: (),
    Manager.PIP: ("pip install -r requirements.txt",),
    Manager.POETRY: ("poetry install --only main --no-root --no-interaction",),
    Manager.UV: ("uv sync --frozen --no-dev --no-install-project",),
}
_UNLOCKED_INSTALL = ("uv pip install -r pyproject.toml",)
_LOCAL = re.compile(r"^\s*(?:(?:-e|--editable)[\s=]+)?(?:\.|file:|\S+\s*@\s*file:)", re.MULTILINE)
"""A requirement that is a part of the source itself, so that it cannot be installed before the source is there."""
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class _Project:
    """What pyproject.toml says, with nothing in it when there is none."""

    table: Mapping[str, Any]

    @property
    def poetry(self) -> Mapping[str, Any]:
        tools = self.table.get("tool", {})
        return tools.get("poetry", {}) if isinstance(tools, Mapping) else {}

    @property
    def dependencies(self) -> list[str]:
        declared = self.table.get("project", {}).get("dependencies", [])
        return [str(each) for each in declared] + [str(name) for name in self.poetry.get("dependencies", {})]

    @property
    def requires_python(self) -> str:
        poetry = self.poetry.get("dependencies", {}).get("python", "")
        return str(self.table.get("project", {}).get("requires-python", "") or poetry)

    @property
    def is_application(self) -> bool:
        """Whether it describes something to run, and not only the settings of a linter."""
        return "project" in self.table or bool(self.poetry)

    @property
    def is_package(self) -> bool:
        return "build-system" in self.table


def detect(found: Found) -> BuildPlan | None:
    """A plan if the context is a Python application. Raises BuildRefused when it is one that cannot be built or started."""
    project = _project(found)
    manager, manifests = _manager(found, project)
    if manager is Manager.NONE and not found.first(*ENTRY_POINTS) and not _is_started_by_python(found):
        _refuse_known_others(found)
        return None
    runtime, constraint, origin = _runtime(found, project)
    locked = manager is not Manager.UV or "uv.lock" in found.files
    notes = (
        () if locked else ("There is no lock file, so the versions installed may differ from build to build: run `uv lock`.",)
    )
    start, advice = (found.start, ()) if found.start else convention(found, _dependencies(found, project))
    return BuildPlan(
        kind=Kind.PYTHON,
        context=found.context,
        manager=manager,
        runtime=runtime,
        constraint=constraint,
        runtime_origin=origin,
        base_image=f"python:{runtime}-slim",
        manifests=manifests,
        install=_INSTALL[manager] if locked else _UNLOCKED_INSTALL,
        build=_build(found, manager, project),
        start=start.command,
        start_origin=start.origin,
        notes=notes + advice,
    )


def _project(found: Found) -> _Project:
    try:
        return _Project(tomllib.loads(found.text("pyproject.toml")))
    except tomllib.TOMLDecodeError as error:
        raise BuildRefused(
            f"pyproject.toml is not valid TOML: {error}.",
            remedy="Correct that line of pyproject.toml and deploy again.",
        ) from None


def _manager(found: Found, project: _Project) -> tuple[Manager, tuple[str, ...]]:
    def present(*paths: str) -> tuple[str, ...]:
        return tuple(path for path in paths if path in found.files)

    if "uv.lock" in found.files and "pyproject.toml" in found.files:
        return Manager.UV, present("pyproject.toml", "uv.lock")
    if "pyproject.toml" in found.files and ("poetry.lock" in found.files or project.poetry):
        return Manager.POETRY, present("pyproject.toml", "poetry.lock")
    if "requirements.txt" in found.files:
        return Manager.PIP, () if _LOCAL.search(found.text("requirements.txt")) else ("requirements.txt", *_included(found))
    if project.is_application:
        return Manager.UV, ("pyproject.toml",)
    return Manager.NONE, ()


def _included(found: Found) -> tuple[str, ...]:
    """When requirements.txt refers to other files by `-r` or `-c`: those, and the ones beside them that they may refer to."""
    named = re.findall(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)", found.text("requirements.txt"), re.MULTILINE)
    folders = {posixpath.dirname(posixpath.normpath(path)) for path in named}

    def beside(path: str) -> bool:
        folder, name = posixpath.split(path)
        return (
            folder in folders and name.endswith((".txt", ".in")) and (folder != "" or name.startswith(("req", "const", "dev")))
        )

    return tuple(sorted(path for path in found.files if path != "requirements.txt" and beside(path)))


def _refuse_known_others(found: Found) -> None:
    if "Pipfile" in found.files:
        raise BuildRefused(
            "Pipenv projects are not built from the Pipfile.",
            remedy="Run `pipenv requirements > requirements.txt` and commit that file.",
        )
    if found.first("environment.yml", "environment.yaml"):
        raise BuildRefused(
            "Conda environments are not built.", remedy="List the packages in a requirements.txt, or add a Dockerfile."
        )
    if found.first("setup.py"):
        raise BuildRefused(
            "setup.py alone does not say which versions to install.",
            remedy="Add a requirements.txt; for the package itself its line is `.`.",
        )


def _is_started_by_python(found: Found) -> bool:
    words = found.start.command.split() if found.start else []
    return (
        bool(words)
        and re.fullmatch(r"python[\d.]*", words[0]) is not None
        and any(path.endswith(".py") for path in found.files)
    )


def _runtime(found: Found, project: _Project) -> tuple[str, str, str]:
    asked = (
        (found.text(".python-version").strip().splitlines() or [""])[0].strip(),
        found.text("runtime.txt").strip(),
        project.requires_python,
    )
    origins = (".python-version", "runtime.txt", "pyproject.toml requires-python")
    constraint, origin = next(((text, name) for text, name in zip(asked, origins, strict=True) if text), ("", "default"))
    runtime = choose(constraint, PYTHON, PYTHON_DEFAULT)
    if runtime is None:
        raise BuildRefused(
            f"No Python that Cygni knows fits {origin} `{constraint}`; it knows {', '.join(PYTHON)}.",
            remedy=f"Ask for one of those in {origin.split()[0]}, for example `{PYTHON_DEFAULT}`.",
        )
    return runtime, constraint, origin


def _build(found: Found, manager: Manager, project: _Project) -> tuple[str, ...]:
    """The project itself is installed after its dependencies, when it is a package; then comes `build.command`."""
    itself = {
        Manager.UV: "uv sync --frozen --no-dev --no-editable" if "uv.lock" in found.files else "uv pip install --no-deps .",
        Manager.POETRY: "pip install --no-deps .",
    }
    package_mode = project.poetry.get("package-mode", True)
    install = (itself[manager],) if project.is_package and package_mode and manager in itself else ()
    return install + ((found.command,) if found.command else ())


def _dependencies(found: Found, project: _Project) -> frozenset[str]:
    lines = found.text("requirements.txt").splitlines() + project.dependencies
    names = (_NAME.match(line) for line in lines)
    return frozenset(re.sub(r"[-_.]+", "-", match.group(1)).lower() for match in names if match)

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.builds.plan import BuildPlan, Kind, Manager
from chalicelib.platform.errors import BuildFailed
from cygni.local.builder.environment import Tools, clean_environment

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
PLAN = BuildPlan(kind=Kind.PYTHON, runtime="3.99", constraint=">=3.99", runtime_origin="pyproject.toml requires-python")


def tools(tmp_path: Path, path: str = "") -> tuple[Tools, list[str]]:
    """Tools that look in a folder of the test's, and what they said."""
    said: list[str] = []
    return Tools(tmp_path / "tools", {"PATH": path or str(tmp_path)}, said.append), said


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_only_where_packages_come_from_is_handed_on(tmp_path: Path) -> None:
    given = {
        "PATH": "/usr/bin",
        "HTTPS_PROXY": "http://proxy:3128",
        "UV_INDEX_URL": "https://me:secret@example.com",
        "AWS_SESSION_TOKEN": "secret",
        "GITHUB_TOKEN": "secret",
        "CYGNI_ADMIN_KEY_SHA256": "secret",
    }

    environment = clean_environment(given, tmp_path / "home", tmp_path / "cache")

    assert "secret" not in " ".join(environment.values())
    assert environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert environment["HOME"] == str(tmp_path / "home")


def test_cygnis_own_environment_is_not_on_the_path(tmp_path: Path) -> None:
    environment = clean_environment({"PATH": f"{sys.prefix}/bin:/usr/bin"}, tmp_path, tmp_path)

    assert f"{sys.prefix}/bin" not in environment["PATH"].split(":") or sys.prefix == sys.base_prefix


def test_the_version_that_is_asked_for_is_found(tmp_path: Path) -> None:
    executable(tmp_path / "python3.99", "#!/bin/sh\necho /opt/python/bin/python3.99\necho 3.99\n")

    found = tools(tmp_path)[0].python(PLAN)

    assert (found.path, found.version) == (Path("/opt/python/bin/python3.99"), "3.99")


@pytest.mark.parametrize(
    "shim",
    ["echo 'pyenv: python3.99: command not found' >&2; exit 127", f'exec "{sys.executable}" "$@"'],
    ids=["version-not-installed", "starts-another-version"],
)
def test_a_shim_that_does_not_start_that_version_is_not_used(tmp_path: Path, shim: str) -> None:
    executable(tmp_path / "python3.99", f"#!/bin/sh\n{shim}\n")

    with pytest.raises(BuildFailed, match="asks for Python >=3\\.99"):
        tools(tmp_path)[0].python(PLAN)


def test_a_version_that_is_demanded_and_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=rf"requires-python asks for Python >=3\.99, but this machine has {OURS}") as failed:
        tools(tmp_path)[0].python(PLAN)

    assert "`python3.99`" in failed.value.remedy


@pytest.mark.parametrize("origin", [".python-version", "runtime.txt"])
def test_a_pin_for_another_machine_is_only_told(tmp_path: Path, origin: str) -> None:
    own, said = tools(tmp_path)

    assert own.python(replace(PLAN, runtime_origin=origin)).version == OURS
    assert said == [f"This machine's Python {OURS} stands in for 3.99."]


def test_a_node_that_is_too_old_is_refused(tmp_path: Path) -> None:
    executable(tmp_path / "node", "#!/bin/sh\necho /opt/node\necho 18.2\n")
    plan = BuildPlan(kind=Kind.NODE, runtime="22.21", constraint=">=20", runtime_origin="package.json engines.node")

    with pytest.raises(BuildFailed, match=r"asks for Node >=20, but this machine has 18\.2"):
        tools(tmp_path)[0].node(plan)


def test_pip_is_uv_under_the_name_the_plan_uses(tmp_path: Path) -> None:
    own, _ = tools(tmp_path)

    own.provide(BuildPlan(kind=Kind.PYTHON, manager=Manager.PIP))

    assert "pip" in (own.folder / "pip").read_text()


def test_a_manager_that_is_absent_is_fetched_by_npx_in_the_plans_version(tmp_path: Path) -> None:
    for name in ("node", "npx"):
        executable(tmp_path / name)
    own, _ = tools(tmp_path)

    own.provide(BuildPlan(kind=Kind.NODE, manager=Manager.PNPM, manager_package="pnpm@9.1.0"))

    assert '--package=pnpm@9.1.0 -- pnpm "$@"' in (own.folder / "pnpm").read_text()


def test_a_manager_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    executable(tmp_path / "node")

    with pytest.raises(BuildFailed, match="no `pnpm`"):
        tools(tmp_path)[0].provide(BuildPlan(kind=Kind.NODE, manager=Manager.PNPM, manager_package="pnpm@10"))

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.platform.errors import BuildFailed
from cygni.local.builder import venv
from cygni.local.builder.environment import Interpreter

OURS = Interpreter(
    Path(getattr(sys, "_base_executable", sys.executable)).resolve(), f"{sys.version_info.major}.{sys.version_info.minor}"
)


def run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}).stdout.strip()


def test_an_environment_works_and_sees_its_own_packages_only(tmp_path: Path) -> None:
    venv.create(tmp_path / "v", OURS)
    packages = tmp_path / f"v/lib/python{OURS.version}/site-packages"
    (packages / "thing.py").write_text("name = 'thing'")

    told = run(tmp_path / "v/bin/python", "-c", "import sys, thing; print(thing.name, [p for p in sys.path if 'site' in p])")

    assert told == f"thing ['{packages}']"


def test_an_interpreter_that_is_none_of_the_environment_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    shim = tmp_path / "python3.11"
    shim.write_text(f'#!/bin/sh\nexec "{OURS.path}" "$@"\n')
    shim.chmod(0o755)

    with pytest.raises(BuildFailed, match="shim"):
        venv.create(tmp_path / "v", Interpreter(shim, OURS.version))


def test_a_script_still_runs_after_the_folder_was_renamed(tmp_path: Path) -> None:
    venv.create(tmp_path / "v", OURS)
    own = tmp_path / "v/bin/python"
    for name, head in {"short": f"#!{own}\n", "long": f"#!/bin/sh\n'''exec' \"{own}\" \"$0\" \"$@\"\n' '''\n"}.items():
        (tmp_path / "v/bin" / name).write_text(f"{head}import sys\nprint(sys.prefix, sys.argv[1:])\n")
        (tmp_path / "v/bin" / name).chmod(0o755)

    venv.make_movable(tmp_path / "v")
    (tmp_path / "v").rename(tmp_path / "moved here")

    for name in ("short", "long"):
        assert run(tmp_path / "moved here/bin" / name, "a b") == f"{tmp_path}/moved here ['a b']"


def test_traces_of_where_a_package_was_built_are_forgotten(tmp_path: Path) -> None:
    venv.create(tmp_path / "v", OURS)
    info = tmp_path / f"v/lib/python{OURS.version}/site-packages/thing-1.dist-info"
    info.mkdir()
    (info / "direct_url.json").write_text('{"url": "file:///tmp/random"}')
    (info / "RECORD").write_text("thing.py,,\nthing-1.dist-info/direct_url.json,sha256=x,9\n")

    venv.make_movable(tmp_path / "v")

    assert (sorted(path.name for path in info.iterdir()), (info / "RECORD").read_text()) == (["RECORD"], "thing.py,,\n")

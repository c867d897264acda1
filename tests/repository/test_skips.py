"""On a machine that is meant to have every tool, no test is left out for want of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.skips import WANTED

ROOT = Path(__file__).parents[2]
CASES = """
import pytest

@pytest.fixture
def cluster():
    pytest.skip("no tool of a fixture")

@pytest.mark.skipif(True, reason="no tool of a mark")
def test_marked(): pass

def test_asking(cluster): pass

def test_by_nature(): pytest.skip("this server is so young that it holds everything")

@pytest.mark.xfail
def test_expected(): assert False

def test_sound(): pass
"""


def test_a_skip_for_want_of_a_tool_fails_where_nothing_may_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_cases.py").write_text(CASES)
    (tmp_path / "test_module.py").write_text('import pytest\npytest.importorskip("gone", reason="no tool of a module")\n')
    monkeypatch.setenv(WANTED, "1")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.support.skips", "-c", "/dev/null", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [*command, "--continue-on-collection-errors", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    told = [
        line.rpartition("would be skipped: ")[2] for line in done.stdout.splitlines() if line.startswith(f"{WANTED} is set")
    ]
    assert sorted(told) == ["no tool of a fixture", "no tool of a mark", "no tool of a module"], done.stdout
    assert "1 skipped" in done.stdout
    assert "1 passed" in done.stdout
    assert "1 xfailed" in done.stdout

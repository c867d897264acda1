from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.builds.detection.versions import GO, NODE, NODE_DEFAULT, PYTHON, PYTHON_DEFAULT, choose, satisfies


@pytest.mark.parametrize(
    ("constraint", "chosen"),
    [
        ("", "3.13"),
        (">=3.11", "3.13"),
        (">=3.9,<3.12", "3.11"),
        ("3.12.4", "3.12"),
        ("python-3.11.7", "3.11"),
        ("~=3.10", "3.13"),
        ("~=3.10.2", "3.10"),
        ("==3.12.*", "3.12"),
        (">=3.10,!=3.13.*", "3.14"),
        ("^3.9", "3.13"),
        ("<3.13", "3.12"),
        ("<3.13.2,>3.12", "3.13"),
        ("3.15", "3.15"),
        (">=4", None),
        ("three", None),
    ],
)
def test_python_gets_the_default_if_it_fits_else_the_newest_that_does(constraint: str, chosen: str | None) -> None:
    assert choose(constraint, PYTHON, PYTHON_DEFAULT) == chosen


@pytest.mark.parametrize(
    ("constraint", "chosen"),
    [
        ("lts/*", NODE_DEFAULT),
        ("*", NODE_DEFAULT),
        ("20.x", "20.19"),
        ("v20", "20.19"),
        (">=18 <21", "20.19"),
        ("^20.1.0", "20.19"),
        ("18 || 20", "20.19"),
        ("20.11.1", "20.11"),
        ("18 - 20", "20.19"),
        (">22", "24.11"),
        ("~24.11.1", "24.11"),
        (">=99", None),
    ],
)
def test_node_understands_what_people_write_in_engines(constraint: str, chosen: str | None) -> None:
    assert choose(constraint, NODE, NODE_DEFAULT) == chosen


@given(st.sampled_from(PYTHON + NODE + GO), st.text(max_size=30))
def test_no_constraint_makes_it_stumble(version: str, constraint: str) -> None:
    assert satisfies(version, constraint) in {True, False}


@given(st.sampled_from(PYTHON))
def test_a_version_fits_itself(version: str) -> None:
    assert all(satisfies(version, operator + version) for operator in ("", "==", ">=", "<=", "~=", "^", "~"))
    assert not any(satisfies(version, operator + version) for operator in ("!=", "<", ">"))

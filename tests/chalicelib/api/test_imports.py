from __future__ import annotations

import pytest

from bench.imports import HEAVY, run


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return set(run("import app, sys; print(*sys.modules)").split())


@pytest.mark.parametrize("module", HEAVY)
def test_importing_the_api_does_not_load_what_requests_do_not_need(loaded: set[str], module: str) -> None:
    assert module not in loaded


def test_importing_the_api_builds_no_validator() -> None:
    assert run(COUNT).strip() == "0"


def test_garbage_is_collected_again_once_the_api_is_imported() -> None:
    assert run("import app, gc; print(gc.isenabled())").strip() == "True"


COUNT = """
from pydantic._internal import _model_construction as construction
built, original = [], construction.complete_model_class
construction.complete_model_class = lambda cls, *rest, **more: built.append(cls) or original(cls, *rest, **more)
import app
print(len([cls for cls in built if cls.__module__.startswith("chalicelib")]))
"""

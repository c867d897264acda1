from __future__ import annotations

import sys

import pytest

from chalicelib.platform.late import Late, late, loaded


@pytest.fixture
def unloaded() -> str:
    """A module that nobody needs."""
    return "colorsys"


def test_a_module_is_loaded_when_something_of_it_is_used(unloaded: str) -> None:
    sys.modules.pop(unloaded, None)
    module = late(unloaded)

    convert = module.rgb_to_hsv

    assert isinstance(convert, Late)
    assert unloaded not in sys.modules
    assert convert(0.0, 0.0, 0.0) == (0.0, 0.0, 0.0)
    assert unloaded in sys.modules
    assert module.rgb_to_hsv is loaded(convert)


def test_what_is_not_late_is_loaded_already() -> None:
    assert loaded(str) is str
    assert loaded(None) is None


def test_what_a_module_does_not_have_is_an_error_at_first_use(unloaded: str) -> None:
    with pytest.raises(AttributeError):
        late(unloaded).no_such_thing()

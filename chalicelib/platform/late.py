"""Modules that are loaded when somebody needs them: the shapes of one resource are of no use to a request of another.

    if TYPE_CHECKING:
        from chalicelib.projects import schemas as shapes
    else:
        shapes = late("chalicelib.projects.schemas")

For whoever reads or checks the code, `shapes` is the module. At run time `shapes.NewProject` is the class if the module is
loaded, and what stands for it until then; calling either makes one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


class Late:
    """Stands for something in a module that is not loaded yet."""

    __slots__ = ("_module", "_name")

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def load(self) -> Any:
        """The thing itself; loads its module. Raises AttributeError when it has no such thing."""
        return getattr(import_module(self._module), self._name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.load()(*given, **named)

    def __repr__(self) -> str:
        return f"{self._module}.{self._name}"


class LateModule:
    """A module by name; its things are loaded with it, at first use."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        loaded = sys.modules.get(self._name)
        found = getattr(loaded, name, None)
        return found if found is not None else Late(self._name, name)


def late(module: str) -> Any:
    """The module of this name, not loaded yet."""
    return LateModule(module)


def loaded(thing: Any) -> Any:
    """The thing itself, whether it was late or not."""
    return thing.load() if isinstance(thing, Late) else thing

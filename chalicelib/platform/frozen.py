"""`dataclass(frozen=True, slots=True)`, whose constructor is written when the first one is made.

The standard library writes six functions of source for each class and compiles them when its module is imported: half a
millisecond a class, a quarter of the API's import for a hundred, of which a request makes a few. Here comparing, hashing,
showing and refusing to change are functions that all classes share, and the constructor is the standard library's own, but
written at first use. Everything else is as `dataclasses` has it: `fields`, `replace`, `asdict` and `match` work. For whoever
checks types it is `dataclasses.dataclass`, which also gets the classes with other options, bases, or methods that need more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        """As `dataclasses.dataclass`."""
        if cls is None:
            return lambda found: dataclass(found, **options)
        if options != _OPTIONS or not _is_plain(cls):
            return dataclasses.dataclass(cls, **options)
        return _deferred(cls)


_OPTIONS = {"frozen": True, "slots": True}
_OWN = ("__init__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__", "__setstate__")
"""Methods that a class must not have itself; a `__repr__` of its own stays."""


def _is_plain(cls: type) -> bool:
    kinds = (str(each) for each in vars(cls).get("__annotations__", {}).values())
    return (
        cls.__bases__ == (object,)
        and not any(name in vars(cls) for name in _OWN)
        and not any("InitVar" in each for each in kinds)
    )


def _deferred(cls: type) -> type:
    cls.__doc__ = cls.__doc__ or cls.__name__  # else the standard library writes one from a signature, which takes long
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    found = dataclasses.fields(made)
    stated = made.__dataclass_params__
    stated.init = stated.repr = stated.eq = stated.frozen = True
    made.__init__ = _constructor(made)
    if "__repr__" not in vars(made):
        made.__repr__ = _shown(tuple(each.name for each in found if each.repr))
    compared = _values(tuple(each.name for each in found if each.compare))
    hashed = _values(tuple(each.name for each in found if (each.compare if each.hash is None else each.hash)))
    made.__eq__, made.__hash__ = _equal(compared), lambda self: hash(hashed(self))
    names = frozenset(each.name for each in found)
    made.__setattr__, made.__delattr__ = _refusing(made, names, "assign to"), _refusing(made, names, "delete")
    whole = _values(tuple(each.name for each in found))
    made.__getstate__ = lambda self: list(whole(self))
    made.__setstate__ = _restoring(tuple(each.name for each in found))
    return made  # type: ignore[no-any-return]


def _constructor(made: Any) -> Callable[..., None]:
    def first(self: Any, *given: Any, **named: Any) -> None:
        made.__init__ = _written(made)
        made.__init__(self, *given, **named)

    return first


def _written(made: Any) -> Any:
    """The constructor that the standard library writes for a class of these fields."""
    space: dict[str, Any] = {"__module__": made.__module__, "__qualname__": made.__qualname__, "__doc__": made.__doc__}
    if hasattr(made, "__post_init__"):
        space["__post_init__"] = made.__post_init__
    found = dataclasses.fields(made)
    space["__annotations__"] = {each.name: "object" for each in found}
    for each in found:
        stated: dict[str, Any] = {"init": each.init, "kw_only": each.kw_only}
        stated |= {} if each.default is dataclasses.MISSING else {"default": each.default}
        stated |= {} if each.default_factory is dataclasses.MISSING else {"default_factory": each.default_factory}
        space[each.name] = dataclasses.field(**stated)
    twin: Any = dataclasses.dataclass(frozen=True, repr=False, eq=False)(type(made.__name__, (), space))
    return twin.__init__


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of some fields, as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, each) for each in names)


def _shown(names: tuple[str, ...]) -> Callable[[Any], str]:
    def show(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{each}={getattr(self, each)!r}' for each in names)})"

    return show


def _equal(compared: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, Any], bool]:
    def equal(self: Any, other: Any) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    return equal


def _refusing(made: Any, names: frozenset[str], what: str) -> Callable[..., None]:
    inherited = object.__setattr__ if what == "assign to" else object.__delattr__

    def refuse(self: Any, name: str, *value: Any) -> None:
        if type(self) is made or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot {what} field {name!r}")
        inherited(self, name, *value)

    return refuse


def _restoring(names: tuple[str, ...]) -> Callable[[Any, list[Any]], None]:
    def restore(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return restore

"""Our dataclass behaves as the standard library's: each promise is tried on both."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from typing import Any, ClassVar

import pytest

from chalicelib.platform import frozen

Decorator = Callable[..., Any]


@frozen.dataclass(frozen=True, slots=True)
class Pickled:
    """At module level, where pickle finds it."""

    a: int
    b: tuple[str, ...] = ()


def point(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True)
    class Point:
        """A class with most of what ours have."""

        kind: ClassVar[str] = "point"
        x: int
        y: int = 2
        names: list[str] = field(default_factory=list, hash=False)
        secret: str = field(default="s3cret", repr=False)
        note: str = field(default="", compare=False)

        def __post_init__(self) -> None:
            if self.x < 0:
                raise ValueError("x")

        @property
        def sum(self) -> int:
            """Both together."""
            return self.x + self.y

    return Point


@pytest.fixture(params=[dataclasses.dataclass, frozen.dataclass], ids=["theirs", "ours"])
def decorator(request: pytest.FixtureRequest) -> Decorator:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def cls(decorator: Decorator) -> Any:
    return point(decorator)


def test_it_is_made_by_position_and_by_name_with_its_defaults(cls: Any) -> None:
    one, other = cls(1), cls(y=3, x=1, names=["a"])

    assert (one.x, one.y, one.names, one.secret, one.sum) == (1, 2, [], "s3cret", 3)
    assert (other.y, other.names) == (3, ["a"])
    assert cls(1).names is not cls(1).names


@pytest.mark.parametrize("given", [(), (1, 2, [], "", "", 6)], ids=["too few", "too many"])
def test_what_does_not_fit_is_a_type_error(cls: Any, given: tuple[Any, ...]) -> None:
    for _ in range(2):
        with pytest.raises(TypeError):
            cls(*given)
    with pytest.raises(TypeError):
        cls(x=1, z=2)


def test_what_it_checks_itself_is_checked_each_time(cls: Any) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            cls(-1)


def test_equal_values_are_equal_and_have_one_hash(cls: Any) -> None:
    assert cls(1) == cls(1, note="ignored")
    assert hash(cls(1)) == hash(cls(1, names=["not hashed"]))
    assert cls(1) != cls(2)
    assert cls(1) != (1, 2, [], "s3cret")
    assert len({cls(1), cls(1), cls(2)}) == 2


def test_it_shows_itself_without_what_is_not_to_be_shown(cls: Any) -> None:
    assert repr(cls(1)).endswith("Point(x=1, y=2, names=[], note='')")


def test_nothing_of_it_can_be_changed(cls: Any) -> None:
    made = cls(1)

    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        made.x = 2
    with pytest.raises((FrozenInstanceError, TypeError)):  # theirs trips over its own slots in Python 3.11
        made.z = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del made.x
    assert not hasattr(made, "__dict__")


def test_the_functions_for_dataclasses_know_it(cls: Any) -> None:
    assert [each.name for each in fields(cls)] == ["x", "y", "names", "secret", "note"]
    assert replace(cls(1), y=5) == cls(1, 5)
    assert asdict(cls(1)) == {"x": 1, "y": 2, "names": [], "secret": "s3cret", "note": ""}
    assert dataclasses.is_dataclass(cls)
    assert cls.__match_args__ == ("x", "y", "names", "secret", "note")
    assert cls.kind == "point"


def test_it_can_be_matched_and_copied(cls: Any) -> None:
    match cls(1, 7):
        case cls(1, y):
            assert y == 7
    assert copy.deepcopy(cls(1, names=["a"])) == cls(1, names=["a"])


def test_it_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Pickled(1, ("b",)))) == Pickled(1, ("b",))


def test_one_with_a_single_field_and_one_with_none_compare_and_hash(decorator: Decorator) -> None:
    @decorator(frozen=True, slots=True)
    class Single:
        value: str

    @decorator(frozen=True, slots=True)
    class Nothing:
        """Has no field."""

    assert Single("ab") == Single("ab") != Single("b")
    assert hash(Single("ab")) == hash(Single("ab"))
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())


def test_a_repr_of_its_own_stays(decorator: Decorator) -> None:
    @decorator(frozen=True, slots=True)
    class Hidden:
        value: str

        def __repr__(self) -> str:
            return "Hidden(…)"

    assert repr(Hidden("x")) == "Hidden(…)"


def test_a_class_may_stand_on_another(decorator: Decorator) -> None:
    base = point(decorator)

    @decorator(frozen=True, slots=True)
    class Above(base):  # type: ignore[misc,valid-type]
        z: int = 0

    class Plain(base):  # type: ignore[misc,valid-type]
        """Not a dataclass."""

    assert Above(1, z=4).z == 4
    assert Above(1) != base(1)
    with pytest.raises(FrozenInstanceError):
        Plain(1).x = 2


@pytest.mark.parametrize("options", [{}, {"frozen": True}, {"frozen": True, "slots": True, "order": True}])
def test_other_options_are_the_standard_librarys(options: dict[str, bool]) -> None:
    @frozen.dataclass(**options)
    class Other:
        value: int = 1

    assert Other() == Other()
    assert ("__lt__" in vars(Other)) == bool(options.get("order"))

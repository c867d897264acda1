"""What one release stores the next one reads, and the other way round: while one takes over from the other, both serve.

`recorded.json` has records as they were stored when their attributes came to be. `python -m tools.record_models` adds what is
new; nothing but a hand takes away.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chalicelib.platform.table import Item, unpack
from tests.support.records import Model, attributes, from_json, models, sample

FILE = Path(__file__).with_name("recorded.json")
RECORD = "run `python -m tools.record_models` and commit what it writes"
LEAVE = (
    "an attribute leaves in two releases (docs/install.md, Upgrading): one that reads records without it, and a later one that"
    " has it no more; strike it out of recorded.json in that one"
)


def recorded() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text()))


NAMES = sorted(recorded())
known = cache(models)


def problems(held: dict[str, list[Any]], now: dict[str, list[Any]]) -> list[str]:
    """How a model breaks with what was recorded of it."""
    gone = [f"{name} is gone: {LEAVE}" for name in held if name not in now]
    changed = [
        f"{name} was {was} and is {now[name]} (type, whether every record has it): give it another name, and read both"
        for name, was in held.items()
        if name in now and now[name] != was
    ]
    return gone + changed + [f"{name} is not recorded: {RECORD}" for name in now if name not in held]


def test_every_model_is_recorded_and_none_is_gone() -> None:
    assert sorted(known()) == NAMES, RECORD


@pytest.mark.parametrize("name", NAMES)
def test_no_attribute_is_gone_retyped_or_needed_in_another_way(name: str) -> None:
    assert problems(recorded()[name]["attributes"], attributes(known()[name])) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_record_that_was_stored_is_read_and_stored_as_it_was(name: str) -> None:
    model = known()[name]
    for held in recorded()[name]["records"]:
        record = unpack(model, from_json(held))

        assert {each for each, (_, needed) in attributes(model).items() if needed} <= set(held), "a new attribute has a default"
        again = record.get_save_kwargs_from_instance()["Item"]
        for attribute, cell in from_json(held).items():
            if attribute != "version":
                assert again[attribute] == cell or _was_text(model, attribute, cell), attribute


def _was_text(model: Model, attribute: str, cell: dict[str, Any]) -> bool:
    """Whether an older version wrote it in another type, which is read and replaced."""
    (found,) = [each for each in model.get_attributes().values() if each.attr_name == attribute]
    return getattr(found, "formerly", None) in cell


@pytest.mark.parametrize("name", NAMES)
def test_what_a_record_that_was_stored_says_is_understood(name: str) -> None:
    model = known()[name]
    played = [each for each in recorded()[name]["records"] if each["pk"] != {"S": "OWNER#1"}]

    for held in played:
        said(unpack(model, from_json(held)))


def said(record: Item) -> list[Any]:
    """The values of all the properties that its model gives a record."""
    names = [name for kind in type(record).__mro__ for name, each in vars(kind).items() if isinstance(each, property)]
    return [getattr(record, name) for name in names]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_now_is_read_by_the_release_that_recorded_its_attributes(name: str) -> None:
    stored = sample(known()[name]).get_save_kwargs_from_instance()["Item"]

    for attribute, (kind, needed) in recorded()[name]["attributes"].items():
        assert attribute in stored or not needed
        assert attribute not in stored or set(stored[attribute]) == {kind}


def test_the_contract_is_broken_by_what_a_release_must_not_do() -> None:
    held = {"a": ["S", True], "b": ["N", False]}

    assert problems(held, held) == []
    assert "a is gone" in problems(held, {"b": ["N", False]})[0]
    assert "b was ['N', False] and is ['S', False]" in problems(held, {**held, "b": ["S", False]})[0]
    assert "a was ['S', True] and is ['S', False]" in problems(held, {**held, "a": ["S", False]})[0]
    assert "c is not recorded" in problems(held, {**held, "c": ["S", False]})[0]

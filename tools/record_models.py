"""Adds to the recorded records what they lack: models and attributes that are new. Never changes or removes what was recorded.

`tests/chalicelib/upgrades/test_schema_contract.py` holds every later version to them. An attribute leaves in two releases: one
that no longer needs it, and one that no longer has it, in which its line in the record is struck out by hand.

usage: python -m tools.record_models
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chalicelib.platform import store
from chalicelib.platform.table import Item, Put, Write, action_of
from tests.support.records import Raw, attributes, models, sample, to_json

_PLAYED = 3
"""Records of one model that are kept of those that were played."""
FILE = Path(__file__).parent.parent / "tests" / "chalicelib" / "upgrades" / "recorded.json"


def played() -> dict[str, list[Raw]]:
    """Records of every kind that the tours of the API and a deploy write, in each set of attributes that they have."""
    from bench import sign_in_calls, team_calls
    from bench.store_calls import Tour
    from bench.store_count import counting
    from tests.support.rollout import Stage
    from tests.support.store import memory_store
    from tests.support.world import Client, Fakes

    found: dict[str, dict[tuple[str, ...], Raw]] = {}
    with memory_store(), counting() as counter, _written(found):
        fakes = Fakes()
        tour = Tour(Stage(Client(fakes), fakes), counter)
        tour.run()
        team_calls.tour(fakes, tour.send)
        sign_in_calls.tour(fakes, tour.send)
    return {name: list(kinds.values()) for name, kinds in found.items()}


@contextmanager
def _written(found: dict[str, dict[tuple[str, ...], Raw]]) -> Iterator[None]:
    def noting(write: Write) -> tuple[str, dict[str, Any]]:
        kind, request = action_of(write)
        if isinstance(write, Put):
            name = f"{type(write.record).__module__}.{type(write.record).__name__}"
            found.setdefault(name, {})[tuple(sorted(request["Item"]))] = dict(request["Item"])
        return kind, request

    store.action_of = noting
    try:
        yield
    finally:
        store.action_of = action_of


def recorded() -> dict[str, Any]:
    """What was recorded."""
    return dict(json.loads(FILE.read_text())) if FILE.exists() else {}


def grown(known: dict[str, Any], items: dict[str, list[Raw]]) -> dict[str, Any]:
    """The same with what is new: a record of each new model, or of a model with a new attribute, whole and as it was played."""
    for name, model in models().items():
        held = known.setdefault(name, {"attributes": {}, "records": []})
        new = {each: kind for each, kind in attributes(model).items() if each not in held["attributes"]}
        if new or not held["records"]:
            held["attributes"] = dict(sorted({**held["attributes"], **new}.items()))
            richest = sorted(items.get(name, ()), key=len, reverse=True)[:_PLAYED]
            held["records"] += [to_json(each) for each in (*whole(model), *richest)]
    return dict(sorted(known.items()))


def whole(model: type[Item]) -> list[Raw]:
    """A record with every attribute; and one as an older version wrote it, where the model still reads that."""
    made: Raw = sample(model).get_save_kwargs_from_instance()["Item"]
    formerly = {
        each.attr_name: {each.formerly: json.dumps(getattr(sample(model), name))}
        for name, each in model.get_attributes().items()
        if hasattr(each, "formerly")
    }
    return [made, {**made, **formerly}] if formerly else [made]


def written(known: dict[str, Any]) -> str:
    """As the file has it: a line for each model's attributes, and for each record."""
    parts = []
    for name, held in known.items():
        records = ",\n".join(f"   {_line(each)}" for each in held["records"])
        parts.append(f'"{name}": {{\n  "attributes": {_line(held["attributes"])},\n  "records": [\n{records}\n  ]\n }}')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def main() -> None:
    """Writes the file."""
    logging.disable(logging.CRITICAL)
    known = grown(recorded(), played())
    FILE.write_text(written(known))
    print(f"{len(known)} models, {sum(len(each['records']) for each in known.values())} records")


if __name__ == "__main__":
    main()

"""What the routes of the fake control plane share: pages, shapes, and what is not there."""

from __future__ import annotations

from typing import Any

from chalicelib.platform.errors import NotFound, StaleVersion

PAGE = 2
"""Items of a page here: so few that every list has several."""


def known(things: Any, key: str) -> Any:
    """What a key names. Raises NotFound."""
    if key not in things:
        raise NotFound(f"There is no {key}.")
    return things[key]


def unchanged(seen: Any, version: int) -> None:
    """Raises StaleVersion where If-Match names another version."""
    if seen.headers.get("if-match") != f'"{version}"':
        raise StaleVersion(f"The newest version is {version}.")


def paged(items: list[Any], seen: Any) -> dict[str, Any]:
    """The page of a list that a request asks for."""
    begin = int(seen.query.get("cursor", "0"))
    more = begin + PAGE < len(items)
    return {"items": items[begin : begin + PAGE], "next_cursor": str(begin + PAGE) if more else None}


def shape(view: Any, **fields: Any) -> Any:
    """An answer of the API's own shape, from the fields that it has."""
    known = {name: value for name, value in fields.items() if name in view.model_fields}
    return view.model_validate(known).model_dump(mode="json")

"""Removing all records of a list, a page at a time: what was removed is gone, so that whoever is interrupted goes on there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from chalicelib.platform.store import Store
from chalicelib.platform.table import Item, Remove

R = TypeVar("R", bound=Item)
PAGE = 50
"""Records of a page: they are removed in one commit, which takes a hundred at most."""


def clear(
    store: Store,
    model: type[R],
    pk: str,
    prefix: str,
    *,
    more: Callable[[], bool],
    first: Callable[[Sequence[R]], bool] = lambda _: True,
) -> bool:
    """Removes a partition's records whose sort key begins with `prefix`; False when `more` said stop before all were gone.

    `first` removes what a page's records are needed to find; the page stays when it does not come to its end.
    """
    while more():
        records, _ = store.page(model, pk, prefix, cursor=None, limit=PAGE)
        if not records:
            return True
        if not first(records):
            return False
        store.commit([Remove(model, str(record.pk), str(record.sk)) for record in records])
    return False

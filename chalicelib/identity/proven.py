"""Tokens that were proven already: a warm process sees the same one again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class ProvenTokens(Generic[T]):
    """The `most` tokens that were used last, by digest, each with what was proven of it. Safe for threads."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._known: OrderedDict[bytes, T] = OrderedDict()

    def get(self, digest: bytes) -> T | None:
        """What was proven of a token, or None."""
        with self._lock:
            found = self._known.get(digest)
            if found is not None:
                self._known.move_to_end(digest)
            return found

    def put(self, digest: bytes, proof: T) -> None:
        """Remembers a token, and forgets the one that was not used for the longest time."""
        with self._lock:
            self._known[digest] = proof
            self._known.move_to_end(digest)
            if len(self._known) > self._most:
                self._known.popitem(last=False)

"""A build's log as an object that followers read from an offset: it only ever grows, and is put in the bucket every second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

LOG = logging.getLogger("cloud.builds")

LIMIT = 4 * 1024 * 1024
"""Bytes of log that are kept. What follows is left out, and a line says so."""


class BuildLog:
    """Collects lines and hands the whole text to `put` at most every `seconds`, and at the end."""

    def __init__(self, put: Callable[[bytes], None], seconds: float = 1.0) -> None:
        self._put = put
        self._seconds = seconds
        self._text = bytearray()
        self._sent = -1
        self._full = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="build-log", daemon=True)

    def __enter__(self) -> BuildLog:
        """Begins to put the log away."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Puts away the rest."""
        self._ended.set()
        self._thread.join()
        self._flush()

    def line(self, text: str) -> None:
        """Adds a line, or several."""
        data = text.rstrip("\n").encode("utf-8", "replace") + b"\n"
        with self._lock:
            if self._full:
                return
            if len(self._text) + len(data) > LIMIT:
                self._full = True
                data = f"The log is longer than {LIMIT // (1024 * 1024)} MB; the rest is left out.\n".encode()
            self._text += data

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            text = bytes(self._text)
        if len(text) == self._sent:
            return
        try:
            self._put(text)
            self._sent = len(text)
        except Exception:  # broad: a log that cannot be put away must not fail the build; the next attempt has it all
            LOG.exception("a build log could not be stored")

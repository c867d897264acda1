"""Keeping the embedded AWS's state on disk while it runs, so that a kill loses seconds.

ministack saves on a clean stop only. Here a thread saves every few seconds, each service to a file of its own that is written
beside and renamed: whatever moment the process dies at, every file is a whole one. Files of different services may be from
different moments, which the sweep and the idempotent steps of the control plane put right.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LOG = logging.getLogger("cloud.snapshots")

_ATTEMPTS = 5
_ALONE = 2
_SHARE = 10
"""After a snapshot that took t seconds the next waits for 10 t, so that saving costs a tenth of a core."""
_TURN = 10.0
"""Seconds that no other thread gets a turn for, at most: more than a read takes, on a busy machine too."""
LONGEST_PAUSE = 5.0
"""Seconds; no matter how large the state is, a kill loses no more than these and what one snapshot takes."""


class Snapshots:
    """Saves what changed. `services` gives each service's reader of its state, `encode` makes text of a name and a state."""

    def __init__(
        self, folder: Path, services: Callable[[], Mapping[str, Callable[[], Any]]], encode: Callable[[str, Any], str]
    ) -> None:
        self._folder = folder
        self._services = services
        self._encode = encode
        self._written: dict[str, bytes] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: float = 3.0) -> None:
        """Saves every `seconds` from now on, in a thread."""
        self._thread = threading.Thread(target=self._run, args=(seconds,), name="snapshots", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after the snapshot it may be making."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def save(self) -> int:
        """Saves every service whose state changed since it was last saved; answers how many."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return sum(self._save_one(name, read) for name, read in dict(self._services()).items())

    def _run(self, seconds: float) -> None:
        pause = seconds
        while not self._stop.wait(pause):
            started = time.monotonic()
            try:
                self.save()
            except OSError as error:
                LOG.error("the state could not be saved: %s", error)
            pause = max(seconds, min(_SHARE * (time.monotonic() - started), LONGEST_PAUSE))

    def _save_one(self, name: str, read: Callable[[], Any]) -> bool:
        text = self._text(name, read)
        if text is None:
            return False
        digest = hashlib.blake2b(text).digest()
        if self._written.get(name) == digest:
            return False
        draft = self._folder / f"{name}.json.new"
        draft.write_bytes(text)
        os.replace(draft, self._folder / f"{name}.json")
        self._written[name] = digest
        return True

    def _text(self, name: str, read: Callable[[], Any]) -> bytes | None:
        """A service's state as text. Another thread may change it under the reader, which then reads again, at last alone."""
        for attempt in range(_ATTEMPTS):
            try:
                state = read() if attempt < _ALONE else _alone(read)
                return None if state is None else self._encode(name, state).encode()
            except RuntimeError:  # "dictionary changed size during iteration"
                continue
        LOG.warning("%s changed too fast to be saved; the next snapshot has it", name)
        return None


def _alone(read: Callable[[], Any]) -> Any:
    """Reads while no other thread gets a turn: a store that is written to all the time could never be copied otherwise."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        return read()
    finally:
        sys.setswitchinterval(usual)


def of_ministack(folder: Path) -> Snapshots:
    """Snapshots of the ministack in this process, in the files that it reads when it starts."""
    from ministack import app
    from ministack.core import persistence

    def encode(name: str, state: Any) -> str:
        envelope = {"__ministack_format__": persistence._state_format_version(name), "payload": state}
        return json.dumps(envelope, default=persistence._json_default)

    return Snapshots(folder, app._build_persistence_save_dict, encode)

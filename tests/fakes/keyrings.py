"""Keyrings of the system: one that works, and those that do not."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordSetError


@dataclass
class MemoryKeyring:
    """Works; `locked` it gives nothing out, `broken` it takes nothing in, `forgetful` it says that it took it."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    locked: bool = False
    broken: bool = False
    forgetful: bool = False

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        if self.broken:
            raise PasswordSetError("no room")
        if not self.forgetful:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        del self.kept[service, username]

    def _open(self) -> None:
        if self.locked:
            raise KeyringLocked("the collection is locked")


class FolderKeyring(KeyringBackend):
    """A back end for the `keyring` library, for commands in processes of their own: a file for each entry."""

    priority = 5.0  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        path = self._path(service, username)
        return path.read_text() if path.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._path(service, username).write_text(password)

    def delete_password(self, service: str, username: str) -> None:
        self._path(service, username).unlink()

    @staticmethod
    def _path(service: str, username: str) -> Path:
        return Path(os.environ["FOLDER_KEYRING"]) / f"{service} {username}".replace("/", "_")

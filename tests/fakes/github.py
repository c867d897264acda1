"""GitHub's sign-in without a network: whoever comes with a code is Ada."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.identity.providers import Web

ADA = {"id": 7, "login": "ada", "name": "Ada"}
SET_UP = json.dumps(
    {"providers": {"github": {"kind": "github", "title": "GitHub", "client_id": "cygni", "client_secret": "s3cret"}}}
)


@dataclass
class FakeGitHub:
    """Keeps what was asked of it."""

    asked: list[str] = field(default_factory=list)

    def web(self) -> Web:
        return Web(self._get, self._list, self._post)

    def _get(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        self.asked.append(url)
        return ADA

    def _list(self, url: str, headers: Mapping[str, str]) -> list[Any]:
        self.asked.append(url)
        return [{"email": "ada@example.test", "primary": True, "verified": True}]

    def _post(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        self.asked.append(url)
        return {"access_token": "gho_x"}

"""Writes `docs/cygni.schema.json` from the models of the app file. A test fails when the file is not fresh."""

from __future__ import annotations

import json
from pathlib import Path

from chalicelib.projects.appfile import json_schema

TARGET = Path(__file__).parent.parent / "docs" / "cygni.schema.json"


def render() -> str:
    """The file's text."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"wrote {TARGET}")

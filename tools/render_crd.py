"""Writes `infra/manifests/cygniservices.cygni.dev.yaml`, which operators apply. A test says when it is not fresh."""

from __future__ import annotations

from pathlib import Path

import yaml

from chalicelib.runtime.crd import NAME, definition

TARGET = Path(__file__).parent.parent / "infra" / "manifests" / f"{NAME}.yaml"
HEAD = "# The CygniService resource. Written by tools/render_crd.py from the models of the app file; apply it with kubectl.\n"


class _Plain(yaml.SafeDumper):
    """Writes what stands twice twice: an anchor is hard to read, and not all readers of manifests take one."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def render() -> str:
    """The file's text."""
    return HEAD + yaml.dump(definition(), Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
    print(f"wrote {TARGET}")

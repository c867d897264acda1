from __future__ import annotations

from tests.cygni.local.builder.conftest import builder, port

__all__ = ["builder", "port"]

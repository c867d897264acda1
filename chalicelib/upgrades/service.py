"""Migrations of records: applied, taken back, tried without writing, and looked at.

A run is a slice of time. It notes after each page how far it is, so that the next slice, or another run after this one was
killed, goes on from there. Two runs at once do no harm: both do the same, and one that goes the other way fences the first off.
"""

from __future__ import annotations

from chalicelib.upgrades.migrations import MIGRATIONS, names
from chalicelib.upgrades.rules import Direction, Migration, Phase
from chalicelib.upgrades.running import Asked, Progress, Run, Told, migrate, rehearse, standing

__all__ = [
    "MIGRATIONS",
    "Asked",
    "Direction",
    "Migration",
    "Phase",
    "Progress",
    "Run",
    "Told",
    "migrate",
    "names",
    "rehearse",
    "standing",
]

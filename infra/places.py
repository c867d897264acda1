"""Which stacks a stage has, where, and in which order they are deployed. Pure; `make synth` holds it to what is synthesized."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.settings import Settings

BOOTSTRAP = 6
"""The version of CDK's own stack (`CDKToolkit`) that a deploy asks for."""
_THERE = ("cygni-replica", "cygni-builds-standby", "cygni-control-plane-standby")
_HERE = ("cygni-data", "cygni-builds", "cygni-control-plane", "cygni-cluster", "cygni-console", "cygni-delivery")


@dataclass(frozen=True, slots=True)
class Place:
    """A stack's name and region."""

    name: str
    region: str


def places(settings: Settings) -> tuple[Place, ...]:
    """The stacks that a stage is made of: each after those that it needs."""
    wanted = {
        "cygni-replica": settings.replica_region is not None,
        "cygni-builds-standby": settings.standby is not None,
        "cygni-control-plane-standby": settings.standby is not None,
        "cygni-cluster": settings.eks is not None,
        "cygni-console": settings.console.make,
        "cygni-delivery": settings.delivery is not None,
    }
    return tuple(each for each in possible_places(settings) if wanted.get(each.name, True))


def possible_places(settings: Settings) -> tuple[Place, ...]:
    """The same, and those which a switch of the stage has turned off and that may be there from before."""
    there = settings.replica_region
    return tuple(Place(each, there) for each in _THERE if there) + tuple(Place(each, settings.region) for each in _HERE)


def regions(settings: Settings) -> tuple[str, ...]:
    """The regions of a stage, its own first."""
    return tuple(dict.fromkeys((settings.region, *(each.region for each in places(settings)))))


def misplaced(manifest: Mapping[str, Any], settings: Settings) -> list[str]:
    """What of a synthesized stage is not as it is said here."""
    stacks = {name: each for name, each in manifest["artifacts"].items() if each["type"] == "aws:cloudformation:stack"}
    said = {each.name: each.region for each in places(settings)}
    made = {name: each["environment"].rpartition("/")[2] for name, each in stacks.items()}
    found = [f"{name[0]} is not in infra/places.py as it is synthesized" for name in sorted(said.items() ^ made.items())]
    order = list(said)
    for name, each in stacks.items():
        before = [other for other in each.get("dependencies", ()) if other in said]
        found += [f"{name} stands before {other}, which it needs" for other in before if _after(order, other, name)]
        if each["properties"].get("requiresBootstrapStackVersion", 0) > BOOTSTRAP:
            found.append(f"{name} needs a later bootstrap than {BOOTSTRAP}")
    return found


def _after(order: list[str], one: str, other: str) -> bool:
    return other in order and order.index(one) > order.index(other)


def names(found: Iterable[Place]) -> list[str]:
    """Their names."""
    return [each.name for each in found]

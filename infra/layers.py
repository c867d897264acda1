"""Which libraries are in which layer, and which functions have it. Pure, but for reading what is installed.

A function has the `runtime` layer, and a heavy library's layer only where its rights say that it needs the library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from functions.catalog import Function


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: `roots` come with all that they need, `alone` without. `right` is what a function that has it may do."""

    name: str
    roots: tuple[str, ...]
    alone: tuple[str, ...] = ()
    right: str = ""


RUNTIME_LAYER = Layer(
    "runtime",
    ("aws-lambda-powertools", "botocore", "pydantic", "pyjwt[crypto]", "pynamodb", "pyyaml"),
    alone=("chalice",),  # two of its files run; what else it needs is for its command
)
KUBERNETES_LAYER = Layer("kubernetes", ("kubernetes", "prometheus-client"), right="reach clusters")
TRACING_LAYER = Layer("tracing", ("aws-xray-sdk",))
LAYERS = (RUNTIME_LAYER, KUBERNETES_LAYER, TRACING_LAYER)


def layers_of(function: Function, *, tracing: bool = False) -> tuple[Layer, ...]:
    """The layers of a function; what traces is with it where traces are switched on."""
    wanted = tuple(each for each in LAYERS if not each.right or each.right in function.rights)
    return wanted if tracing else tuple(each for each in wanted if each is not TRACING_LAYER)


def distributions(layer: Layer, *, python: str, machine: str) -> tuple[str, ...]:
    """Names of the distributions in a layer for a Python (`3.13`) and a machine (`aarch64`): none is in two layers."""
    target = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = closure(layer.roots, target) | {canonical(each) for each in layer.alone}
    if layer is not RUNTIME_LAYER:
        found -= closure(RUNTIME_LAYER.roots, target)
    return tuple(sorted(found))


def closure(roots: Iterable[str], target: dict[str, str]) -> set[str]:
    """The distributions that these need where they run, as what is installed here says."""
    found: set[str] = set()
    waiting = [Requirement(each) for each in roots]
    while waiting:
        wanted = waiting.pop()
        name = canonical(wanted.name)
        if name in found and not wanted.extras:
            continue
        found.add(name)
        for line in metadata.requires(name) or ():
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({**target, "extra": extra}) for extra in extras):
                waiting.append(needed)
    return found


def canonical(name: str) -> str:
    """A distribution's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()

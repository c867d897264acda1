"""What functions are made of, against an eager package: everything in one zip, everything imported at the head of its modules.

Sizes are of the packages that a deploy uploads, unpacked, and need `make synth` or `make dist` to have made them (or a package
registry to make them now). Times are processor milliseconds of a fresh process, medians, both compiled beforehand.

usage: python -m bench.packages [RUNS]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Iterable

from bench.figures import verdict
from bench.imports import PEER, TIMED, run
from functions.catalog import API_FUNCTION, FUNCTIONS, Function
from infra import packages
from infra.layers import LAYERS, layers_of
from infra.sizes import LIMIT, MIB, entries, size_of

EAGER = """
import importlib, pkgutil
import app, chalicelib, functions
import kubernetes.client, kubernetes.config, kubernetes.watch
for package in (chalicelib, functions):
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(each.name)
"""
"""What loading at the head of modules, in one package for all functions, comes to."""


def handlers() -> dict[str, list[Function]]:
    """Functions by the module that holds their handlers."""
    found: dict[str, list[Function]] = {}
    for each in (API_FUNCTION, *FUNCTIONS):
        found.setdefault(each.handler.rpartition(".")[0], []).append(each)
    return found


def times(statements: Iterable[str], runs: int) -> list[float]:
    """Median milliseconds of each statement, taken in turn."""
    asked = list(statements)
    with tempfile.TemporaryDirectory() as bytecode:

        def once(statement: str) -> float:
            return float(json.loads(run(TIMED.format(statement), bytecode=bytecode))[1])

        for each in asked:
            once(each)
        taken = [[once(each) for each in asked] for _ in range(runs)]
    return [statistics.median(each) for each in zip(*taken, strict=True)]


def show_sizes() -> None:
    """A line for each kind of function and architecture, and for the eager package."""
    for architecture in packages.MACHINES:
        code = packages.code().path
        layers = {each: packages.layer(each, architecture).path for each in LAYERS}
        whole = size_of(entries(code, *layers.values()))
        for name, had in {"the API": layers_of(API_FUNCTION), "a function that reaches clusters": LAYERS}.items():
            own = size_of(entries(code, *(layers[each] for each in had)))
            print(f"{architecture}: {name}, MB beside botocore: {own / MIB:.1f} of the eager package's {whole / MIB:.1f}")
        print(verdict(f"{architecture}: MB of the API", size_of(entries(code, layers[LAYERS[0]])) / MIB, LIMIT / MIB))


def show_times(runs: int) -> None:
    """A line for each module of handlers, against importing everything."""
    modules = sorted(handlers())
    eager, peer, *ours = times([EAGER, PEER, *(f"import {each}" for each in modules)], runs)
    print(f"everything at once: {eager:.0f} ms; boto3.client('dynamodb'): {peer:.0f} ms")
    for name, taken in zip(modules, ours, strict=True):
        carried = ", ".join(each.name for each in layers_of(handlers()[name][0]))
        print(f"import {name:<22} {taken:>5.0f} ms  {taken / eager:.2f} of eager  {len(handlers()[name])} functions  {carried}")


if __name__ == "__main__":
    show_times(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    show_sizes()

"""Writes docs/reference.md from the code: routes with who may call them, errors, settings, functions.

usage: python -m tools.render_reference
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from chalicelib.api.problems import status_of
from chalicelib.api.resources import RESOURCES
from chalicelib.api.routes import Route
from chalicelib.identity.rules import MATRIX, Cell, Role
from chalicelib.platform.errors import CygniError, Transient
from chalicelib.platform.settings import Settings
from functions.catalog import (
    API_FUNCTION,
    FUNCTIONS,
    MIGRATE,
    PAIR_FUNCTIONS,
    RUNTIME,
    STATE_MACHINES,
    TABLES,
    Function,
    StateMachine,
)

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"


def render() -> str:
    """The whole page."""
    parts = [
        "# Reference",
        "This page is written by `make docs` from the code; a test fails when it is stale.",
        "## Operations of the API",
        table(("operation", "who may", "what it does"), _operations()),
        "## Errors",
        "`code` is what a program may branch on; the class name is the error's name in state machines.",
        table(("code", "HTTP", "class", "again later?", "meaning"), _errors()),
        "## Settings",
        "One environment variable each, read once at the first invocation.",
        table(("variable", "default", "meaning"), _settings()),
        "## Functions",
        f"All deploy to the Lambda runtime `{RUNTIME}`.",
        "Rights are words; `infra/rights.py` renders them to policies.",
        table(("function", "trigger", "MB", "seconds", "what it does", "rights"), _functions()),
        "## State machines",
        table(("state machine", "what it does"), ((f"`{each.deployed_name}`", each.description) for each in STATE_MACHINES)),
        "## Tables",
        table(("table", "indexes", "expires by"), ((f"`{t.name}`", ", ".join(t.indexes), t.ttl or "") for t in TABLES)),
    ]
    return "\n\n".join(parts) + "\n"


def _operations() -> Iterable[tuple[str, ...]]:
    for resource in RESOURCES:
        for route in resource.routes:
            yield f"`{route.method} {route.path}`", _who_may(route), route.summary


def _who_may(route: Route) -> str:
    row = MATRIX.get(route.name)
    if row is None:
        return "public" if route.public else "whoever is signed in"
    lowest = [role for role in Role if row.cell(role) is Cell.YES][-1]
    asked = [f"{role.value}: {_CELLS[row.cell(role)]}" for role in Role if row.cell(role) in _CELLS]
    return "; ".join([lowest.value, *asked])


_CELLS = {Cell.OPEN: "not in production", Cell.ASK: "in production after an approval"}


def _errors() -> Iterable[tuple[str, ...]]:
    for kind in _tree(CygniError):
        again = "yes" if issubclass(kind, Transient) else "no"
        yield f"`{kind.code}`", str(status_of(kind)), f"`{kind.__name__}`", again, (kind.__doc__ or "").split("\n")[0]


def _tree(kind: type[CygniError]) -> list[type[CygniError]]:
    own = (child for child in kind.__subclasses__() if child.__module__.startswith("chalicelib."))
    return [kind, *(each for child in own for each in _tree(child))]


def _settings() -> Iterable[tuple[str, ...]]:
    for each in fields(Settings):
        yield f"`CYGNI_{each.name.upper()}`", f"`{each.default}`" if each.default != "" else "", each.metadata["sentence"]


def _functions() -> Iterable[tuple[str, ...]]:
    for each in (API_FUNCTION, *FUNCTIONS, *PAIR_FUNCTIONS):
        numbers = str(each.memory), str(each.timeout)
        yield f"`{each.name}`", "; ".join(triggers(each)), *numbers, each.description, "; ".join(each.rights)


def triggers(function: Function) -> list[str]:
    """All that invokes a function: API Gateway, a schedule, an event, workflows, functions, a deploy of Cygni, an operator."""
    if function is API_FUNCTION:
        return ["API Gateway"]
    found = [f"schedule, `{function.schedule}`"] if function.schedule else []
    if function.events:
        found.append(f"event, {', '.join(function.events['detail-type'])}")
    machines = [each.name for each in STATE_MACHINES if f"${{{function.name}}}" in _definition(each)]
    if machines:
        found.append(f"workflow {', '.join(machines)}")
    if function.name == MIGRATE:
        found.append("deploy of Cygni")
    found += [_invoker(each, function) for each in (API_FUNCTION, *FUNCTIONS) if _invokes(each, function)]
    if not found or function.name == MIGRATE:
        found.append("operator, where a region stands by" if function in PAIR_FUNCTIONS else "operator")
    return found


def _invokes(one: Function, other: Function) -> bool:
    return f"invoke {other.name}" in one.rights or f"continue {other.name}" in one.rights


def _invoker(one: Function, other: Function) -> str:
    return "API" if one is API_FUNCTION else "itself" if one is other else f"`{one.name}`"


def _definition(machine: StateMachine) -> str:
    return (PAGE.parents[1] / "state_machines" / f"{machine.name}.asl.json").read_text()


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(render())

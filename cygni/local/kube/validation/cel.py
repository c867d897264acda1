"""The rules of a custom resource that are written in CEL (`x-kubernetes-validations`).

Kubernetes' own library of functions is not all here: a rule that needs one of the others is not evaluated, as none was before.
A rule about `oldSelf` is asked of changes only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import cel

from cygni.local.kube.errors import Cause
from cygni.local.kube.schema.tree import Schema

_KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
_OLD = re.compile(r"\boldSelf\b")
_UNKNOWN = re.compile(r"Undefined variable or function: '(?!self'|oldSelf')")


def rule_faults(value: Any, schema: Schema, old: Any = None, path: str = "") -> Iterator[Cause]:
    """Every rule that a value, or a part of it, breaks. `old` is what it was before, None for what is new."""
    for rule in schema.raw.get("x-kubernetes-validations") or ():
        if _OLD.search(rule["rule"]) and old is None:
            continue
        said = _broken(rule, value, old)
        if said is not None:
            here = (path + rule.get("fieldPath", "")).removeprefix(".") or "<nil>"  # so does Kubernetes call the whole object
            yield Cause(here, f'Invalid value: "{_KINDS[type(value)]}": {said}', rule.get("reason", "FieldValueInvalid"))
    yield from _below(value, schema, old, path)


def _below(value: Any, schema: Schema, old: Any, path: str) -> Iterator[Cause]:
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for name, child in value.items():
            below = schema.field(name)
            if below is not None and child is not None and not (not path and name in {"metadata", "apiVersion", "kind"}):
                yield from rule_faults(child, below, before.get(name), f"{path}.{name}" if path else name)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield from rule_faults(item, schema.items, None, f"{path}[{index}]")


def _broken(rule: dict[str, Any], value: Any, old: Any) -> str | None:
    """What to say of a rule that the value breaks; None when it is kept to, or cannot be asked here."""
    context = _context(value, old)
    try:
        program = _program(rule["rule"])
        if program is None or program.execute(context) is True:
            return None
    except _FAILURES as error:
        if _UNKNOWN.search(str(error)):
            return None
        return f"rule evaluation error: {error}"
    return str(rule.get("message") or f"failed rule: {rule['rule']}").strip()


def _context(value: Any, old: Any) -> cel.Context:
    context = cel.Context()
    context.add_variable("self", value)
    if old is not None:
        context.add_variable("oldSelf", old)
    context.add_function("isSorted", lambda items: list(items) == sorted(items))
    return context


@cache
def _program(expression: str) -> cel.Program | None:
    try:
        return cel.compile(expression)
    except ValueError:  # grammar that this library does not have
        return None

"""`cygni.yaml`: read, judged, and every fault in it told at once with its line and what to write instead."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chalicelib.platform.errors import AppFileRefused, FieldError
from chalicelib.platform.names import Name
from chalicelib.projects.appfile_schema import json_schema, subschema
from chalicelib.projects.rollout_spec import IN_VAIN, WITHOUT_GATES
from chalicelib.projects.spec import AppFile, Duration
from chalicelib.projects.starter import Starter, default_text
from chalicelib.projects.yamltext import Document, Fault, Path, Place, read

__all__ = ["KNOWN_VERSIONS", "Starter", "default_text", "json_schema", "parse"]

KNOWN_VERSIONS = (1,)
"""The versions of the format that `parse` reads."""

MOST_FAULTS = 50
"""No more faults than this are told at once."""

_FORMS = {rule.pattern: info.description for rule, info in (Name.__metadata__, Duration.__metadata__)}  # type: ignore[attr-defined]
_KINDS = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "tuple": "a list",
    "dict": "a mapping of names to values",
    "model": "a mapping of names to values",
}


def parse(text: str) -> AppFile:
    """The app file that `text` says. Raises AppFileRefused with a FieldError, its line and its remedy, for each fault."""
    document = read(text)
    faults = list(document.faults)
    app = None
    if document.value is not None or not faults:
        app = _validated(document, faults)
    if faults or app is None:
        raise _refusal(faults)
    return app


def _validated(document: Document, faults: list[Fault]) -> AppFile | None:
    """The app file, or None with the reasons added to `faults`."""
    version = _unknown_version(document)
    if version is not None:
        faults.append(version)
        return None
    try:
        # JSON mode is strict about types and yet takes a list for a tuple, just as the JSON Schema does.
        app = AppFile.model_validate_json(json.dumps(document.value), strict=True, by_alias=True, by_name=False)
        faults.extend(_in_vain(app, document))
        return app
    except ValidationError as error:
        found = (_fault(each, document) for each in error.errors(include_url=False))
        faults.extend(fault for fault in found if fault is not None)
        return None


def _in_vain(app: AppFile, document: Document) -> Iterator[Fault]:
    """Gates that would judge nothing. Records of such releases exist and are read, so that the shape admits them."""
    for name, service in app.services.items():
        if service.rollout.gates_in_vain:
            path: Path = ("services", name, "rollout", "gates")
            yield Fault(path, document.place(path), IN_VAIN, WITHOUT_GATES)


def _unknown_version(document: Document) -> Fault | None:
    """A newer format is named as such and not judged by this one's rules."""
    value = document.value.get("version") if isinstance(document.value, dict) else None
    place = document.place(("version",))
    if isinstance(value, bool):
        return Fault(("version",), place, f"must be a whole number, not {_shown(value)}", f"Write {KNOWN_VERSIONS[-1]}.")
    if not isinstance(value, int) or value in KNOWN_VERSIONS:
        return None
    known = ", ".join(str(each) for each in KNOWN_VERSIONS)
    remedy = f"Write `version: {KNOWN_VERSIONS[-1]}`, or use a Cygni that knows version {value}."
    return Fault(("version",), place, f"is {value}; known versions: {known}", remedy)


def _fault(error: ErrorDetails, document: Document) -> Fault | None:
    """One broken rule of the models in the file's words; None if it only follows from a fault that was told already."""
    of_key = error["loc"][-1:] == ("[key]",)
    path: Path = tuple(error["loc"][:-1] if of_key else error["loc"])
    path += tuple(error.get("ctx", {}).get("at", ()))
    if _follows(error, path, document):
        return None
    if of_key:
        problem, remedy = _bad_key(path)
    elif error["type"] == "extra_forbidden":
        problem, remedy = _unknown_key(path)
    elif error["type"] == "missing":
        problem, remedy = "is missing", f"Add `{path[-1]}`. {_about(path)}".strip()
    else:
        problem, remedy = _said(error, document.written.get(path), _about(path))
    unknown = of_key or error["type"] == "extra_forbidden"
    place = document.keys.get(path) if unknown else None
    if error["type"] == "missing":
        place = document.keys.get(path[:-1])
    return Fault(path, place or document.place(path), problem, remedy)


def _follows(error: ErrorDetails, path: Path, document: Document) -> bool:
    """Whether what was left out for another fault explains this one."""
    emptied = error["type"] == "too_short" and any(left[: len(path)] == path for left in document.left_out)
    return emptied or any(path[:end] in document.left_out for end in range(len(path) + 1))


def _said(error: ErrorDetails, written: str | None, about: str) -> tuple[str, str]:
    """What is wrong with a value, to follow the field's name, and what to write; `written` is how no text was spelt."""
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    shown = _shown(given) if written is None else _clipped(written) or "empty"
    if kind == "literal_error":
        return f"is {shown}", _one_of(context["expected"], given)
    if kind == "string_pattern_mismatch":
        return f"does not have the right form: {shown}", _FORMS.get(context["pattern"]) or about
    if kind.removesuffix("_type") in _KINDS:
        return _wrong_kind(kind.removesuffix("_type"), given, shown, about)
    if kind.startswith(("greater_than", "less_than")):
        most = "most" if kind.startswith("less") else "least"
        return f"is {shown}, but must be at {most} {next(iter(context.values())):g}", about
    if kind.endswith(("too_long", "too_short")):
        return _wrong_length(kind, context, about)
    return error["msg"], context.get("remedy", about)


def _about(path: Path) -> str:
    return str(subschema(path).get("description", "")) if path else "Begin it with `version: 1`."


def _bad_key(path: Path) -> tuple[str, str]:
    names = subschema(path[:-1]).get("propertyNames", {})
    form = names.get("description") or "Letters, digits and underscores, not beginning with a digit; 128 characters at most."
    return "is not a name that may stand here", str(form)


def _unknown_key(path: Path) -> tuple[str, str]:
    known = list(subschema(path[:-1]).get("properties", {}))
    near = _nearest(str(path[-1]), known)
    return "is not known here", f"Did you mean `{near}`?" if near else f"Known here: {', '.join(known)}."


def _one_of(expected: str, given: Any) -> str:
    """`expected` is pydantic's list, such as `'canary', 'blueGreen' or 'recreate'`."""
    known = re.findall(r"'([^']*)'", expected) or [expected]
    near = _nearest(str(given), known) if len(known) > 1 else None
    listed = " or ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
    return f"Write {listed}" + (f"; did you mean {near}?" if near else ".")


def _wrong_kind(wanted: str, given: Any, shown: str, about: str) -> tuple[str, str]:
    problem = f"must be {_KINDS[wanted]}, not {shown}"
    if wanted == "string" and isinstance(given, bool | int | float):
        return problem, f'Write "{shown}" in quotes.'
    if wanted == "string" and given is None:
        return problem, 'Write "" for an empty text.'
    if wanted in ("int", "float") and isinstance(given, str) and given.isdecimal():
        return problem, f"Write {given.lstrip('0') or '0'}, without quotes or leading zeros."
    if wanted in ("model", "dict") and given is None:
        return problem, "Write {} for the defaults, or give it values."
    return problem, about


def _wrong_length(kind: str, context: dict[str, Any], about: str) -> tuple[str, str]:
    most = kind.endswith("too_long")
    limit = context["max_length" if most else "min_length"]
    unit = "character" if kind.startswith("string") else "entry"
    units = unit if limit == 1 else {"character": "characters", "entry": "entries"}[unit]
    return f"must have at {'most' if most else 'least'} {limit} {units}", about


def _nearest(word: str, known: list[str]) -> str | None:
    folded = {each.lower(): each for each in known}
    plain = word.lower().replace("_", "").replace("-", "")
    found = difflib.get_close_matches(plain, folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def _shown(given: Any) -> str:
    if isinstance(given, dict | list):
        return "a mapping" if isinstance(given, dict) else "a list"
    return "empty" if given is None else _clipped(json.dumps(given, ensure_ascii=False))


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _dotted(path: Path) -> str:
    """`services.web.rollout.steps[1].weight`; the file itself has no name."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_clipped(part)}" for part in path).removeprefix(".")


def _refusal(faults: Iterable[Fault]) -> AppFileRefused:
    ordered = sorted(faults, key=lambda fault: (fault.place.line, fault.place.column))
    fields = [_field_error(fault) for fault in ordered[:MOST_FAULTS]]
    count = "1 fault" if len(ordered) == 1 else f"{len(ordered)} faults"
    return AppFileRefused(f"cygni.yaml has {count}. {fields[0].message}", fields=fields)


def _field_error(fault: Fault) -> FieldError:
    place: Place = fault.place
    name = _dotted(fault.path)
    message = f"line {place.line}, column {place.column}: {name or 'the file'} {fault.problem.rstrip('.')}."
    return FieldError(name, message, fault.remedy, place.line, place.column)

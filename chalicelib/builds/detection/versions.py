"""Which `major.minor` of a language a source gets: constraint in, version out. Pure.

Understood are the forms people write in `requires-python`, `.python-version`, `engines.node`, `.nvmrc` and `go.mod`:
`3.12`, `3.12.4`, `v20`, `20.x`, `>=3.11,<4`, `^20.1`, `~=3.11`, `>=18 <21`, `18 || 20`, `lts/*`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PYTHON = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
PYTHON_DEFAULT = "3.13"
NODE = ("18.20", "20.19", "22.21", "24.11")
NODE_DEFAULT = "22.21"
GO = ("1.21", "1.22", "1.23", "1.24", "1.25", "1.26")
GO_DEFAULT = "1.26"

_LATEST = frozenset({"", "*", "x", "latest", "node", "stable", "current"})
_TERM = re.compile(r"(>=|<=|==|!=|~=|>|<|=|\^|~)?\s*v?(\d+(?:\.(?:\d+|[x*]))*)")
_WHOLE = re.compile(rf"(?:{_TERM.pattern}[\s,]*)+")


@dataclass(frozen=True, slots=True)
class _Term:
    operator: str
    parts: tuple[int, ...]
    """The numbers that were given; `3.12.*` and `3.12` both have two."""


def choose(constraint: str, known: Sequence[str], default: str) -> str | None:
    """The version for a constraint: the default if it fits, else the newest known that does, else the one it names itself.

    None when nothing fits: a version newer than this table is taken at its word (`20.99.1`, `^3.15`), a range is not.
    """
    for candidate in (default, *reversed(known)):
        if satisfies(candidate, constraint):
            return candidate
    terms = _terms(constraint) or []
    if len(terms) == 1 and terms[0].operator in {"", "=", "==", "^", "~", "~="} and len(terms[0].parts) >= 2:
        return ".".join(str(part) for part in terms[0].parts[:2])
    return None


def satisfies(version: str, constraint: str) -> bool:
    """Whether a version fits a constraint. A patch number that only one side names is not compared. Unreadable: False."""
    alternatives = [_terms(each) for each in constraint.strip().split("||")]
    numbers = tuple(int(part) for part in version.split("."))
    return any(terms is not None and all(_fits(numbers, term) for term in terms) for terms in alternatives)


def _terms(text: str) -> list[_Term] | None:
    text = re.sub(r"^(python|go|node)[-@\s]?(?=[\dv])", "", text.strip().lower())
    text = re.sub(r"^(\S+) - (\S+)$", r">=\1 <=\2", text)
    if text in _LATEST or text.startswith("lts"):
        return []
    if not _WHOLE.fullmatch(text):
        return None
    return [_Term(operator, _numbers(version)) for operator, version in _TERM.findall(text)]


def _numbers(version: str) -> tuple[int, ...]:
    given = []
    for part in version.split("."):
        if part in {"x", "*"}:
            break
        given.append(int(part))
    return tuple(given)


def _fits(version: tuple[int, ...], term: _Term) -> bool:
    width = min(len(version), len(term.parts))
    mine, theirs = version[:width], term.parts[:width]
    exactly = mine == theirs
    caret = mine[0] == theirs[0] and mine >= theirs
    tilde = mine >= theirs and mine[:1] == theirs[:1] and (len(term.parts) < 2 or mine[:2] == theirs[:2])
    compatible = mine >= theirs and (len(term.parts) <= 2 or mine[: len(term.parts) - 1] == theirs[: len(term.parts) - 1])
    return {
        ">=": mine >= theirs,
        ">": mine > theirs or (exactly and len(version) < len(term.parts)),
        "<=": mine <= theirs,
        "<": mine < theirs or (exactly and any(term.parts[len(version) :])),
        "!=": not exactly or len(version) < len(term.parts),
        "^": caret,
        "~": tilde,
        "~=": compatible and mine[:1] == theirs[:1],
    }.get(term.operator, exactly)

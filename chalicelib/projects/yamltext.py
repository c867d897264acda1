"""YAML as plain values that remember their lines, read so that nothing in it means what its writer did not.

Only what JSON can say is taken: mappings with text as keys, lists, text, numbers, true, false and null. YAML 1.1, which
most libraries read, has readings that surprise (`no` is false, `010` is 8, `1:30` is 90): those are refused with the reason,
never guessed. Documents that would exhaust a reader (deep, long, or grown by aliases) are refused before they are built.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_NODES = 10_000

_TAG = "tag:yaml.org,2002:"
_DECIMAL = re.compile(r"^[-+]?(0|[1-9][0-9]{0,17})$")
_FRACTION = re.compile(r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")
_TRUTH = {"true": True, "false": False}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the text, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something the text says that is refused: what it is about, where, what is wrong with it, what to write instead."""

    path: Path
    place: Place
    problem: str
    remedy: str


@dataclass(slots=True)
class Document:
    """What was read. Faulty parts are left out of `value` (and listed), so that the rest can still be judged.

    `places` and `keys` say where values and their keys stand, `written` how numbers and the like were spelt.
    """

    value: Any = None
    faults: list[Fault] = field(default_factory=list)
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    left_out: set[Path] = field(default_factory=set)

    def place(self, path: Path) -> Place:
        """Where the value at `path` stands, or else the nearest part of the text that would hold it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))


def read(text: str) -> Document:
    """Reads one YAML document. Never raises: what cannot be read is among the faults."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        problem = f"is longer than the {MAX_BYTES // 1024} KB that it may be"
        return Document(faults=[Fault((), Place(1, 1), problem, "Keep only settings in it, and long values elsewhere.")])
    try:
        fault = _too_deep(text)
        root = None if fault else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return Document(faults=[_syntax_fault(error, text)])
    if fault or root is None:
        empty = Fault((), Place(1, 1), "is empty", "Begin it with `version: 1`.")
        return Document(faults=[fault or empty])
    reader = _Reader()
    reader.document.value = reader.value(root, ())
    return reader.document


def _too_deep(text: str) -> Fault | None:
    """Whether the text nests deeper than may be; looked at before anything that recurses does."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return Fault((), _at(event.start_mark), f"nests deeper than {MAX_DEPTH} levels", "Write it flatter.")
    return None


class _Reader:
    """Walks composed nodes once. An alias is walked again where it is used, within `MAX_NODES` altogether."""

    def __init__(self) -> None:
        self.document = Document()
        self.nodes = 0
        self.inside: list[yaml.Node] = []

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.document.places.setdefault(path, _at(node.start_mark))
        self.nodes += 1
        if node in self.inside or self.nodes > MAX_NODES:
            return self.refuse(path, node, "grows without end through its aliases", "Write the values out.")
        self.inside.append(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
                return dict(self.entries(node, path))
            if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
                items = [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
                return None if path in self.document.left_out else items
            return self.scalar(node, path)
        finally:
            self.inside.pop()

    def entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        for key_node, value_node in node.value:
            if self.nodes > MAX_NODES:
                return
            key = self.key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if here in self.document.keys:
                first = self.document.keys[here].line
                self.refuse(here, key_node, f"is written twice, first in line {first}", "Keep one of the two.", key=True)
                continue
            self.document.keys[here] = _at(key_node.start_mark)
            value = self.value(value_node, here)
            if here not in self.document.left_out:
                yield key, value

    def key(self, node: yaml.Node, path: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode) or _UNSTORABLE.search(node.value):
            self.refuse(path, node, "has a key that is not text", "Write a name before the colon.", key=True)
        elif node.tag == _TAG + "str":
            return str(node.value)
        elif node.tag == _TAG + "merge":
            self.refuse(path, node, "has a merge key (<<), which YAML 1.2 no longer knows", "Write the values out.", key=True)
        else:
            said = f"has the key `{node.value[:40]}`, which YAML 1.1 does not read as text"
            self.refuse(path, node, said, f'Write "{node.value[:40]}" in quotes.', key=True)
        return None

    def scalar(self, node: yaml.Node, path: Path) -> Any:
        said = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
        kind = node.tag.removeprefix(_TAG)
        if not isinstance(node, yaml.ScalarNode) or kind not in _READERS:
            tag = node.tag.replace(_TAG, "!!")[:60]
            return self.refuse(path, node, f"has the tag {tag}, which is not read here", "Leave the tag out.")
        try:
            value = _READERS[kind](said)
        except _Trap as trap:
            return self.refuse(path, node, str(trap), trap.remedy)
        if value is not None and not isinstance(value, str):
            self.document.written[path] = said
        return value

    def refuse(self, path: Path, node: yaml.Node, problem: str, remedy: str, *, key: bool = False) -> None:
        if not key:
            self.document.left_out.add(path)
            # A list keeps its length only if it is left out whole: its other items would change their index.
            for end in range(len(path), 0, -1):
                if isinstance(path[end - 1], int):
                    self.document.left_out.add(path[: end - 1])
        if self.nodes <= MAX_NODES + 1:
            self.document.faults.append(Fault(path, _at(node.start_mark), problem, remedy))


class _Trap(Exception):
    """A scalar that YAML 1.1 reads as something its writer may not have meant."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def _text(said: str) -> str:
    if _UNSTORABLE.search(said):
        raise _Trap("holds a character that is no text (NUL or half a surrogate pair)", "Leave the character out.")
    return said


def _truth(said: str) -> bool:
    if said.lower() not in _TRUTH:
        meant = "true" if said.lower() in ("yes", "on", "y") else "false"
        raise _Trap(f"is `{said}`, which YAML 1.1 reads as {meant}", f'Write {meant}, or "{said}" in quotes if text is meant.')
    return _TRUTH[said.lower()]


def _whole(said: str) -> int:
    if _DECIMAL.match(said):
        return int(said)
    if ":" in said:
        why = "a number to base 60"
    elif re.match(r"^[-+]?0[0-7_]+$", said):
        why = "an octal number"
    else:
        why = "a number written unusually or too long"
    raise _Trap(f"is `{said}`, which YAML 1.1 reads as {why}", f'Write a plain decimal number, or "{said}" in quotes for text.')


def _real(said: str) -> int | float:
    number = float(said) if _FRACTION.match(said) else math.nan
    if not math.isfinite(number):
        raise _Trap(f"is `{said}`, which is not a plain number", f'Write a decimal number, or "{said}" in quotes for text.')
    return int(number) if number.is_integer() else number


def _day(said: str) -> str:
    raise _Trap(f"is `{said}`, which YAML 1.1 reads as a date", f'Write "{said}" in quotes.')


_READERS: dict[str, Any] = {
    "str": _text,
    "value": _text,
    "merge": _text,
    "null": lambda _: None,
    "bool": _truth,
    "int": _whole,
    "float": _real,
    "timestamp": _day,
}


def _at(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _syntax_fault(error: yaml.YAMLError, text: str) -> Fault:
    """What the YAML reader says, with the place; tabs get their own advice, being the commonest cause."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        return Fault(
            (), place, f"holds the character U+{ord(text[error.position]):04X}, which YAML does not allow", "Remove it."
        )
    problem = str(getattr(error, "problem", None) or "not readable")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    remedy = "Correct the indentation, quotes or brackets around there."
    if "\\t" in problem:
        remedy = "Indent with spaces instead of tabs."
    elif "expected a single document" in f"{getattr(error, 'context', '')}{problem}":
        remedy = "Keep one document in the file, without a second `---`."
    elif "undefined alias" in problem:
        remedy = "Define the anchor (&name) before its alias (*name), or quote a text that begins with *."
    return Fault((), _at(mark) if mark else Place(1, 1), f"is not valid YAML: {problem}", remedy)

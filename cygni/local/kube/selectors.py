"""Label and field selectors: parsed once into a predicate.

Label selectors are the query-string form (`a=b,c!=d,e in (x,y),!f`) and the object form (matchLabels, matchExpressions).
Field selectors know `=`, `==` and `!=` on the dotted paths of scalars that the real server offers for the kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from cygni.local.kube.errors import bad_request
from cygni.local.kube.objects import Obj, get_path

Labels = Mapping[str, str]
Predicate = Callable[[Obj], bool]
LabelTest = Callable[[Labels], bool]

_TERM = re.compile(
    r"""\s*(?:
        !\s*(?P<absent>[\w./-]+)
      | (?P<key>[\w./-]+)\s*(?:
            (?P<op>==|=|!=|>|<)\s*(?P<value>[\w.-]*)
          | \s(?P<set>in|notin)\s*\(\s*(?P<values>[^)]*)\)
        )?
    )\s*(?:,|$)""",
    re.VERBOSE,
)

_COMMON_FIELDS = frozenset({"metadata.name", "metadata.namespace"})
FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset({"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
                       "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"}),
    "events": frozenset({"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
                         "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
                         "reportingComponent", "source", "type"}),
    "namespaces": frozenset({"status.phase"}),
    "nodes": frozenset({"spec.unschedulable"}),
    "secrets": frozenset({"type"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
    "replicasets.apps": frozenset({"status.replicas"}),
    "jobs.batch": frozenset({"status.successful"}),
}  # fmt: skip


def parse_labels(text: str) -> LabelTest:
    """A label selector of a query string as a test of labels; 400 if it cannot be read."""
    tests: list[LabelTest] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TERM.match(text, position)
        if not match:
            raise bad_request(f"unable to parse requirement: found {text[position:]!r}, expected a label selector")
        tests.append(_term(match))
        position = match.end()
    return lambda labels: all(test(labels) for test in tests)


def _term(match: re.Match[str]) -> LabelTest:
    if match["absent"]:
        return _requirement(match["absent"], "DoesNotExist", [])
    key = match["key"]
    if match["set"]:
        values = [value.strip() for value in match["values"].split(",")]
        return _requirement(key, "In" if match["set"] == "in" else "NotIn", values)
    if not match["op"]:
        return _requirement(key, "Exists", [])
    operator = {"=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}[match["op"]]
    return _requirement(key, operator, [match["value"]])


def _requirement(key: str, operator: str, values: list[str]) -> LabelTest:
    tests: dict[str, LabelTest] = {
        "In": lambda labels: labels.get(key) in values,
        "NotIn": lambda labels: labels.get(key) not in values,
        "Exists": lambda labels: key in labels,
        "DoesNotExist": lambda labels: key not in labels,
        "Gt": lambda labels: _number(labels.get(key)) > _number(values[0]),
        "Lt": lambda labels: _number(labels.get(key)) < _number(values[0]),
    }
    return tests[operator]


def _number(text: str | None) -> float:
    return float(text) if text and re.fullmatch(r"-?\d+", text) else float("nan")


def matches(selector: Obj | None, labels: Labels) -> bool:
    """Whether labels satisfy a LabelSelector object; no selector matches nothing, an empty one everything."""
    if selector is None:
        return False
    wanted: dict[str, str] = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    expressions: list[Obj] = selector.get("matchExpressions") or []
    return all(_requirement(each["key"], each["operator"], each.get("values") or [])(labels) for each in expressions)


def matches_map(selector: Labels | None, labels: Labels) -> bool:
    """Whether labels hold every pair of a plain map, as the selector of a Service; an empty map matches nothing."""
    return bool(selector) and all(labels.get(key) == value for key, value in (selector or {}).items())


def to_string(selector: Obj | None) -> str:
    """A LabelSelector object in query-string form, keys ordered."""
    if not selector:
        return ""
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for each in selector.get("matchExpressions") or []:
        values = "(" + ",".join(sorted(each.get("values") or [])) + ")"
        terms.append({
            "In": f"{each['key']} in {values}",
            "NotIn": f"{each['key']} notin {values}",
            "Exists": each["key"],
            "DoesNotExist": "!" + each["key"],
        }[each["operator"]])  # fmt: skip
    return ",".join(terms)


def parse_fields(text: str, resource: str) -> Predicate:
    """A field selector as a test of objects; 400 if it names a field that the resource does not offer."""
    tests: list[tuple[str, str, bool]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([\w.]+)\s*(!=|==|=)\s*(.*)", part)
        if not match:
            raise bad_request(f"invalid field selector: {part!r}; can't understand it")
        field, operator, value = match.groups()
        if field not in _COMMON_FIELDS | FIELDS.get(resource, frozenset()):
            raise bad_request(f"field label not supported: {field}")
        tests.append((field, value, operator != "!="))
    return lambda obj: all((_field(obj, field) == value) is wanted for field, value, wanted in tests)


def _field(obj: Obj, field: str) -> str:
    value: Any = get_path(obj, *field.split("."), default="")
    if field == "source":
        value = get_path(obj, "source", "component", default="")
    return str(value).lower() if isinstance(value, bool) else str(value)


def selector_for(labels: str, fields: str, resource: str) -> Predicate | None:
    """Both selectors of a request as one predicate; None if there is nothing to test."""
    if not labels and not fields:
        return None
    label_test = parse_labels(labels)
    field_test = parse_fields(fields, resource)
    return lambda obj: label_test(obj["metadata"].get("labels") or {}) and field_test(obj)

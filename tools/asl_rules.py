"""House rules of the state machines, beyond what the language itself demands.

Each is here because AWS and the two emulators disagree without it, or because a workflow that breaks it can end half-done:

1. Every state has a Comment.
2. Every Task has TimeoutSeconds, longer than the function it calls may run, so that the function's own error is the one seen.
3. Every Task has Retry with back-off, its cap and jitter, and a Catch of States.ALL.
4. From where a Catch leads, Next and Default end in Fail: a failed run is never reported as a success.
5. No Choice reads an error's Cause, whose text nobody promises.
6. JSONPath only: no Assign, no JSONata, no HeartbeatSeconds, no path with an index or a filter.
7. A nested execution has a name, so that starting it twice is starting it once.
8. Placeholders name a function or a state machine of the catalog.
9. Errors in Retry and Catch are errors that can occur: ours by class name, or those of AWS.
10. No Retry names what a client of AWS tried again already: one layer retries a call, or its calls are multiplied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

State = Mapping[str, Any]

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_TERMINAL = {"Succeed", "Fail"}
_FOREIGN_WORDS = ("Assign", "Arguments", "QueryLanguage", "HeartbeatSeconds", "HeartbeatSecondsPath")
_AWS_ERROR = re.compile(r"^(States|Lambda|Sandbox|StepFunctions|Runtime)\.[A-Za-z.]+$")
_PACE = {"IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds", "JitterStrategy"}
_TRIED_BELOW = {"Throttled", "SecretsUnavailable"}
_FRAGILE_PATH = re.compile(r"^\$.*\[")


@dataclass(frozen=True, slots=True)
class Known:
    """What a definition may refer to: functions with their time-outs in seconds, machines, and our errors' names."""

    functions: Mapping[str, int]
    machines: Collection[str]
    errors: Collection[str]


def broken_rules(text: str, known: Known) -> list[str]:
    """A sentence for each rule that a definition, with its placeholders still in it, breaks."""
    try:
        definition = json.loads(text)
    except ValueError as error:
        return [f"It is not JSON before substitution: {error}."]
    if not isinstance(definition, dict) or not isinstance(definition.get("States"), dict):
        return ["It has no States."]
    states: Mapping[str, State] = definition["States"]
    found = [] if definition.get("Comment") else ["The machine has no Comment."]
    found += [
        f"${{{name}}} is not in the catalog." for name in sorted(set(_PLACEHOLDER.findall(text))) if not _names(name, known)
    ]
    for name, state in states.items():
        found += [f"{name}: {sentence}" for sentence in _of_state(state, known)]
        found += [f"{name}: {sentence}" for sentence in _of_catches(state, states)]
    return found


def _names(placeholder: str, known: Known) -> bool:
    kind, colon, name = placeholder.partition(":")
    return name in known.machines if colon and kind == "machine" else placeholder in known.functions


def _of_state(state: State, known: Known) -> Iterator[str]:
    if not state.get("Comment"):
        yield "it has no Comment."
    for word in _FOREIGN_WORDS:
        if word in state:
            yield f"{word} does not run alike everywhere."
    for path in _paths(state):
        if _FRAGILE_PATH.match(path):
            yield f"the path {path} has an index or a filter, which the emulators read differently."
    if state.get("Type") == "Task":
        yield from _of_task(state, known)
    if state.get("Type") == "Choice":
        yield from _of_choice(state)


def _of_task(state: State, known: Known) -> Iterator[str]:
    timeout, function = state.get("TimeoutSeconds"), _function(state)
    if not isinstance(timeout, int):
        yield "it has no TimeoutSeconds."
    elif timeout <= known.functions.get(function, 0):
        yield f"its TimeoutSeconds must be more than the {known.functions[function]} s that {function} may take."
    if not state.get("Retry"):
        yield "it has no Retry."
    for retrier in state.get("Retry", []):
        yield from _of_retrier(retrier)
    if "States.ALL" not in {name for catcher in state.get("Catch", []) for name in catcher.get("ErrorEquals", [])}:
        yield "it does not catch States.ALL."
    if "startExecution" in state.get("Resource", "") and not {"Name", "Name.$"} & set(state.get("Parameters", {})):
        yield "it starts an execution without a name."
    for name in {name for each in (*state.get("Retry", []), *state.get("Catch", [])) for name in each.get("ErrorEquals", [])}:
        if name not in known.errors and not _AWS_ERROR.match(name):
            yield f"{name} is no error that can occur."


def _of_retrier(retrier: State) -> Iterator[str]:
    if not set(retrier) >= _PACE:
        yield "a Retry says its interval, back-off, longest delay, attempts and jitter."
    for name in sorted(_TRIED_BELOW & set(retrier.get("ErrorEquals", []))):
        yield f"its Retry names {name}, which a client has tried again already."


def _function(state: State) -> str:
    found = _PLACEHOLDER.search(str(state.get("Parameters", {}).get("FunctionName", "")))
    return found.group(1) if found else ""


def _of_choice(state: State) -> Iterator[str]:
    if "Default" not in state:
        yield "it has no Default, so an answer that nobody expects ends the run."
    if any("Cause" in path for path in _paths(state)):
        yield "it reads an error's Cause."


def _of_catches(state: State, states: Mapping[str, State]) -> Iterator[str]:
    for catcher in state.get("Catch", []):
        end = _end_of(catcher.get("Next", ""), states)
        if end is not None:
            yield f"its Catch leads to {end}, which is not a Fail."


def _end_of(name: str, states: Mapping[str, State]) -> str | None:
    """The state that Next and Default lead to, when it is not a Fail. A name that is no state is the language's to report."""
    seen: set[str] = set()
    while name in states and name not in seen:
        seen.add(name)
        state = states[name]
        if state.get("Type") in _TERMINAL or state.get("End"):
            return None if state.get("Type") == "Fail" else name
        name = state.get("Default") or state.get("Next") or ""
    return None


def _paths(value: Any) -> Iterator[str]:
    """Every JSONPath in a state: values of keys that end in `.$` or in Path, and Variables of choices."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(each, str) and (key.endswith((".$", "Path")) or key == "Variable"):
                yield each
            else:
                yield from _paths(each)
    elif isinstance(value, list):
        for each in value:
            yield from _paths(each)

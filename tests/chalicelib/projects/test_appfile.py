"""cygni.yaml: what is taken, what is refused, and in which words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import AppFileRefused, FieldError
from chalicelib.projects.appfile import MOST_FAULTS, Starter, default_text, json_schema, parse
from chalicelib.projects.spec import AppFile, ServiceSpec

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
BROKEN = """\
version: 1
name: shop
services:
  web:
    prot: 8080
    port: 99999
    env: {DEBUG: yes, LEVEL: 3}
    scale: {min: 3, max: 2}
    rollout:
      steps:
        - {weight: 20, for: 30s}
        - {weight: 20, for: 30 s}
      gates: {errorrate: 3}
      onInconclusive: rollback
  web: {}
  Bad_Name: {}
  api:
"""


def refused(text: str) -> dict[str, FieldError]:
    with pytest.raises(AppFileRefused) as caught:
        parse(text)
    return {error.field: error for error in caught.value.fields}


def answer(text: str) -> tuple[AppFile | None, Sequence[FieldError]]:
    """What parse gives: the app file, or else its faults."""
    try:
        return parse(text), ()
    except AppFileRefused as error:
        return None, error.fields


def service(body: str) -> str:
    return f"version: 1\nname: shop\nservices:\n  web: {{{body}}}\n"


def test_the_shortest_file_has_the_documented_defaults() -> None:
    assert parse(service("")).services == {"web": ServiceSpec.model_validate({})}


def test_every_fault_is_told_at_once_in_the_order_of_lines() -> None:
    faults = refused(BROKEN)

    assert [(error.line, error.field.removeprefix("services.")) for error in faults.values()] == [
        (5, "web.prot"),
        (6, "web.port"),
        (7, "web.env.DEBUG"),
        (7, "web.env.LEVEL"),
        (8, "web.scale.max"),
        (12, "web.rollout.steps[1].for"),
        (13, "web.rollout.gates.errorrate"),
        (14, "web.rollout.onInconclusive"),
        (15, "web"),
        (16, "Bad_Name"),
        (17, "api"),
    ]


def test_a_message_names_line_column_field_and_value() -> None:
    error = refused(service("rollout: {steps: [{weight: 150}]}"))["services.web.rollout.steps[0].weight"]

    assert (error.line, error.column) == (4, 36)
    assert error.message == ("line 4, column 36: services.web.rollout.steps[0].weight is 150, but must be at most 99.")


def test_the_error_itself_counts_and_quotes_the_first() -> None:
    with pytest.raises(AppFileRefused) as caught:
        parse(BROKEN)

    assert caught.value.message == "cygni.yaml has 11 faults. line 5, column 5: services.web.prot is not known here."


@pytest.mark.parametrize(
    ("body", "field", "remedy"),
    [
        ("prot: 1", "prot", "Did you mean `port`?"),
        ("rollout: {on_inconclusive: hold}", "rollout.on_inconclusive", "Did you mean `onInconclusive`?"),
        ("rollout: {gates: {latencyp95: 1}}", "rollout.gates.latencyp95", "Did you mean `latencyP95`?"),
        ("xyzzy: 1", "xyzzy", "Known here: build, start, port, health, env, resources, scale, rollout, domains."),
        ('port: "8080"', "port", "Write 8080, without quotes or leading zeros."),
        ("env: {A: 1.0}", "env.A", 'Write "1.0" in quotes.'),
        ("env: {A: true}", "env.A", 'Write "true" in quotes.'),
        ("env: {A: }", "env.A", 'Write "" for an empty text.'),
        ("env: {1A: x}", "env.1A", "Letters, digits and underscores, not beginning with a digit; 128 characters at most."),
        ("rollout: {onInconclusive: rollback}", "rollout.onInconclusive", "Write hold or rollBack; did you mean rollBack?"),
        (
            "rollout: {strategy: bluegreen}",
            "rollout.strategy",
            "Write canary, blueGreen, rolling or recreate; did you mean blueGreen?",
        ),
        (
            "rollout: {maxSurge: 1.5}",
            "rollout.maxSurge",
            "A number of instances from 0 to 100, or a share of them such as 25%.",
        ),
        (
            "rollout: {maxUnavailable: 101%}",
            "rollout.maxUnavailable",
            "A number of instances from 0 to 100, or a share of them such as 25%.",
        ),
        (
            "rollout: {strategy: recreate, gates: {errorRate: 1}}",
            "rollout.gates",
            "Leave them out, or take canary, blueGreen or rolling.",
        ),
        ("rollout: {maxSurge: 0%}", "rollout.maxUnavailable", "Let one be above 0."),
        ("rollout: {batchFor: 5s}", "rollout.batchFor", "Write `strategy: rolling`, or leave it out."),
        (
            "rollout: {strategy: rolling, scaleDownDelay: 5m}",
            "rollout.scaleDownDelay",
            "Leave it out, or take canary or blueGreen.",
        ),
        (
            "rollout: {strategy: rolling, steps: [{weight: 5, approval: true}]}",
            "rollout.steps",
            "Leave `approval` out, or take canary or blueGreen; `cygni pause` holds any rollout.",
        ),
        ("rollout: {blueGreen: {approval: true}}", "rollout.blueGreen", "Write `strategy: blueGreen`, or leave it out."),
        ("rollout: {pin: {header: Host}}", "rollout.pin.header", "Take a name of your own, such as X-Canary."),
        ("rollout: {interval: 5}", "rollout.interval", 'Write "5" in quotes.'),
        ("rollout: {interval: 5sec}", "rollout.interval", "A whole number with its unit: 30s, 10m or 1h."),
        ("scale: {min: 2}", "scale.max", "Let max be min or more."),
        ("rollout: {steps: [{weight: 5}, {weight: 5}]}", "rollout.steps[1].weight", "Let the weights rise from step to step."),
        ("rollout: {steps: [{for: 5s}]}", "rollout.steps[0].weight", "Add `weight`. Percent of requests sent to the canary."),
        ("build: ", "build", "Write {} for the defaults, or give it values."),
        ("port: on", "port", 'Write true, or "on" in quotes if text is meant.'),
        ("port: 08080", "port", "Write 8080, without quotes or leading zeros."),
        ("port: 0", "port", "Port the service listens on; it is also given to it as PORT."),
        (
            "rollout: {alpha: 0}",
            "rollout.alpha",
            "Greatest chance, in percent, that a sound release is rolled back by its gates.",
        ),
        ("rollout: {advanceOn: proof}", "rollout.advanceOn", "Write time or evidence."),
        ("rollout: {gates: {custom: [{name: a}]}}", "rollout.gates.custom[0].query", "Write one of `query` and `webhook`."),
        (
            "rollout: {gates: {custom: [{name: a, query: up}]}}",
            "rollout.gates.custom[0].query",
            "Write one of `max` and `min`.",
        ),
        (
            'rollout: {gates: {custom: [{name: a, query: "up{x={{canry}}}", max: 1}]}}',
            "rollout.gates.custom[0].query",
            "Known here: {{canary}}, {{stable}}, {{namespace}}.",
        ),
        (
            'rollout: {gates: {custom: [{name: a, webhook: "https://x", max: 1}]}}',
            "rollout.gates.custom[0].webhook",
            "Leave out `max` and `min`.",
        ),
        (
            "rollout: {gates: {custom: [{name: a, query: up, max: 1}, {name: a, query: up, min: 1}]}}",
            "rollout.gates.custom[1].name",
            "Give each custom gate a name of its own.",
        ),
    ],
)  # fmt: skip
def test_a_remedy_says_what_to_write(body: str, field: str, remedy: str) -> None:
    faults = refused(service(body))

    assert {name: error.remedy for name, error in faults.items()} == {f"services.web.{field}": remedy}


def test_another_version_is_named_and_the_rest_is_not_judged_by_this_ones_rules() -> None:
    faults = refused("version: 2\nfuture: true\n")

    assert list(faults) == ["version"]
    assert "known versions: 1" in faults["version"].message
    assert "Write `version: 1`" in faults["version"].remedy


@pytest.mark.parametrize("version", ['"1"', "true", "1.5", "one", "[]", "~"])
def test_a_version_that_is_no_whole_number_is_refused(version: str) -> None:
    assert "version" in refused(f"version: {version}\nname: shop\nservices: {{web: {{}}}}\n")


@pytest.mark.parametrize("text", ["- 1", "text", "[]", "5"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert "must be a mapping" in refused(text)[""].message


def test_what_was_left_out_for_a_fault_causes_no_second_one() -> None:
    assert list(refused("version: 1\nname: shop\nservices: {web: !!set {}}\n")) == ["services.web"]


def test_a_file_of_faults_is_answered_within_bounds() -> None:
    keys = "".join(f"{'k' * 200}{number}: 1\n" for number in range(200))
    with pytest.raises(AppFileRefused) as caught:
        parse(keys)

    assert len(caught.value.fields) == MOST_FAULTS
    assert "203 faults" in caught.value.message
    assert max(len(error.message) for error in caught.value.fields) < 250


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_refused_with_a_place(text: str) -> None:
    _, faults = answer(text)

    assert all(fault.line and fault.column for fault in faults)


@pytest.mark.parametrize("scale", ["{ requests: 9 }", "{ min: 2, max: 2, requests: 9 }", "{ min: 0, requests: 9 }"])
def test_requests_without_room_to_scale_are_refused_with_what_to_do(scale: str) -> None:
    (fault,) = answer(f"version: 1\nname: shop\nservices:\n  web:\n    scale: {scale}\n")[1]

    assert fault.field == "services.web.scale.requests"
    assert "has no room to scale" in fault.message
    assert fault.remedy == "Let max be above min, and above 1, or leave requests out."


# --- the published schema


def either(good: st.SearchStrategy[Any], *bad: Any) -> st.SearchStrategy[Any]:
    """Mostly what is right, sometimes what is not."""
    return st.one_of(*[good] * 15, st.sampled_from([None, True, 0, -1, 7, 1.5, "", "x", "30 s", [], {}, *bad]))


DURATION = either(st.sampled_from(["1s", "10m", "2h", "999999s"]), "0s", "1d", "1234567s")
STEP = st.fixed_dictionaries({"weight": either(st.integers(1, 99), 100)}, optional={"for": DURATION, "x": st.just(1)})
SERVICE = st.fixed_dictionaries(
    {},
    optional={
        "start": either(st.text("ab ", min_size=1), "y" * 1025),
        "port": either(st.integers(1, 65_535), 65_536, 80.0),
        "health": either(
            st.fixed_dictionaries({}, optional={"path": either(st.just("/ok"), "no", "/a b"), "timeout": DURATION})
        ),
        "env": either(st.dictionaries(st.sampled_from(["A", "_b", "C9", "9C", "a-b", "k" * 129]), either(st.text("x9")))),
        "resources": either(st.fixed_dictionaries({"cpu": either(st.sampled_from(["1", "0.5", "250m"]), "1cpu")})),
        "scale": either(
            st.fixed_dictionaries(
                {}, optional={"min": either(st.integers(1, 9), 101), "max": st.integers(1, 9), "requests": st.integers(-1, 9)}
            )
        ),
        "rollout": either(
            st.fixed_dictionaries({}, optional={"steps": either(st.lists(STEP, max_size=3)), "interval": DURATION})
        ),
        "prot": st.just(1),
    },
)
FILE = st.fixed_dictionaries(
    {"version": either(st.just(1), 1.0, 2), "name": either(st.sampled_from(["shop", "a-b", "a1"]), "a--b", "A", "z" * 31)},
    optional={"services": either(st.dictionaries(st.sampled_from(["web", "api", "Bad"]), SERVICE, max_size=2))},
)  # fmt: skip


def across_fields(faults: Sequence[FieldError]) -> bool:
    """Whether all that was refused is what a JSON Schema cannot say."""
    unsayable = re.compile(r"below the \d+ of min|no room to scale|not above the \d+ of the step before")
    return all(unsayable.search(fault.message) for fault in faults)


@given(FILE)
def test_the_schema_takes_and_refuses_what_parse_does(content: dict[str, Any]) -> None:
    app, faults = answer(json.dumps(content))

    assert VALIDATOR.is_valid(content) == (app is not None or across_fields(faults))


def test_the_schema_is_a_valid_schema_with_its_address() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())

    assert json_schema()["$id"] == "https://cygni.dev/schema/cygni-1.json"
    assert "inconclusiveAfter" in json_schema()["$defs"]["Rollout"]["properties"]


# --- the starter file


def test_the_starter_file_declares_what_was_found_and_nothing_else() -> None:
    app = parse(default_text("shop", [Starter("web", "gunicorn 'app:app' --bind \"0.0.0.0:$PORT\"", 8000), Starter("api")]))

    assert app.name == "shop"
    assert app.services == {
        "web": ServiceSpec.model_validate({"start": "gunicorn 'app:app' --bind \"0.0.0.0:$PORT\"", "port": 8000}),
        "api": ServiceSpec.model_validate({}),
    }


def test_the_defaults_shown_in_the_starter_file_are_the_defaults() -> None:
    shown = re.sub(r"^    # ", "    ", default_text("shop"), flags=re.M).replace("    start: detected\n", "")
    service_spec = parse(shown).services["web"]

    assert service_spec.env == {"LOG_LEVEL": "info"}
    assert service_spec.model_copy(update={"env": {}}) == ServiceSpec.model_validate({})


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60),
    st.sampled_from(["on", "no", "web"]),
)
def test_any_command_and_any_valid_name_make_a_file_that_is_read_back(start: str, name: str) -> None:
    app = parse(default_text(name, [Starter(name, start)]))

    assert app == AppFile.model_validate({"version": 1, "name": name, "services": {name: {"start": start}}})


def test_the_starter_file_is_plain_yaml_for_any_reader() -> None:
    assert yaml.safe_load(default_text("shop")) == {"version": 1, "name": "shop", "services": {"web": {"port": 8080}}}

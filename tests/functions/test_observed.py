"""What a deployment's log lines have in common, from the request to the builder's event; and what no line has."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.builds.service import build_id_of
from chalicelib.platform import cold
from chalicelib.platform.aws import client
from chalicelib.platform.clock import utc_now
from chalicelib.platform.logs import bind, bound, ids, log
from chalicelib.platform.settings import settings
from cygni.local.cloud.lambdas import Context, resolve
from functions.catalog import API_FUNCTION, FUNCTIONS
from functions.observed import observed
from tests.infra.account import account
from tests.infra.recorder import ACCOUNT
from tests.infra.scenario import Ports, Scenario, ended, token_of
from tests.support.world import TEAM, Client, Clock

BY_NAME = {each.name: each for each in FUNCTIONS}
REQUEST = "req-1"
"""The id that the tests' client gives to requests."""


class Lines:
    """The log lines that were printed, as JSON."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self) -> list[dict[str, Any]]:
        printed = self._capsys.readouterr().out.splitlines()
        return [json.loads(line) for line in printed if line.startswith('{"level"')]


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return Lines(capsys)


@pytest.fixture(autouse=True)
def cold_process() -> Iterator[None]:
    held = set(cold._WARM)
    cold._WARM.clear()
    yield
    cold._WARM.update(held)


def invoke(name: str, event: Any) -> Any:
    """Runs a function as Lambda does."""
    return resolve(BY_NAME[name].handler)(event, Context(BY_NAME[name], "arn", f"invocation of {name}"))


def deploy(stage: Scenario) -> dict[str, Any]:
    """From the request to the end of the build, and to an end that an abort makes; each function gets its real event."""
    stage.api.post("/v1/projects", {"name": "hello"})
    stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
    made = stage.create()
    (asked,) = (value for value in started(stage) if value["deployment"] == made["id"])
    begun = invoke("cygni-deploy-begin", asked)
    child = {"team": TEAM, "build": begun["build"], "request": begun["request"]}
    invoke("cygni-build-plan", child)
    invoke("cygni-build-start", token_of(begun["build"]))
    invoke("cygni-build-finished", ended(begun["build"], {"digest": "sha256:" + "d" * 64}))
    stage.api.post(f"{stage.path}/deployments/{made['id']}/abort")
    invoke("cygni-deploy-finish", {**asked, "begun": begun})
    return made


def started(stage: Scenario) -> list[dict[str, Any]]:
    """The inputs of the executions that were started."""
    machines = client("stepfunctions")
    arns = [each["stateMachineArn"] for each in machines.list_state_machines()["stateMachines"]]
    found = [each for arn in arns for each in machines.list_executions(stateMachineArn=arn)["executions"]]
    return [json.loads(machines.describe_execution(executionArn=each["executionArn"])["input"]) for each in found]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scenario]:
    monkeypatch.setenv("CYGNI_ACCOUNT", ACCOUNT)
    settings.cache_clear()
    fakes = Ports(clock=Clock(utc_now() + timedelta(minutes=1)))
    with account(invoke):
        yield Scenario(Client(fakes), fakes)
    settings.cache_clear()


def test_one_id_goes_from_the_request_through_the_workflow_to_the_builders_event(stage: Scenario, lines: Lines) -> None:
    made = deploy(stage)

    told = [line for line in lines() if line.get("deployment") == made["id"]]
    build = {"cygni-build-plan", "cygni-build-start", "cygni-build-finished"}
    assert {line["function_name"] for line in told} == {"cygni-api", "cygni-deploy-begin", "cygni-deploy-finish"} | build
    assert {line["correlation_id"] for line in told} == {REQUEST}
    assert {line["team"] for line in told} == {TEAM}
    assert {line["build"] for line in told if "build" in line["function_name"]} == {build_id_of(made["id"])}


def test_a_functions_first_line_says_that_it_began_cold_and_its_next_that_it_did_not(stage: Scenario, lines: Lines) -> None:
    deploy(stage)
    deploy(stage)

    began = [line["cold_start"] for line in lines() if line["function_name"] == "cygni-build-finished"]
    assert began == [True, False]


def test_a_cold_start_is_counted_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CYGNI_METRICS_NAMESPACE", "Cygni")
    settings.cache_clear()
    swept = observed(lambda _event, _context: {"started": 0})

    for _ in range(3):
        swept({}, Context(FUNCTIONS[0], "arn", "inv-1"))

    settings.cache_clear()
    (told,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (told["ColdStarts"], told["function_name"]) == ([1.0], FUNCTIONS[0].name)


def test_no_line_and_no_workflows_input_holds_what_was_secret(stage: Scenario, capsys: pytest.CaptureFixture[str]) -> None:
    stage.api.post("/v1/projects", {"name": "hello"})
    stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
    assert stage.api("PATCH", f"{stage.path}/config", {"set": {"API_TOKEN": "canary-s3cr3t"}}).status == 200

    deploy(stage)

    printed = capsys.readouterr()
    key, token = "cyg_test-key", token_of("x")["token"]
    assert '"message":"done"' in printed.out
    for secret in ("canary-s3cr3t", key, token):
        assert secret not in printed.out + printed.err + json.dumps(started(stage))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.name)
def test_every_function_is_observed(function: Any) -> None:
    module, _, name = function.handler.rpartition(".")

    assert hasattr(getattr(importlib.import_module(module), name), "__wrapped__")


def test_an_invocation_that_fails_says_so_by_the_errors_name_and_the_error_goes_on(lines: Lines) -> None:
    @observed
    def broken(event: dict[str, Any], context: object) -> None:
        raise KeyError("a password")

    with pytest.raises(KeyError):
        broken({"team": "team_1", "deployment": "dep_1", "request": "req_9"}, Context(API_FUNCTION, "arn", "inv-1"))

    (line,) = lines()
    assert (line["message"], line["error"], line["level"]) == ("failed", "KeyError", "WARNING")
    assert (line["correlation_id"], line["function_request_id"], line["deployment"]) == ("req_9", "inv-1", "dep_1")
    assert "password" not in json.dumps(line)


@pytest.mark.parametrize("answer", [{"started": 0}, {"noted": 0, "worked": 0, "left": 0}, {}])
def test_a_look_that_found_nothing_says_nothing(lines: Lines, answer: dict[str, int]) -> None:
    observed(lambda _event, _context: answer)({}, None)

    assert lines() == []


def test_a_look_that_found_something_says_what_under_the_id_of_its_own_invocation(lines: Lines) -> None:
    observed(lambda _event, _context: {"started": 2, "note": "not a number"})({}, Context(FUNCTIONS[0], "arn", "inv-2"))

    (line,) = lines()
    assert (line["started"], line["correlation_id"]) == (2, "inv-2")
    assert "note" not in line


def test_ids_are_a_blocks_own(lines: Lines) -> None:
    with bound(correlation_id="outer", team="t"):
        with bound(correlation_id="inner"):
            bind(build="bld_1", deployment="")
            log().info("in")
        log().info("out")
    bind(team="nobody's")

    first, second = lines()
    assert (first["correlation_id"], first["build"], "team" in first, "deployment" in first) == ("inner", "bld_1", False, False)
    assert (second["correlation_id"], second["team"], "build" in second) == ("outer", "t", False)
    assert ids() == {}


@pytest.mark.parametrize(
    "secret",
    [
        "cyg_01J00000000000000000000000_abcdefgh",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c3JfYWRhIn0.c2lnbmF0dXJl",
        "Bearer abcdefghijklmnop0123",
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
        "ghp_0123456789abcdefABCDEF",
        "AQC" + "x" * 400,
    ],
    ids=["key", "jwt", "header", "private-key", "github", "task-token"],
)
def test_what_looks_like_a_credential_is_blanked_wherever_an_error_says_it(lines: Lines, secret: str) -> None:
    try:
        raise ValueError(f"they answered: {secret}!")
    except ValueError:
        log().exception("it failed", extra={"said": [secret], "team": "team_1"})

    (line,) = lines()
    assert secret not in json.dumps(line)
    assert secret.rsplit("\n", maxsplit=1)[-1] not in json.dumps(line)
    assert (line["team"], line["exception_name"]) == ("team_1", "ValueError")

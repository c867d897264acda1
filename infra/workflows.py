"""The state machines of `state_machines/`, each with a role that may do what its definition says and no more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from functions.catalog import WORKFLOW_LOG, StateMachine
from infra.aliases import Released, machine_alias, machine_version
from infra.functions import log_group_of, logical
from infra.grants import acknowledge, places_of, role
from infra.pairs import role_name
from infra.releases import TASKS_ALARM
from infra.rights import Places, Statement
from infra.settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "state_machines"
STARTED = "deploy"
"""The one that is started from outside; it starts the others."""
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9:-]+)\}")
_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)


class Workflows(Construct):
    """One state machine for each of the catalog, with its log, traces by setting, and a version of it as it is declared now.

    `by_name` has them by their short names; `started` is the alias by which deployments are started.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        machines: Iterable[StateMachine],
        functions: Mapping[str, Released],
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        self._functions, self._settings = functions, settings
        self.by_name: dict[str, stepfunctions.CfnStateMachine] = {}
        self.versions: dict[str, stepfunctions.CfnStateMachineVersion] = {}
        for each in in_order(machines):
            self.by_name[each.name] = self._build(each)
            self.versions[each.name] = machine_version(self.by_name[each.name])
        self.started = machine_alias(self.by_name[STARTED], self.versions[STARTED], settings, TASKS_ALARM)

    def _build(self, machine: StateMachine) -> stepfunctions.CfnStateMachine:
        text = _definition(machine)
        places = places_of(cdk.Stack.of(self))
        written = f"/aws/vendedlogs/states/{machine.deployed_name}"
        log = log_group_of(self, f"{logical(machine.name)}Log", written, self._settings)
        made_role = role(
            self,
            f"{logical(machine.name)}Role",
            service="states.amazonaws.com",
            source=f"{places.machine(machine.name)}*",  # it, and each version of it
            name=role_name(f"{machine.deployed_name}-workflow", cdk.Stack.of(self), self._settings),
            description=machine.description,
            statements=tuple(statements_of(text, places, tracing=self._settings.tracing)),
        )
        made = stepfunctions.CfnStateMachine(
            self,
            logical(machine.name),
            state_machine_name=machine.deployed_name,
            state_machine_type="STANDARD",
            definition_string=substitute(
                text,
                functions={name: self._functions[name].version_arn for name in functions_in(text)},
                machines={name: self.versions[name].attr_arn for name in machines_in(text)},
            ),
            role_arn=made_role.role_arn,
            logging_configuration=stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
                level=WORKFLOW_LOG,
                include_execution_data=False,
                destinations=[
                    stepfunctions.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=log.log_group_arn
                        )
                    )
                ],
            ),
            tracing_configuration=stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=self._settings.tracing),
        )
        if WORKFLOW_LOG != "ALL":
            reason = "Steps that did not fail are in the history, which is kept for 90 days; logging them again is paid for."
            acknowledge(made, "AwsSolutions-SF1", reason)
        made.node.add_dependency(made_role)
        if not self._settings.tracing:
            reason = "Traces are billed, so that the stage's `tracing` decides; the history has every step of an execution."
            acknowledge(made, "AwsSolutions-SF2", reason)
        return made


def functions_in(definition: str) -> list[str]:
    """Names of the functions that a definition invokes."""
    return sorted({name for name in _PLACEHOLDER.findall(definition) if not name.startswith("machine:")})


def machines_in(definition: str) -> list[str]:
    """Short names of the state machines that a definition starts and waits for."""
    return sorted({name.partition(":")[2] for name in _PLACEHOLDER.findall(definition) if name.startswith("machine:")})


def in_order(machines: Iterable[StateMachine]) -> list[StateMachine]:
    """Machines after those that they start, whose versions they name."""
    waiting, found = list(machines), list[StateMachine]()
    while waiting:
        known = {each.name for each in found}
        ready = [each for each in waiting if set(machines_in(_definition(each))) <= known]
        if not ready:
            raise ValueError(f"{', '.join(each.name for each in waiting)} start each other, or what is no state machine")
        found += ready
        waiting = [each for each in waiting if each not in ready]
    return found


def _definition(machine: StateMachine) -> str:
    return (FOLDER / f"{machine.name}.asl.json").read_text()


def substitute(definition: str, *, functions: Mapping[str, str], machines: Mapping[str, str]) -> str:
    """The definition with ARNs of versions in place of the catalog's names: what has begun ends on what it began with."""

    def arn(found: re.Match[str]) -> str:
        kind, _, name = found.group(1).rpartition(":")
        return machines[name] if kind == "machine" else functions[name]

    return _PLACEHOLDER.sub(arn, definition)


def statements_of(definition: str, places: Places, *, tracing: bool) -> Iterator[Statement]:
    """What a state machine's role needs: its functions, the machines it waits for, its log, and its traces where it has any."""
    if functions_in(definition):
        targets = tuple(places.versions(name) for name in functions_in(definition))
        because = "An execution ends on the versions that it began with, which may be older than the release."
        yield Statement("InvokeFunctions", ("lambda:InvokeFunction",), targets, because=because)
    names = machines_in(definition)
    if names:
        because = "An execution starts the versions that its own definition names."
        versions = tuple(f"{places.machine(name)}:*" for name in names)
        yield Statement("StartMachines", ("states:StartExecution",), versions, because=because)
        executions = tuple(places.arn("states", f"execution:cygni-{name}:*") for name in names)
        because = "An execution is named by its deployment."
        yield Statement("WaitForMachines", ("states:DescribeExecution", "states:StopExecution"), executions, because=because)
        rule = places.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")
        yield Statement("HearOfTheirEnds", ("events:DescribeRule", "events:PutRule", "events:PutTargets"), (rule,))
    because = "AWS lets log deliveries name no resource."
    yield Statement("WriteItsLog", _DELIVERY, ("*",), because=because)
    if tracing:
        because = "AWS lets traces name no resource."
        actions = ("xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments")
        yield Statement("Trace", actions, ("*",), because=because)

"""The state machines of `state_machines/`, each with a role that may do what its definition says and no more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from functions.catalog import StateMachine
from infra.functions import log_group_of, logical
from infra.grants import places_of, role
from infra.pairs import role_name
from infra.rights import Places, Statement
from infra.settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "state_machines"
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
    """One state machine for each of the catalog, with its log and traces. `by_name` has them by their short names."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        machines: Iterable[StateMachine],
        functions: Mapping[str, lambda_.IFunction],
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        self._functions, self._settings = functions, settings
        self.by_name = {each.name: self._build(each) for each in machines}

    def _build(self, machine: StateMachine) -> stepfunctions.CfnStateMachine:
        text = (FOLDER / f"{machine.name}.asl.json").read_text()
        places = places_of(cdk.Stack.of(self))
        written = f"/aws/vendedlogs/states/{machine.deployed_name}"
        log = log_group_of(self, f"{logical(machine.name)}Log", written, self._settings)
        made_role = role(
            self,
            f"{logical(machine.name)}Role",
            service="states.amazonaws.com",
            name=role_name(f"{machine.deployed_name}-workflow", cdk.Stack.of(self), self._settings),
            description=machine.description,
            statements=tuple(statements_of(text, places)),
        )
        made = stepfunctions.CfnStateMachine(
            self,
            logical(machine.name),
            state_machine_name=machine.deployed_name,
            state_machine_type="STANDARD",
            definition_string=substitute(text, places),
            role_arn=made_role.role_arn,
            logging_configuration=stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=False,
                destinations=[
                    stepfunctions.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=log.log_group_arn
                        )
                    )
                ],
            ),
            tracing_configuration=stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        made.node.add_dependency(made_role)
        for name in functions_in(text):
            made.node.add_dependency(self._functions[name])
        return made


def functions_in(definition: str) -> list[str]:
    """Names of the functions that a definition invokes."""
    return sorted({name for name in _PLACEHOLDER.findall(definition) if not name.startswith("machine:")})


def machines_in(definition: str) -> list[str]:
    """Short names of the state machines that a definition starts and waits for."""
    return sorted({name.partition(":")[2] for name in _PLACEHOLDER.findall(definition) if name.startswith("machine:")})


def substitute(definition: str, places: Places) -> str:
    """The definition with ARNs in place of the catalog's names."""

    def arn(found: re.Match[str]) -> str:
        kind, _, name = found.group(1).rpartition(":")
        return places.machine(name) if kind == "machine" else places.function(name)

    return _PLACEHOLDER.sub(arn, definition)


def statements_of(definition: str, places: Places) -> Iterator[Statement]:
    """What a state machine's role needs: its functions, the machines it waits for, its log and its traces."""
    if functions_in(definition):
        targets = tuple(places.function(name) for name in functions_in(definition))
        yield Statement("InvokeFunctions", ("lambda:InvokeFunction",), targets)
    names = machines_in(definition)
    if names:
        yield Statement("StartMachines", ("states:StartExecution",), tuple(places.machine(name) for name in names))
        executions = tuple(places.arn("states", f"execution:cygni-{name}:*") for name in names)
        because = "An execution is named by its deployment."
        yield Statement("WaitForMachines", ("states:DescribeExecution", "states:StopExecution"), executions, because=because)
        rule = places.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")
        yield Statement("HearOfTheirEnds", ("events:DescribeRule", "events:PutRule", "events:PutTargets"), (rule,))
    because = "AWS lets log deliveries name no resource."
    yield Statement("WriteItsLog", _DELIVERY, ("*",), because=because)
    because = "AWS lets traces name no resource."
    actions = ("xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments")
    yield Statement("Trace", actions, ("*",), because=because)

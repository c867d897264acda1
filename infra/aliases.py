"""Releases of functions: a version of each that never changes, and the alias `live`, which names the one in use.

Callers from outside (the API's gateway, schedules, events, the API itself) go by the alias; a workflow goes by the versions
that its definition names, so that it ends on those it began with. A version stays when its successor comes: docs/install.md
says until when, and how to remove it.
"""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from functions.catalog import RELEASE
from infra.grants import places_of, role
from infra.rights import Places, Statement
from infra.settings import Settings
from infra.shifts import Shift


@dataclass(frozen=True, slots=True)
class Released:
    """A function in use. `version_arn` is what never changes, `alias_arn` what follows the release; `alias` is the resource."""

    version_arn: str
    alias_arn: str
    alias: lambda_.CfnAlias


def released(function: lambda_.Function) -> Released:
    """The version of a function as it is declared now, and its alias."""
    version = function.current_version
    return _aliased(function, function.function_name, version.version, version.function_arn)


def released_api(scope: Construct, function_name: str, *, digest: str, kept: bool) -> Released:
    """The same for the API's function, which Chalice declares: `digest` is of all that makes it another function.

    Not `kept`, a version goes when the stack has its successor: no workflow names one, and each snapshot is paid for.
    """
    made = lambda_.CfnVersion(scope, f"Version{digest[:16]}", function_name=function_name)
    made.apply_removal_policy(cdk.RemovalPolicy.RETAIN if kept else cdk.RemovalPolicy.DESTROY)
    return _aliased(scope, function_name, made.attr_version, made.ref)


def _aliased(scope: Construct, function_name: str, version: str, version_arn: str) -> Released:
    alias = lambda_.CfnAlias(scope, "Live", name=RELEASE, function_name=function_name, function_version=version)
    return Released(version_arn, alias.ref, alias)


class GradualShift(Construct):
    """Moves the API's alias as a setting says, watched by an alarm that moves it back."""

    def __init__(
        self, scope: Construct, id_: str, *, function: str, alias: lambda_.CfnAlias, shift: Shift, alarm_name: str
    ) -> None:
        super().__init__(scope, id_)
        if shift.at_once:
            return
        application = codedeploy.CfnApplication(self, "Application", application_name=function, compute_platform="Lambda")
        places = places_of(cdk.Stack.of(self))
        mover = role(
            self,
            "Role",
            service="codedeploy.amazonaws.com",
            source=places.arn("codedeploy", f"deploymentgroup:{function}/*"),
            description=f"Moves the alias of {function} from one version to the next.",
            statements=statements_of_shift(function, alarm_name, places),
        )
        group = codedeploy.CfnDeploymentGroup(
            self,
            "Group",
            application_name=application.ref,
            deployment_group_name=RELEASE,
            service_role_arn=mover.role_arn,
            deployment_config_name=shift.for_lambda,
            deployment_style=codedeploy.CfnDeploymentGroup.DeploymentStyleProperty(
                deployment_option="WITH_TRAFFIC_CONTROL", deployment_type="BLUE_GREEN"
            ),
            alarm_configuration=codedeploy.CfnDeploymentGroup.AlarmConfigurationProperty(
                enabled=True, alarms=[codedeploy.CfnDeploymentGroup.AlarmProperty(name=alarm_name)]
            ),
            auto_rollback_configuration=codedeploy.CfnDeploymentGroup.AutoRollbackConfigurationProperty(
                enabled=True, events=["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
            ),
        )
        group.node.add_dependency(mover)
        alias.cfn_options.update_policy = cdk.CfnUpdatePolicy(
            code_deploy_lambda_alias_update=cdk.CfnCodeDeployLambdaAliasUpdate(
                application_name=application.ref, deployment_group_name=group.ref
            )
        )


def statements_of_shift(function: str, alarm_name: str, places: Places) -> tuple[Statement, ...]:
    """What CodeDeploy does to move an alias."""
    because = "Versions are numbered as they come."
    return (
        Statement("MoveTheAlias", ("lambda:GetAlias", "lambda:UpdateAlias"), (places.function(function),)),
        Statement("LookAtVersions", ("lambda:GetProvisionedConcurrencyConfig",), (places.versions(function),), because=because),
        Statement("WatchTheAlarm", ("cloudwatch:DescribeAlarms",), (places.arn("cloudwatch", f"alarm:{alarm_name}"),)),
    )


def machine_version(machine: stepfunctions.CfnStateMachine) -> stepfunctions.CfnStateMachineVersion:
    """The version of a state machine as it is declared now. It is replaced with each revision, and the old one stays."""
    made = stepfunctions.CfnStateMachineVersion(
        machine,
        "Version",
        state_machine_arn=machine.attr_arn,
        state_machine_revision_id=machine.attr_state_machine_revision_id,
    )
    made.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    return made


def machine_alias(
    machine: stepfunctions.CfnStateMachine, version: stepfunctions.CfnStateMachineVersion, settings: Settings, alarm_name: str
) -> stepfunctions.CfnStateMachineAlias:
    """The alias that executions are started by, moved to a new version as the setting says."""
    shift = Shift.parse(settings.release.shift)
    gradual = {} if shift.at_once else {"percentage": shift.percent, "interval": shift.minutes, "alarms": [alarm_name]}
    return stepfunctions.CfnStateMachineAlias(
        machine,
        "Live",
        name=RELEASE,
        deployment_preference=stepfunctions.CfnStateMachineAlias.DeploymentPreferenceProperty(
            state_machine_version_arn=version.attr_arn, type=shift.kind, **gradual
        ),
    )

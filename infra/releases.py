"""What a deploy of Cygni itself goes through: migrations before, a watched shift, migrations after."""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from chalicelib.upgrades.migrations import names
from chalicelib.upgrades.rules import Phase
from functions.catalog import API_FUNCTION

API_ALARM, TASKS_ALARM = "cygni-release-api", "cygni-release-workflows"
FIRST_TASK = "cygni-deploy-begin"
"""The function that every deployment begins with. What passes fails it once; a broken release, as often as it is tried."""
_PAGE = "docs/runbooks/release-turned-back.md"
_MINUTE = cdk.Duration.minutes(1)
_HOUR = cdk.Duration.hours(1)
"""The longest that CloudFormation waits for migrations."""


class ReleaseAlarms(Construct):
    """Alarms that look at one minute, so that they are heard while a release takes its first share of the traffic."""

    def __init__(self, scope: Construct, id_: str, *, api_stage: str) -> None:
        super().__init__(scope, id_)
        answered = cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name="5XXError",
            dimensions_map={"ApiName": API_FUNCTION.name, "Stage": api_stage},
            period=_MINUTE,
            statistic="Average",
        )
        failed = cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions_map={"FunctionName": FIRST_TASK},
            period=_MINUTE,
            statistic="Sum",
        )
        self._alarms = (
            self._alarm("Api", API_ALARM, "One in fifty requests of a minute was answered 5xx.", answered, 0.02),
            self._alarm("Workflows", TASKS_ALARM, "The first task of deployments failed three times in a minute.", failed, 3),
        )

    def tell(self, topic: sns.ITopic) -> None:
        """Whom they are told to."""
        for each in self._alarms:
            each.add_alarm_action(actions.SnsAction(topic))
            each.add_ok_action(actions.SnsAction(topic))

    def _alarm(self, id_: str, name: str, said: str, metric: cloudwatch.Metric, threshold: float) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            id_,
            alarm_name=name,
            alarm_description=f"{said} What to do: {_PAGE}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=2,
            datapoints_to_alarm=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def add_migrations(scope: Construct, runner: str, *, shifted: Iterable[IConstruct], runs_on: IConstruct) -> None:
    """Has `runner` migrate before the aliases in `shifted` move, and once they have.

    When the stack is rolled back, the same resources ask for what the release before had: what is more is taken back.
    """
    before = _asked(scope, "MigrationsBefore", runner, Phase.BEFORE)
    before.node.add_dependency(runs_on)
    after = _asked(scope, "MigrationsAfter", runner, Phase.AFTER)
    for each in shifted:
        each.node.add_dependency(before)
        after.node.add_dependency(each)


def _asked(scope: Construct, id_: str, runner: str, phase: Phase) -> cdk.CustomResource:
    return cdk.CustomResource(
        scope,
        id_,
        service_token=runner,
        resource_type="Custom::CygniMigrations",
        service_timeout=_HOUR,
        properties={"Phase": phase.value, "Migrations": names(phase)},
    )

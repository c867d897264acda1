"""Alarms on what nobody would otherwise see: dead letters, workflows that broke, an API that fails, functions held back."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from functions.catalog import API_FUNCTION
from infra.api import STAGE
from infra.settings import Settings

_FIVE = cdk.Duration.minutes(5)
RUNBOOKS = "docs/runbooks"
"""Where the page of each alarm is: its description names it."""


class Alarms(Construct):
    """The topic that alarms are told to, and the alarms."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        key: kms.IKey,
        queues: Mapping[str, sqs.Queue],
        machines: Mapping[str, str],
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        self.topic = sns.Topic(self, "Topic", topic_name="cygni-alarms", master_key=key, enforce_ssl=True)
        if settings.alarms.email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarms.email))
        for name, queue in queues.items():
            self._build_dead_letters(name, queue)
        for name, arn in machines.items():
            self._build_broken_workflow(name, arn)
        self._build_failing_api()
        self._build_throttled()
        self._build_nearly_throttled(settings.alarms.functions_at_once)
        self._build_waiting_builds()

    def _build_dead_letters(self, name: str, queue: sqs.Queue) -> None:
        metric = queue.metric_approximate_number_of_messages_visible(period=_FIVE, statistic="Maximum")
        self._alarm(f"{name}DeadLetters", "The dead letters hold what no function could take.", "dead-letters", metric, 1)

    def _build_broken_workflow(self, name: str, arn: str) -> None:
        """An execution that timed out, or was stopped by AWS: one that fails on purpose rolled back, and is no alarm."""
        metric = cloudwatch.Metric(
            namespace="AWS/States",
            metric_name="ExecutionsTimedOut",
            dimensions_map={"StateMachineArn": arn},
            period=_FIVE,
            statistic="Sum",
        )
        said = f"An execution of cygni-{name} ran over its time."
        self._alarm(f"{name.capitalize()}TimedOut", said, "workflow-timed-out", metric, 1)

    def _build_failing_api(self) -> None:
        where = {"ApiName": API_FUNCTION.name, "Stage": STAGE}
        failed = cloudwatch.Metric(
            namespace="AWS/ApiGateway", metric_name="5XXError", dimensions_map=where, period=_FIVE, statistic="Average"
        )
        self._alarm("ApiFails", "More than one in a hundred requests was answered 5xx.", "api-fails", failed, 0.01, periods=2)

    def _build_throttled(self) -> None:
        throttled = cloudwatch.Metric(namespace="AWS/Lambda", metric_name="Throttles", period=_FIVE, statistic="Sum")
        said = "Lambda held functions back: the account's concurrency is used up."
        self._alarm("Throttled", said, "functions-throttled", throttled, 1, periods=3)

    def _build_nearly_throttled(self, most: int) -> None:
        running = cloudwatch.Metric(
            namespace="AWS/Lambda", metric_name="ConcurrentExecutions", period=_FIVE, statistic="Maximum"
        )
        said = f"{most:,} functions run at once: the account's concurrency is nearly used up."
        self._alarm("NearlyThrottled", said, "functions-throttled", running, most)

    def _build_waiting_builds(self) -> None:
        """A build for which there is no room is an error of the function that starts it, until its turn comes."""
        refused = cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions_map={"FunctionName": "cygni-build-start"},
            period=_FIVE,
            statistic="Sum",
        )
        said = "For a quarter of an hour there was no room for a build, or none could be started."
        self._alarm("BuildsWait", said, "builds-wait", refused, 1, periods=3)

    def add(self, id_: str, said: str, runbook: str, metric: cloudwatch.Metric, *, periods: int = 1) -> None:
        """An alarm on what another module measures: at 1, for so many periods."""
        self._alarm(id_, said, runbook, metric, 1, periods=periods)

    def _alarm(
        self, id_: str, said: str, runbook: str, metric: cloudwatch.Metric, threshold: float, *, periods: int = 1
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            alarm_description=f"{said} What to do: {RUNBOOKS}/{runbook}.md",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))

"""The catalog's functions but for the API, each with its own role, log group, layers, and trigger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from functions.catalog import DEAD_LETTERS, EVENT_AGE, RELEASE, RUNTIME, TRIES, Function, unattended
from infra import packages
from infra.aliases import Released, released
from infra.grants import acknowledge, grant, places_of, role, trusted
from infra.layers import LAYERS, TRACING_LAYER, layers_of
from infra.pairs import HANDLER, pair_of, role_name, role_suffix, statements_of_pair
from infra.rights import Places, Statement, of_lambda_itself, statements
from infra.settings import Settings
from infra.tenants import roles_told


class Code(Construct):
    """The zip of the code and the layers, which all functions share."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.architecture = lambda_.Architecture.ARM_64 if settings.architecture == "arm64" else lambda_.Architecture.X86_64
        self._tracing = settings.tracing
        package = packages.code()
        self.zip = lambda_.Code.from_asset(str(package.path), asset_hash=package.digest)
        self.runtime = lambda_.Runtime(RUNTIME, lambda_.RuntimeFamily.PYTHON)
        self._layers: dict[str, lambda_.LayerVersion] = {}
        self._digests = {"": package.digest}
        for each in (each for each in LAYERS if settings.tracing or each is not TRACING_LAYER):
            made = packages.layer(each, settings.architecture)
            self._digests[each.name] = made.digest
            self._layers[each.name] = lambda_.LayerVersion(
                self,
                each.name.capitalize(),
                layer_version_name=f"cygni-{each.name}",
                code=lambda_.Code.from_asset(str(made.path), asset_hash=made.digest),
                compatible_runtimes=[self.runtime],
                compatible_architectures=[self.architecture],
                description=f"Libraries of Cygni's functions: {each.name}.",
            )

    def digests_of(self, function: Function) -> list[str]:
        """What tells the code and the layers of a function from any others."""
        return [self._digests[""], *(self._digests[each.name] for each in layers_of(function))]

    def layers_of(self, function: Function) -> list[lambda_.ILayerVersion]:
        """The layers of a function."""
        return [self._layers[each.name] for each in layers_of(function, tracing=self._tracing)]


class Functions(Construct):
    """All functions that a workflow, a schedule, an event or the API invokes.

    `by_name` has them by their catalog names, `roles` their roles, `released` their versions and aliases. What fails goes to
    `dead_letters`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        functions: Iterable[Function],
        code: Code,
        environment: Mapping[str, str],
        settings: Settings,
    ) -> None:
        super().__init__(scope, id_)
        self._code, self._environment, self._settings = code, dict(environment), settings
        self.dead_letters = dead_letter_queue(self, "DeadLetters", DEAD_LETTERS)
        self.by_name: dict[str, lambda_.Function] = {}
        self.roles: dict[str, iam.Role] = {}
        self.released: dict[str, Released] = {}
        for each in functions:
            self.by_name[each.name] = self._build(each, each in unattended())
        self._schedule([each for each in functions if each.schedule])
        for each in functions:
            if each.events:
                self._listen(each)

    def _build(self, function: Function, asynchronous: bool) -> lambda_.Function:
        letters = self.dead_letters.queue_arn if asynchronous else ""
        self.roles[function.name] = function_role(self, function, self._settings, dead_letters=letters)
        made = lambda_.Function(
            self,
            logical(function.name),
            function_name=function.name,
            description=function.description,
            runtime=self._code.runtime,
            architecture=self._code.architecture,
            handler=HANDLER if self._settings.standby else function.handler,
            code=self._code.zip,
            layers=self._code.layers_of(function),
            memory_size=function.memory,
            timeout=cdk.Duration.seconds(function.timeout),
            environment=self._environment | roles_told(function, places_in(self, self._settings)),
            role=self.roles[function.name],
            log_group=log_group(self, function.name, self._settings),
            logging_format=lambda_.LoggingFormat.JSON,
            current_version_options=lambda_.VersionOptions(removal_policy=cdk.RemovalPolicy.RETAIN),
        )
        latest_runtime(made)
        if self._settings.tracing:
            made.node.default_child.tracing_config = lambda_.CfnFunction.TracingConfigProperty(mode="Active")
        self.released[function.name] = released(made)
        if asynchronous:
            self._catch(made, self.released[function.name])
        return made

    def _catch(self, function: lambda_.Function, live: Released) -> None:
        config = lambda_.CfnEventInvokeConfig(
            function,
            "Failures",
            function_name=function.function_name,
            qualifier=RELEASE,
            maximum_retry_attempts=TRIES,
            maximum_event_age_in_seconds=EVENT_AGE,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=self.dead_letters.queue_arn)
            ),
        )
        config.node.add_dependency(live.alias)

    def _schedule(self, functions: list[Function]) -> None:
        """EventBridge Scheduler invokes what the catalog gives a schedule; what it cannot deliver is a dead letter."""
        targets = tuple(places_of(cdk.Stack.of(self)).released(each.name) for each in functions)
        made = role(
            self,
            "SchedulerRole",
            service="scheduler.amazonaws.com",
            source=places_of(cdk.Stack.of(self)).arn("scheduler", "schedule-group/default"),
            description="Invokes what runs by schedule.",
            statements=(
                Statement("InvokeFunctions", ("lambda:InvokeFunction",), targets),
                Statement("KeepFailedEvents", ("sqs:SendMessage",), (self.dead_letters.queue_arn,)),
            ),
        )
        for each in functions:
            scheduler.CfnSchedule(
                self,
                f"{logical(each.name)}Schedule",
                name=each.name,
                description=each.description,
                schedule_expression=each.schedule or "",
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=self.released[each.name].alias_arn,
                    role_arn=made.role_arn,
                    dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=EVENT_AGE, maximum_retry_attempts=TRIES
                    ),
                ),
            )

    def _listen(self, function: Function) -> None:
        """A rule on the default bus, where AWS's own events come, for what the catalog gives a pattern."""
        live = self.released[function.name]
        rule = events.CfnRule(
            self,
            f"{logical(function.name)}Events",
            name=function.name,
            description=function.description,
            event_pattern=function.events,
            targets=[
                events.CfnRule.TargetProperty(
                    arn=live.alias_arn,
                    id="function",
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=EVENT_AGE, maximum_retry_attempts=TRIES
                    ),
                )
            ],
        )
        events_service = iam.ServicePrincipal("events.amazonaws.com")
        lambda_.CfnPermission(
            self.by_name[function.name],
            "MayBeInvokedByEvents",
            action="lambda:InvokeFunction",
            function_name=live.alias_arn,
            principal="events.amazonaws.com",
            source_arn=rule.attr_arn,
        )
        self.dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[events_service],
                actions=["sqs:SendMessage"],
                resources=[self.dead_letters.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )


def places_in(scope: Construct, settings: Settings) -> Places:
    """Where things are of the region that a construct is for, with the names that roles have there."""
    stack = cdk.Stack.of(scope)
    return replace(places_of(stack), suffix=role_suffix(stack, settings))


def function_role(scope: Construct, function: Function, settings: Settings, *, dead_letters: str = "") -> iam.Role:
    """The role of one function: its rights, what a pair of regions needs, and what Lambda does in its name."""
    stack, places = cdk.Stack.of(scope), places_in(scope, settings)
    made = iam.Role(
        scope,
        f"{logical(function.name)}Role",
        role_name=role_name(function.name, stack, settings),
        assumed_by=trusted(scope, "lambda.amazonaws.com"),
        description=f"Rights of {function.name}: {'; '.join(function.rights)}."[:1000],
    )
    itself = of_lambda_itself(function.name, places, dead_letters=dead_letters, tracing=settings.tracing)
    pair = statements_of_pair(function.name, places, pair_of(settings))
    grant(made, (*statements(function.rights, places), *pair, *itself))
    return made


def log_group(scope: Construct, name: str, settings: Settings) -> logs.LogGroup:
    """The log of one function, kept as long as the settings say."""
    return log_group_of(scope, f"{logical(name)}Log", f"/aws/lambda/{name}", settings)


def log_group_of(scope: Construct, id_: str, name: str, settings: Settings) -> logs.LogGroup:
    """A log group, kept as long as the settings say."""
    made = logs.LogGroup(scope, id_, log_group_name=name, removal_policy=cdk.RemovalPolicy.DESTROY)
    made.node.default_child.add_property_override("RetentionInDays", settings.log_days)
    return made


def latest_runtime(function: Construct) -> None:
    """cdk-nag wants the newest Python; ours is the catalog's, so that what was tested is what runs."""
    reason = f"{RUNTIME} is what the catalog declares and what layers are built for; it moves with them."
    acknowledge(function, "AwsSolutions-L1", reason)


def dead_letter_queue(scope: Construct, id_: str, name: str) -> sqs.Queue:
    """A queue that keeps for two weeks what nobody could take."""
    made = sqs.Queue(
        scope,
        id_,
        queue_name=name,
        enforce_ssl=True,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        retention_period=cdk.Duration.days(14),
    )
    acknowledge(made, "AwsSolutions-SQS3", "This queue is where dead letters go.")
    return made


def logical(name: str) -> str:
    """The catalog's name as a logical id: `cygni-build-plan` is `BuildPlan`."""
    return "".join(part.capitalize() for part in name.removeprefix("cygni-").split("-"))

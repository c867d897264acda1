"""The one place where a function, a state machine or a store is declared.

`infra/` synthesizes these on AWS and the embedded cloud creates the same ones on one machine; neither writes them twice.
Imports nothing of Cygni's, so that both can read it without loading a handler.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

RUNTIME = "python3.13"
"""The Lambda runtime that every function deploys to."""

WORKFLOW_LOG = "ERROR"
"""What of an execution Step Functions logs, besides the history that it keeps for 90 days: states that fail."""

RELEASE = "live"
"""Alias of every function and state machine on AWS: the release that is in use."""

BUILD_PROJECT = "cygni-build"
"""The CodeBuild project that builds run in."""


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function.

    `handler` is a dotted path, `memory` is MB, `timeout` is seconds. `rights` say what it does in words that are rendered
    to a policy. `schedule` is an EventBridge expression, `events` an EventBridge pattern.
    """

    name: str
    handler: str
    description: str
    rights: tuple[str, ...]
    memory: int = 256
    timeout: int = 30
    schedule: str | None = None
    events: dict[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class StateMachine:
    """One Step Functions workflow: its definition is `state_machines/<name>.asl.json`, deployed as `cygni-<name>`.

    In the definition `${function-name}` stands for the ARN of that function, and `${machine:name}` for that of a state machine.
    """

    name: str
    description: str

    @property
    def deployed_name(self) -> str:
        """The name on AWS and in the embedded cloud."""
        return f"cygni-{self.name}"


@dataclass(frozen=True, slots=True)
class Table:
    """One DynamoDB table, on demand, keyed by `pk` and `sk`.

    `indexes` are sparse and project everything; `ttl` names the attribute that holds when a record expires.
    """

    name: str
    indexes: tuple[str, ...] = ()
    ttl: str | None = None


TABLES = (
    Table("cygni", indexes=("gsi1",)),
    Table("cygni-idempotency", ttl="expires_at"),
    Table("cygni-identity", ttl="expires_at"),
    Table("cygni-audit", ttl="expires_at"),
)

REGIONAL_TABLES = (Table("cygni-regions"),)
"""Tables of each region of a pair by itself, which are copied nowhere; an installation of one region has none of them."""

TENANT_RIGHTS = (
    "read records",
    "write records",
    "list records",
    "count and compare records",
    "delete records",
    "remember requests",
    "read and write the audit trail",
)
"""What a request may do to its own team's keys: the rights of the role that is assumed for that team."""
MEMBER_RIGHTS = (
    "read records",
    "write records",
    "count and compare records",
    "delete records",
    "remember requests",
    "append to the audit trail",
    "change memberships",
)
"""What one change may do that concerns a team and its people: the rights of the role that the API assumes for that team."""

API_FUNCTION = Function(
    "cygni-api",
    "app.app",
    "Serves the HTTP API.",
    (
        "act for one team at a time",
        "act for one team and its people",
        "look who belongs to a team",
        "read and write people",
        "write sources",
        "look for sources",
        "read build logs",
        "stop builds",
        "start deploy",
        "invoke cygni-logs",
        "invoke cygni-traffic",
        "invoke cygni-remove-service",
        "invoke cygni-erase-user",
        "invoke cygni-check-cluster",
        "replace cluster credentials",
        "read signing keys",
        "read sign-in providers",
    ),
    memory=512,
)

FUNCTIONS = (
    Function(
        "cygni-deploy-begin",
        "functions.deploy.begin",
        "Takes a deployment out of the queue and says whether it needs a build.",
        (
            "read records",
            "write records",
        ),
    ),
    Function(
        "cygni-deploy-finish",
        "functions.deploy.finish",
        "Records how a deployment ended, and lets the next in the queue begin.",
        ("read records", "write records", "start deploy", "invoke cygni-remove-service", "publish events"),
    ),
    Function(
        "cygni-build-plan",
        "functions.build.plan",
        "Reads the source's listing and app file and decides how it is built.",
        ("read records", "write records", "read sources", "write plans"),
        memory=512,
        timeout=120,
    ),
    Function(
        "cygni-build-start",
        "functions.build.start",
        "Starts the build and files the task token that its completion answers.",
        ("read records", "write records", "start builds", "stop builds", "answer task tokens"),
    ),
    Function(
        "cygni-build-finished",
        "functions.build.finished",
        "Hears that a build ended, records the image's digest, and answers the task token.",
        ("read records", "write records", "read results", "answer task tokens"),
        events={
            "source": ["aws.codebuild"],
            "detail-type": ["CodeBuild Build State Change"],
            "detail": {
                "project-name": [BUILD_PROJECT],
                "build-status": ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"],
            },
        },
    ),
    Function(
        "cygni-rollout-prepare",
        "functions.rollout.prepare",
        "Renders the release and applies it to the cluster.",
        ("read records", "write records", "reach clusters"),
        memory=512,
        timeout=60,
    ),
    Function(
        "cygni-rollout-await-ready",
        "functions.rollout.await_ready",
        "Watches the release's instances become ready.",
        ("read records", "write records", "reach clusters"),
        memory=152,  # it sleeps between looks, as the analysis does
        timeout=120,
    ),
    Function(
        "cygni-rollout-shift",
        "functions.rollout.shift",
        "Moves traffic to the weight of the rollout's step.",
        ("read records", "write records", "reach clusters"),
        memory=512,
        timeout=60,
    ),
    Function(
        "cygni-rollout-analyse",
        "functions.rollout.analyse",
        "Samples the traffic for a while and judges it.",
        ("read records", "write records", "list records", "read metrics", "reach clusters"),
        memory=144,  # it sleeps between samples, and is paid for by the second: see docs/cost.md
        timeout=400,
    ),
    Function(
        "cygni-rollout-promote",
        "functions.rollout.promote",
        "Gives the new release all traffic and makes it the stable one.",
        ("read records", "write records", "reach clusters"),
        memory=512,
        timeout=60,
    ),
    Function(
        "cygni-rollout-settle",
        "functions.rollout.settle",
        "Removes what the promoted release replaced.",
        ("read records", "write records", "reach clusters"),
        memory=512,
        timeout=60,
    ),
    Function(
        "cygni-rollout-roll-back",
        "functions.rollout.roll_back",
        "Gives the stable release all traffic and removes the canary.",
        ("read records", "write records", "reach clusters"),
        memory=512,
        timeout=60,
    ),
    Function(
        "cygni-sweep",
        "functions.sweep.handler",
        "Starts again every workflow and removal that is under way without anybody who works on it.",
        (
            "list busy services",
            "read records",
            "write records",
            "follow deploy",
            "start deploy",
            "invoke cygni-remove-service",
        ),
        timeout=60,
        schedule="rate(1 minute)",
    ),
    Function(
        "cygni-reconcile",
        "functions.reconcile.handler",
        "Rolls out what was declared in clusters, and repairs drift there.",
        (
            "list registered clusters",
            "read records",
            "write records",
            "list records",
            "count and compare records",
            "delete records",
            "delete sources",
            "delete builds",
            "append to the audit trail",
            "start deploy",
            "invoke cygni-reconcile",
            "reach clusters",
        ),
        memory=256,  # it waits for clusters, each minute of the month: see docs/cost.md
        timeout=300,
        schedule="rate(1 minute)",
    ),
    Function(
        "cygni-rotate-signing-keys",
        "functions.identity.rotate_signing_keys",
        "Makes, announces and retires the keys that sign access tokens.",
        ("read and write signing keys",),
        schedule="rate(1 day)",
    ),
    Function(
        "cygni-revoke-signing-key",
        "functions.identity.revoke_signing_key",
        "Ends all trust in one of the keys that sign access tokens.",
        ("read and write signing keys",),
    ),
    Function(
        "cygni-logs",
        "functions.logs.handler",
        "Reads the logs of a service's instances for the API.",
        ("act for one team at a time", "reach clusters"),
        memory=512,
    ),
    Function(
        "cygni-traffic",
        "functions.traffic.handler",
        "Reads the traffic metrics of a registered cluster for the API.",
        ("act for one team at a time", "reach clusters"),
        memory=512,
    ),
    Function(
        "cygni-remove-service",
        "functions.remove.handler",
        "Removes a deleted service from its cluster, then its records.",
        ("act for one team at a time", "delete sources", "delete builds", "reach clusters"),
        memory=512,
        timeout=300,
    ),
    Function(
        "cygni-check-cluster",
        "functions.clusters.check",
        "Asks a registered cluster whether it answers and grants what Cygni does there, for the API.",
        ("act for one team at a time", "reach clusters"),
        memory=512,
        timeout=60,
    ),
    Function(
        "cygni-check-clusters",
        "functions.clusters.check_all",
        "Every five minutes: the same of every registered cluster.",
        ("list registered clusters", "read records", "write records", "reach clusters"),
        memory=512,
        timeout=900,
        schedule="rate(5 minutes)",
    ),
    Function(
        "cygni-erase-user",
        "functions.privacy.erase_user",
        "Blanks where the requests of a person who was erased came from in a team's audit trail.",
        ("act for one team at a time",),
        timeout=900,
    ),
    Function(
        "cygni-migrate",
        "functions.migrate.handler",
        "Changes records that older releases wrote, as a deployment of Cygni itself or its operator asks.",
        ("migrate records", "continue cygni-migrate"),
        memory=512,
        timeout=900,
    ),
)

MIGRATE = "cygni-migrate"
"""The function that a deployment of Cygni itself invokes, before the release is in use and after."""

EVENT_BUS = "cygni"
"""The bus that what happened is published on, for whoever wants to hear of it."""
DEAD_LETTERS = "cygni-dead-letters"
"""The queue of events that no function could take; `cygni admin replay` knows it by its name."""
TRIES = 2
"""Times that an event is tried again before it goes to the dead letters."""
EVENT_AGE = 3600
"""Seconds after which an event that was not taken is a dead letter."""


def invoked_by_api() -> tuple[str, ...]:
    """Functions that the API invokes and may not wait for: what fails there is a dead letter."""
    return tuple(right.removeprefix("invoke ") for right in API_FUNCTION.rights if right.startswith("invoke "))


def unattended() -> tuple[Function, ...]:
    """Functions that are invoked by what does not wait for their answer: a schedule, an event, or a request."""
    sent = invoked_by_api()
    return tuple(each for each in FUNCTIONS if each.name in sent or each.schedule or each.events)


PAIR_FUNCTIONS = (
    Function(
        "cygni-fail-over",
        "functions.failover.handler",
        "Has the other region of a pair act from now on.",
        ("move the work between regions",),
        timeout=60,
    ),
)
"""Functions that an installation has only where another region stands by; they run in both."""

STATE_MACHINES = (
    StateMachine("build", "Source to image: plan, build, record the digest."),
    StateMachine("rollout", "Apply, wait until ready, shift, analyse, then promote or roll back."),
    StateMachine("deploy", "One deployment from queue to end."),
)

"""What runs: the API, the functions, the workflows, their schedules, and the alarms on them."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from chalicelib.platform.metrics import NAMESPACE
from functions.catalog import (
    API_FUNCTION,
    BUILD_PROJECT,
    EVENT_BUS,
    FUNCTIONS,
    MIGRATE,
    PAIR_FUNCTIONS,
    RELEASE,
    STATE_MACHINES,
)
from infra.alarms import Alarms
from infra.aliases import GradualShift
from infra.api import STAGE, HttpApi
from infra.dashboard import OperatorDashboard
from infra.functions import Code, Functions, places_in
from infra.grants import bucket_name
from infra.pairs import environment_of, pair_of
from infra.releases import API_ALARM, ReleaseAlarms, add_migrations
from infra.settings import Settings
from infra.shifts import Shift
from infra.teams import add_team_roles
from infra.tenants import roles_told
from infra.workflows import Workflows


class ControlPlaneStack(cdk.Stack):
    """The whole control plane; it holds nothing that is not made again by deploying it."""

    def __init__(self, scope: Construct, id_: str, *, key: kms.IKey, settings: Settings, **more: Any) -> None:
        super().__init__(scope, id_, **more)
        environment = function_environment(self, key, settings)
        code = Code(self, "Code", settings=settings)
        self.api = HttpApi(self, "Api", code=code, environment=_of_api(self, environment, settings), settings=settings)
        self.functions = Functions(
            self,
            "Functions",
            functions=(*FUNCTIONS, *PAIR_FUNCTIONS) if settings.standby else FUNCTIONS,
            code=code,
            environment={**environment, "CYGNI_ISSUER": self.api.address},
            settings=settings,
        )
        self.workflows = Workflows(
            self, "Workflows", machines=STATE_MACHINES, functions=self.functions.released, settings=settings
        )
        roles = {API_FUNCTION: self.api.role, **{each: self.functions.roles[each.name] for each in FUNCTIONS}}
        add_team_roles(self, roles, settings)
        watched = self._build_release(settings)
        machines = {name: each.attr_arn for name, each in self.workflows.by_name.items()}
        self.alarms = Alarms(
            self, "Alarms", key=key, queues={"Functions": self.functions.dead_letters}, machines=machines, settings=settings
        )
        watched.tell(self.alarms.topic)
        events.CfnEventBus(self, "News", name=EVENT_BUS, description="What happened in Cygni, for whoever wants to hear of it.")
        OperatorDashboard(self, "Dashboard", machines=machines, stage=STAGE)
        cdk.CfnOutput(self, "Address", value=self.api.address, description="Where the API answers; `cygni login` asks for it.")

    def _build_release(self, settings: Settings) -> ReleaseAlarms:
        """What moves callers to this release: migrations, then the aliases, then migrations."""
        shift = Shift.parse(settings.release.shift)
        alarms = ReleaseAlarms(self, "ReleaseAlarms", api_stage=STAGE)
        api = self.api.released.alias
        GradualShift(self, "ApiShift", function=API_FUNCTION.name, alias=api, shift=shift, alarm_name=API_ALARM)
        api.node.add_dependency(alarms)
        self.workflows.started.node.add_dependency(alarms)
        functions = self.functions.released
        others = [each.alias for name, each in functions.items() if name != MIGRATE]
        runner = functions[MIGRATE]
        shifted = (api, self.workflows.started, *others)
        add_migrations(self, runner.alias_arn, shifted=shifted, runs_on=runner.alias)
        return alarms


def function_environment(stack: cdk.Stack, key: kms.IKey, settings: Settings) -> dict[str, str]:
    """What every function is told: `chalicelib/platform/settings.py` says what each means."""
    registry = f"{stack.account}.dkr.ecr.{stack.region}.{stack.url_suffix}/cygni"
    told = {
        "CYGNI_ACCOUNT": stack.account,
        "CYGNI_REGION": stack.region,
        "CYGNI_BUCKET": bucket_name(stack.account, stack.region),
        "CYGNI_SECRETS_KEY": key.key_arn,
        "CYGNI_BUILD_PROJECT": BUILD_PROJECT,
        "CYGNI_RELEASE_ALIAS": RELEASE,
        "CYGNI_REGISTRY": registry,
        "CYGNI_APPS_DOMAIN": settings.cluster.apps_domain,
        "CYGNI_METRICS_NAMESPACE": NAMESPACE,
    }
    if settings.tracing:
        told["CYGNI_TRACING"] = "1"
    if settings.cluster.metrics_url:
        told["CYGNI_METRICS_URL"] = settings.cluster.metrics_url
    return told | environment_of(stack.region, pair_of(settings)) | settings.builds.told() | settings.limits.told()


def _of_api(stack: cdk.Stack, environment: dict[str, str], settings: Settings) -> dict[str, str]:
    own = roles_told(API_FUNCTION, places_in(stack, settings))
    if settings.admin_key_sha256:
        own["CYGNI_ADMIN_KEY_SHA256"] = settings.admin_key_sha256
    return environment | own

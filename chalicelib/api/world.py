"""What the API reaches beyond its table: made once per process, passed to services, replaced in tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.identity.authentication import NOBODY, Authenticate, Authenticator
from chalicelib.identity.counter import take_block
from chalicelib.identity.limits import Limits, SharedLimits
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.principal import Principal
from chalicelib.platform.clock import Clock, utc_now
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.duty import Duty, duty
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.ids import new_id
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import Settings, settings
from chalicelib.platform.storage import Storage
from chalicelib.platform.workflows import Workflows

if TYPE_CHECKING:
    from chalicelib.identity.service import Providers
    from chalicelib.platform.remembered import SecretStore
    from chalicelib.platform.traffic import TrafficMetrics
    from chalicelib.projects.names import ServiceKey


@dataclass(frozen=True, slots=True)
class World:
    """The API's ports."""

    settings: Settings
    clock: Clock
    make_id: Callable[[str, datetime], str]
    storage: Storage
    workflows: Workflows
    functions: Functions
    builders: Builders
    metrics: TrafficMetrics
    authenticate: Authenticate
    limits: Limits
    keys: LiveKeys
    providers: Providers
    secrets: SecretStore
    duty: Duty = field(default_factory=lambda: Duty(Settings()))

    def new_id(self, prefix: str) -> str:
        """A fresh id of this type."""
        return self.make_id(prefix, self.clock())

    def traffic_of(self, who: Principal, key: ServiceKey) -> TrafficMetrics:
        """The metrics that a service's rollouts are judged by: those of the cluster that its environment is placed on.

        Raises NotFound without the environment.
        """
        from chalicelib.platform.fartraffic import FarMetrics
        from chalicelib.projects.service import get_environment

        if get_environment(who, key.project, key.environment).cluster is None:
            return self.metrics
        return FarMetrics(self.functions.call, key.to_dict())

    @property
    def nobody(self) -> Principal:
        """The caller of a route that needs no credential."""
        return NOBODY


def real_world() -> World:
    """The ports of a deployed API, or of the embedded cloud's: the same clients, at other addresses."""
    from chalicelib.identity.service import Providers, Web
    from chalicelib.platform.prometheus import traffic_metrics

    known = settings()
    secrets = Secrets(known.secrets_key, known.other_region, known.other_key)
    keys = LiveKeys(lambda: secrets.read(known.signing_secret), utc_now)
    return World(
        settings=known,
        clock=utc_now,
        make_id=new_id,
        storage=Storage(known.bucket),
        workflows=Workflows(),
        functions=Functions(),
        builders=Builders(known.build_project),
        metrics=traffic_metrics(known),
        authenticate=Authenticator(known, keys),
        limits=SharedLimits(take_block, known.requests_per_minute),
        keys=keys,
        providers=Providers(lambda: secrets.read(known.sign_in_secret), Web(), utc_now),
        secrets=secrets,
        duty=duty(),
    )

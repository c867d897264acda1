"""A store with so many services, seeded: one team has half of them, the others less and less.

What a service has is what a deployed one really left behind (its record, a release, a deployment), under other names, written
by the batch. So that lists are long where it could hurt, half of the big team's services are in one environment.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Any

from chalicelib.deployments.models import DeploymentRecord, ReleaseRecord, deployments_pk, releases_pk
from chalicelib.identity.models_teams import MEMBERS, MemberRecord, team_pk
from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.ids import encode
from chalicelib.platform.table import Item, unpack
from chalicelib.projects.models import EnvironmentRecord, ProjectRecord, ServiceRecord, project_pk, service_sk
from chalicelib.projects.names import ServiceKey
from tests.support.rollout import Stage
from tests.support.world import START, TEAM

SEED = 6
TEAMS = 200
"""Teams beside the big one."""
PROJECTS = 19
"""Projects of the big team beside its biggest."""
PER_MEMBER = 2
"""Services for each member of the big team."""
BATCH = 25
"""As many as DynamoDB takes at once."""


def team_name(number: int) -> str:
    """The id of a team; 0 is the big one."""
    return TEAM if number == 0 else f"team_{encode(0, number)}"


def places(seed: int = SEED) -> Iterator[ServiceKey]:
    """Where the first, second, … service is, without end: the same for the same seed."""
    rng = random.Random(seed)
    weights = list(accumulate(1 / rank for rank in range(1, TEAMS + 1)))
    number = 0
    while True:
        team, project = 0, "hello"
        if rng.random() >= 0.5:
            team = 1 + rng.choices(range(TEAMS), cum_weights=weights)[0]
        elif rng.random() >= 0.5:
            project = f"p{rng.randrange(PROJECTS):02d}"
        yield ServiceKey(team_name(team), project, "prod", f"s{number:05d}")
        number += 1


@dataclass
class Population:
    """The services that are in the store. `keys` has them in the order that they came in."""

    templates: dict[type[Item], dict[str, Any]]
    keys: list[ServiceKey] = field(default_factory=list)
    _known: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def like(cls, stage: Stage) -> Population:
        """Services like the stage's, which has been deployed."""
        key = ServiceKey(TEAM, "hello", "prod", "web")
        live = stage.api.get(stage.path).json
        newest = stage.api.get(f"{stage.path}/deployments").json["items"][0]["id"]
        where: dict[type[Item], tuple[str, str]] = {
            ServiceRecord: (project_pk(TEAM, "hello"), service_sk("prod", "web")),
            DeploymentRecord: (deployments_pk(key), newest),
            ReleaseRecord: (releases_pk(key), f"RELEASE#{int(live['live_release']):06d}"),
            ProjectRecord: (team_pk(TEAM), "PROJECT#hello"),
            EnvironmentRecord: (project_pk(TEAM, "hello"), "ENVIRONMENT#prod"),
        }
        return cls({model: _raw(model, *place) for model, place in where.items()}, _known={(TEAM, "hello")})

    def grow(self, size: int) -> None:
        """Adds services until there are so many."""
        new = list(islice(places(), len(self.keys), size))
        _write(self._items(new))
        self.keys += new

    def _items(self, new: Iterable[ServiceKey]) -> Iterator[tuple[str, dict[str, Any]]]:
        for key in new:
            if (key.team, key.project) not in self._known:
                self._known.add((key.team, key.project))
                yield from self._project(key)
            yield self._made(
                ServiceRecord, project_pk(key.team, key.project), service_sk("prod", key.service), key, key.service
            )
            yield self._made(DeploymentRecord, deployments_pk(key), self._name(DeploymentRecord), key, "")
            yield self._made(ReleaseRecord, releases_pk(key), self._name(ReleaseRecord), key, "")
            if key.team == TEAM and int(key.service[1:]) % PER_MEMBER == 0:
                member = MemberRecord(team_pk(TEAM), f"{MEMBERS}usr_{encode(1, int(key.service[1:]))}", role="developer")
                member.joined_at = START
                yield MemberRecord.Meta.table_name, member.serialize()

    def _project(self, key: ServiceKey) -> Iterator[tuple[str, dict[str, Any]]]:
        yield self._made(ProjectRecord, team_pk(key.team), f"PROJECT#{key.project}", key, key.project)
        yield self._made(EnvironmentRecord, project_pk(key.team, key.project), "ENVIRONMENT#prod", key, "prod")

    def _made(self, model: type[Item], pk: str, sk: str, key: ServiceKey, name: str) -> tuple[str, dict[str, Any]]:
        """The template of a kind under another name, through its model."""
        record = unpack(model, self.templates[model])
        record.pk, record.sk = pk, sk
        named = {"team": key.team, "project": key.project, "environment": key.environment, "service": key.service, "name": name}
        for attribute in named.keys() & model.get_attributes().keys():
            setattr(record, attribute, named[attribute])
        return str(model.Meta.table_name), record.serialize()

    def _name(self, model: type[Item]) -> str:
        return str(self.templates[model]["sk"]["S"])


def _raw(model: type[Item], pk: str, sk: str) -> dict[str, Any]:
    asked = {"TableName": model.Meta.table_name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}, "ConsistentRead": True}
    return dict(dynamodb().get_item(**asked)["Item"])


def _write(items: Iterable[tuple[str, dict[str, Any]]]) -> None:
    items = iter(items)
    while batch := list(islice(items, BATCH)):
        asked: dict[str, list[Any]] = {}
        for table, item in batch:
            asked.setdefault(table, []).append({"PutRequest": {"Item": item}})
        left = dynamodb().batch_write_item(RequestItems=asked)["UnprocessedItems"]
        if left:
            raise SystemExit(f"the store did not take {sum(map(len, left.values()))} items of a batch")

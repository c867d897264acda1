"""What removing an installation takes, and what it leaves. Pure: a plan is steps, each of which may be done twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.account import Deployed

KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
"""What a template says of resources that outlive their stack."""
BUCKET, CLUSTER = "AWS::S3::Bucket", "AWS::EKS::Cluster"


class Kind(StrEnum):
    """What data is kept in, and what it costs by the month in us-east-1."""

    TABLE = "table"
    BUCKET = "bucket"
    KEY = "key"
    SECRET = "secret"  # noqa: S105 - the word, and none
    REPOSITORY = "repository of images"

    @property
    def cost(self) -> str:
        """By the month."""
        return _COSTS[self]


_COSTS = {
    Kind.TABLE: "$0.25 a GB, and $0.20 a GB for its recovery to a point in time",
    Kind.BUCKET: "$0.023 a GB",
    Kind.KEY: "$1",
    Kind.SECRET: "$0.40",
    Kind.REPOSITORY: "$0.10 a GB",
}
KINDS = {
    "AWS::DynamoDB::GlobalTable": Kind.TABLE,
    BUCKET: Kind.BUCKET,
    "AWS::KMS::Key": Kind.KEY,
    "AWS::SecretsManager::Secret": Kind.SECRET,
}
"""CloudFormation's types of what holds data."""


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """Something that holds data, by the name that AWS's calls take: of a secret its ARN, of a key its id."""

    region: str
    kind: Kind
    name: str

    @property
    def readable(self) -> str:
        """Its name for people."""
        name = self.name.partition(":secret:")[2].rpartition("-")[0] if ":secret:" in self.name else self.name
        return f"{self.kind} {name} in {self.region}"


class Do(StrEnum):
    """What a step does."""

    UNPROTECT = "lift the termination protection of"
    UNGUARD = "lift the deletion protection of cluster"
    EMPTY = "empty, with all versions, bucket"
    DELETE_STACK = "delete stack"
    DELETE_LOG = "delete log group"
    FORGET = "delete, restorable for 30 days, secret"
    ERASE = "delete for ever"


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction. `empties` are the buckets of a stack that is deleted: logs may come into them until it is gone."""

    do: Do
    region: str
    name: str
    kind: Kind | None = None
    empties: tuple[str, ...] = ()

    def __str__(self) -> str:
        thing = f"{Thing(self.region, self.kind, self.name).readable}" if self.kind else f"{self.name} in {self.region}"
        return f"{self.do} {thing}"


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is in a region and in no stack, or not in a stack alone: by their names, and data by Cygni's tag."""

    credentials: tuple[Thing, ...] = ()
    repositories: tuple[Thing, ...] = ()
    tagged: tuple[Thing, ...] = ()
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` in their order, `lost` the data that goes with them, `stays` what is left and paid for."""

    steps: tuple[Step, ...]
    lost: tuple[Thing, ...]
    stays: tuple[Thing, ...]


def plan(stacks: Iterable[Deployed], left: Mapping[str, Leftovers], *, data: bool) -> Plan:
    """The removal of stacks, which come in the order of their deployment. `left` is by region. `data`: whether it goes, too."""
    known = tuple(stacks)
    credentials = tuple(each for region in left.values() for each in region.credentials)
    kept = sorted({*_kept(known), *_orphans(known, left), *(each for region in left.values() for each in region.repositories)})
    steps = [step for each in reversed(known) for step in _of_stack(each)]
    steps += [Step(Do.DELETE_LOG, region, name) for region, each in left.items() for name in each.logs]
    if data:
        steps += [step for each in (*credentials, *_in_order(kept)) for step in _erased(each)]
    else:
        steps += [Step(Do.FORGET, each.region, each.name, each.kind) for each in credentials]
    gone = {each for stack in known for each in things(stack) if each not in kept}
    lost = sorted(gone | ({*kept, *credentials} if data else set()))
    return Plan(tuple(steps), tuple(lost), () if data else tuple(kept))


def things(stack: Deployed) -> Iterator[Thing]:
    """All that holds data in a stack."""
    for id_, each in stack.template.get("Resources", {}).items():
        kind = KINDS.get(each["Type"])
        if kind and id_ in stack.resources:
            yield Thing(stack.region, kind, stack.resources[id_])


def emptied(template: Mapping[str, Any]) -> list[str]:
    """The buckets of a template that go with their stack, and so must be empty by then: their names in the template."""
    resources = template.get("Resources", {})
    return [id_ for id_, each in resources.items() if each["Type"] == BUCKET and each.get("DeletionPolicy") not in KEPT]


def _of_stack(stack: Deployed) -> Iterator[Step]:
    resources = stack.template.get("Resources", {})
    if stack.protected:
        yield Step(Do.UNPROTECT, stack.region, stack.name)
    for id_, each in resources.items():
        if each["Type"] == CLUSTER and each["Properties"].get("DeletionProtection") and id_ in stack.resources:
            yield Step(Do.UNGUARD, stack.region, stack.resources[id_])
    buckets = tuple(stack.resources[id_] for id_ in emptied(stack.template) if id_ in stack.resources)
    for name in buckets:
        yield Step(Do.EMPTY, stack.region, name)
    yield Step(Do.DELETE_STACK, stack.region, stack.name, empties=buckets)


def _kept(stacks: Iterable[Deployed]) -> Iterator[Thing]:
    for stack in stacks:
        resources = stack.template.get("Resources", {})
        kept = {stack.resources.get(id_) for id_, each in resources.items() if each.get("DeletionPolicy") in KEPT}
        yield from (each for each in things(stack) if each.name in kept)


def _orphans(stacks: Iterable[Deployed], left: Mapping[str, Leftovers]) -> Iterator[Thing]:
    """Data of an installation that was removed before."""
    owned = {(stack.region, name) for stack in stacks for name in stack.resources.values()}
    for each in left.values():
        yield from (thing for thing in each.tagged if (thing.region, thing.name) not in owned)


def _in_order(kept: Iterable[Thing]) -> list[Thing]:
    """Keys last: what they encrypt is unreadable without them."""
    return sorted(kept, key=lambda each: (each.kind is Kind.KEY, each))


def _erased(thing: Thing) -> Iterator[Step]:
    if thing.kind is Kind.BUCKET:
        yield Step(Do.EMPTY, thing.region, thing.name)
    yield Step(Do.ERASE, thing.region, thing.name, thing.kind)


def told(found: Plan, stage: str) -> str:
    """The plan for people."""
    lines = [f"Removing {stage} does this:", *(f"  {each}" for each in found.steps)]
    if found.lost:
        lines += ["What they hold is lost:", *(f"  {each.readable}" for each in found.lost)]
    if found.stays:
        lines.append("What stays is paid for by the month, until it is removed with --data:")
        lines += [f"  {each.readable}: {each.kind.cost}" for each in found.stays]
    if any(each.do is Do.UNGUARD for each in found.steps):
        lines.append(
            "Load balancers and disks that the cluster made go with `helm uninstall` and `kubectl delete`, which come first."
        )
    lines.append("What services run in clusters stays there: delete the services first (`cygni services delete`).")
    return "\n".join(lines)

"""Does the steps of a removal in an account. Each may be done again: what is gone already is as it should be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from infra.account import Account, AccountRefused, refusals
from infra.removals import Do, Kind, Leftovers, Step, Thing
from infra.rights import CLUSTERS

_GONE = frozenset(
    {
        "404",
        "KMSInvalidStateException",  # a key that is
        "NoSuchBucket",
        "NotFoundException",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
    }
)
_TAG = {"Key": "cygni", "Values": ["control-plane"]}
_TYPES = {"dynamodb:table": Kind.TABLE, "s3": Kind.BUCKET, "kms:key": Kind.KEY, "secretsmanager:secret": Kind.SECRET}
"""Types of the tagging API, of what holds data."""
_EXECUTION_LOGS = "API-Gateway-Execution-Logs_"
_REPOSITORIES = "cygni/"
_TRIES = 3
"""How often a stack is deleted before it is given up: logs come into a bucket after it was emptied."""
_WINDOW = 30
"""Days for which a secret or a key can be had back."""
_HOUR = 3600.0


class Removal:
    """Looks at what is there, and does steps. `sleep` waits between two looks, `clock` is in seconds."""

    def __init__(
        self, account: Account, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._account, self._sleep, self._clock = account, sleep, clock

    def left(self, region: str, apis: Iterable[str]) -> Leftovers:
        """What a region has beside the stacks; `apis` are the ids of API Gateway's APIs that go, whose logs it made itself."""
        secrets = self._pages("secretsmanager", region, "list_secrets", "SecretList", Filters=[_filter(f"{CLUSTERS}/")])
        mine = [each for each in secrets if each.get("PrimaryRegion", region) == region]
        images = self._pages("ecr", region, "describe_repositories", "repositories")
        names = [each["repositoryName"] for each in images if each["repositoryName"].startswith(_REPOSITORIES)]
        logs = [
            each["logGroupName"]
            for api in apis
            for each in self._pages(
                "logs", region, "describe_log_groups", "logGroups", logGroupNamePrefix=f"{_EXECUTION_LOGS}{api}/"
            )
        ]
        return Leftovers(
            tuple(Thing(region, Kind.SECRET, each["ARN"]) for each in mine),
            tuple(Thing(region, Kind.REPOSITORY, each) for each in names),
            tuple(self._tagged(region)),
            tuple(logs),
        )

    def do(self, step: Step) -> None:
        """One step. Raises AccountRefused."""
        if step.do is Do.DELETE_STACK:
            self._delete_stack(step)
        elif step.do is Do.UNPROTECT:
            cloudformation = self._account.client("cloudformation", step.region)
            with refusals():
                cloudformation.update_termination_protection(StackName=step.name, EnableTerminationProtection=False)
        elif step.do is Do.UNGUARD:
            self._unguard(step)
        else:
            with unless_gone():
                self._thing(step)

    def _thing(self, step: Step) -> None:
        region, name = step.region, step.name
        if step.do is Do.EMPTY:
            self._empty(region, name)
        elif step.do is Do.DELETE_LOG:
            self._account.client("logs", region).delete_log_group(logGroupName=name)
        elif step.kind is Kind.SECRET:
            self._delete_secret(region, name, at_once=step.do is Do.ERASE)
        elif step.kind is Kind.TABLE:
            self._delete_table(region, name)
        elif step.kind is Kind.BUCKET:
            self._account.client("s3", region).delete_bucket(Bucket=name)
        elif step.kind is Kind.KEY:
            self._account.client("kms", region).schedule_key_deletion(KeyId=name, PendingWindowInDays=_WINDOW)
        elif step.kind is Kind.REPOSITORY:
            self._account.client("ecr", region).delete_repository(repositoryName=name, force=True)

    def _tagged(self, region: str) -> Iterator[Thing]:
        found = self._pages(
            "resourcegroupstaggingapi",
            region,
            "get_resources",
            "ResourceTagMappingList",
            TagFilters=[_TAG],
            ResourceTypeFilters=list(_TYPES),
        )
        for each in found:
            thing = thing_of(each["ResourceARN"], region)
            if thing and (thing.kind is not Kind.KEY or self._is_key(thing)):
                yield thing

    def _is_key(self, thing: Thing) -> bool:
        """Whether a key is not already to be deleted."""
        with refusals():
            found = self._account.client("kms", thing.region).describe_key(KeyId=thing.name)["KeyMetadata"]
        return bool(found["KeyState"] != "PendingDeletion")

    def _empty(self, region: str, bucket: str) -> None:
        s3 = self._account.client("s3", region)
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if found:
                objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
                for each in answer.get("Errors", ()):
                    raise AccountRefused(f"{bucket} cannot be emptied: {each['Key']}: {each['Code']} {each.get('Message', '')}")

    def _delete_stack(self, step: Step) -> None:
        cloudformation = self._account.client("cloudformation", step.region)
        for _ in range(_TRIES):
            if self._account.stack(step.name, step.region) is None:
                return
            with refusals():
                cloudformation.delete_stack(StackName=step.name)
            self._until(lambda: self._ended(step), f"{step.name} is still being deleted")
            for each in step.empties:
                with unless_gone():
                    self._empty(step.region, each)
        if self._account.stack(step.name, step.region) is not None:
            reasons = "; ".join(self._reasons(step)) or "its events say why"
            raise AccountRefused(f"{step.name} cannot be deleted: {reasons}. Mend the cause and run this again.")

    def _ended(self, step: Step) -> bool:
        found = self._account.stack(step.name, step.region)
        return found is None or found.status == "DELETE_FAILED"

    def _reasons(self, step: Step) -> list[str]:
        """What the stack still has because it could not be deleted."""
        found = self._pages(
            "cloudformation", step.region, "list_stack_resources", "StackResourceSummaries", StackName=step.name
        )
        return [
            f"{each.get('PhysicalResourceId', each['LogicalResourceId'])}: {each.get('ResourceStatusReason', 'no reason')}"
            for each in found
            if each["ResourceStatus"] == "DELETE_FAILED"
        ]

    def _unguard(self, step: Step) -> None:
        eks = self._account.client("eks", step.region)

        def settled() -> bool:
            found = eks.describe_cluster(name=step.name)["cluster"]
            return found["status"] == "ACTIVE" and not found.get("deletionProtection")

        with unless_gone():
            if eks.describe_cluster(name=step.name)["cluster"].get("deletionProtection"):
                eks.update_cluster_config(name=step.name, deletionProtection=False)
                self._until(settled, f"{step.name} is still being updated")

    def _delete_secret(self, region: str, arn: str, *, at_once: bool) -> None:
        client = self._account.client("secretsmanager", region)
        found = client.describe_secret(SecretId=arn)
        if found.get("PrimaryRegion", region) != region:
            return  # a copy, which goes with what it is one of
        if "DeletedDate" in found and not at_once:
            return
        copies = [each["Region"] for each in found.get("ReplicationStatus", ())]
        if copies:
            client.remove_regions_from_replication(SecretId=arn, RemoveReplicaRegions=copies)
            gone = partial(_has_no_copy, client, arn)
            self._until(gone, f"Copies of {arn} are still being deleted")
        window = {"ForceDeleteWithoutRecovery": True} if at_once else {"RecoveryWindowInDays": _WINDOW}
        client.delete_secret(SecretId=arn, **window)

    def _delete_table(self, region: str, name: str) -> None:
        """With its copies, which are one table with it."""
        client = self._account.client("dynamodb", region)
        found = client.describe_table(TableName=name)["Table"]
        for there in (each["RegionName"] for each in found.get("Replicas", ()) if each["RegionName"] != region):
            self._allow_deletion(there, name)
            client.update_table(TableName=name, ReplicaUpdates=[{"Delete": {"RegionName": there}}])
            self._until(partial(self._is_alone, client, name, there), f"{name} is still being deleted in {there}")
        self._allow_deletion(region, name)
        client.delete_table(TableName=name)

    def _allow_deletion(self, region: str, name: str) -> None:
        client = self._account.client("dynamodb", region)
        if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
            client.update_table(TableName=name, DeletionProtectionEnabled=False)
        self._until(lambda: _is_active(client, name), f"{name} is still being updated in {region}")

    def _is_alone(self, client: Any, name: str, there: str) -> bool:
        found = client.describe_table(TableName=name)["Table"]
        return found["TableStatus"] == "ACTIVE" and there not in {each["RegionName"] for each in found.get("Replicas", ())}

    def _until(self, done: Callable[[], bool], otherwise: str) -> None:
        """Looks every five seconds for an hour."""
        begun = self._clock()
        while not done():
            if self._clock() - begun > _HOUR:
                raise AccountRefused(f"{otherwise} after an hour. Run this again.")
            self._sleep(5)

    def _pages(self, service: str, region: str, call: str, key: str, **asked: Any) -> list[dict[str, Any]]:
        with refusals():
            pages = self._account.client(service, region).get_paginator(call).paginate(**asked)
            return [each for page in pages for each in page[key]]


def thing_of(arn: str, region: str) -> Thing | None:
    """What an ARN of the tagging API names."""
    _, _, service, _, _, rest = arn.split(":", 5)
    if service == "s3":
        return Thing(region, Kind.BUCKET, rest)
    if service == "dynamodb" and rest.startswith("table/"):
        return Thing(region, Kind.TABLE, rest.removeprefix("table/"))
    if service == "kms" and rest.startswith("key/"):
        return Thing(region, Kind.KEY, rest.removeprefix("key/"))
    return Thing(region, Kind.SECRET, arn) if service == "secretsmanager" else None


@contextmanager
def unless_gone() -> Iterator[None]:
    """What is not there any more, or on its way out, is as it should be."""
    try:
        with refusals():
            yield
    except AccountRefused as refused:
        if refused.code not in _GONE:
            raise


def _has_no_copy(client: Any, arn: str) -> bool:
    return not client.describe_secret(SecretId=arn).get("ReplicationStatus")


def _is_active(client: Any, name: str) -> bool:
    return bool(client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")


def _filter(prefix: str) -> dict[str, Any]:
    return {"Key": "name", "Values": [prefix]}

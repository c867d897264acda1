"""Removing an installation: what the plan takes and leaves, and that an account in memory is then as it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from infra.account import Account, AccountRefused, Deployed
from infra.places import names, possible_places
from infra.removals import Do, Kind, Leftovers, Step, Thing, emptied, plan, told
from infra.remove import look, remove
from infra.removing import Removal
from infra.settings import load

REGION, THERE = "us-east-1", "us-west-2"
TAGS = [{"Key": "cygni", "Value": "control-plane"}]
PROD, DEV = load("prod"), load("dev")


def resource(kind: str, policy: str = "", **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties, **({"DeletionPolicy": policy} if policy else {})}


def stack(name: str, resources: dict[str, Any], *, region: str = REGION, protected: bool = False) -> Deployed:
    """A stack whose resources have their names in the template for physical ones, too."""
    return Deployed(name, region, "CREATE_COMPLETE", protected, {}, {"Resources": resources}, {id_: id_ for id_ in resources})


DATA = stack(
    "cygni-data",
    {
        "table": resource("AWS::DynamoDB::GlobalTable", "RetainExceptOnCreate"),
        "key": resource("AWS::KMS::Key", "RetainExceptOnCreate"),
        "files": resource("AWS::S3::Bucket", "RetainExceptOnCreate"),
        "role": resource("AWS::IAM::Role", "RetainExceptOnCreate"),
    },
    protected=True,
)
CONSOLE = stack("cygni-console", {"page": resource("AWS::S3::Bucket", "Delete"), "logs": resource("AWS::S3::Bucket")})
CREDENTIALS = Thing(REGION, Kind.SECRET, f"arn:aws:secretsmanager:{REGION}:1:secret:cygni/clusters/team_1/main-AbCdEf")


def test_stacks_go_in_reverse_unprotected_first_and_their_buckets_emptied() -> None:
    found = plan([DATA, CONSOLE], {}, data=False)

    assert [(each.do, each.name) for each in found.steps] == [
        (Do.EMPTY, "page"),
        (Do.EMPTY, "logs"),
        (Do.DELETE_STACK, "cygni-console"),
        (Do.UNPROTECT, "cygni-data"),
        (Do.DELETE_STACK, "cygni-data"),
    ]
    assert [each.name for each in found.lost] == ["logs", "page"]
    assert {each.name for each in found.stays} == {"table", "key", "files"}


def test_data_goes_only_when_that_is_asked_for_and_keys_last() -> None:
    found = plan([DATA], {REGION: Leftovers(credentials=(CREDENTIALS,))}, data=True)

    assert found.stays == ()
    assert [each.name for each in found.steps if each.do is Do.ERASE] == [CREDENTIALS.name, "files", "table", "key"]
    assert [each.do for each in found.steps].index(Do.DELETE_STACK) < [each.do for each in found.steps].index(Do.ERASE)
    assert Step(Do.EMPTY, REGION, "files") in found.steps


def test_credentials_of_clusters_can_be_had_back_where_data_stays() -> None:
    found = plan([DATA], {REGION: Leftovers(credentials=(CREDENTIALS,))}, data=False)

    assert [each.name for each in found.steps if each.do is Do.FORGET] == [CREDENTIALS.name]
    assert CREDENTIALS not in found.lost


def test_what_an_earlier_removal_left_is_found_by_its_tag_and_what_a_stack_has_is_no_leftover() -> None:
    table, old = Thing(REGION, Kind.TABLE, "table"), Thing(REGION, Kind.TABLE, "cygni-audit")
    left = {REGION: Leftovers(tagged=(table, old))}

    assert [each.name for each in plan([], left, data=False).stays] == ["cygni-audit", "table"]
    assert len(plan([DATA], left, data=False).stays) == 4
    assert plan([], left, data=False).steps == ()


def test_a_cluster_that_is_protected_is_unguarded_and_what_it_made_is_said_to_come_first() -> None:
    cluster = stack("cygni-cluster", {"apps": resource("AWS::EKS::Cluster", DeletionProtection=True)})

    found = plan([cluster], {}, data=False)

    assert [each.do for each in found.steps] == [Do.UNGUARD, Do.DELETE_STACK]
    assert "Load balancers" in told(found, "full")


@pytest.mark.parametrize(("policy", "goes"), [("", True), ("Delete", True), ("Retain", False), ("RetainExceptOnCreate", False)])
def test_every_bucket_that_is_not_kept_is_emptied(policy: str, goes: bool) -> None:
    assert emptied({"Resources": {"bucket": resource("AWS::S3::Bucket", policy)}}) == ["bucket"] * goes


def test_people_are_told_what_stays_and_what_it_costs() -> None:
    said = told(plan([DATA], {REGION: Leftovers(credentials=(CREDENTIALS,))}, data=False), "prod")

    assert f"key key in {REGION}: $1" in said
    assert f"secret cygni/clusters/team_1/main in {REGION}" in said


def test_stacks_that_a_switch_has_turned_off_are_looked_for_too() -> None:
    assert {"cygni-console", "cygni-cluster", "cygni-control-plane-standby"} <= set(names(possible_places(PROD)))


class Twice(Removal):
    """Does each step again once it is done."""

    def do(self, step: Step) -> None:
        super().do(step)
        super().do(step)


@dataclass
class InMemory:
    """An account with an installation in it, as CloudFormation deploys it; `said` is what the operator reads."""

    account: Account = field(default_factory=Account)
    said: list[str] = field(default_factory=list)

    def client(self, service: str, region: str = REGION) -> Any:
        return self.account.client(service, region)

    def deploy(self, name: str, resources: dict[str, Any], *, region: str = REGION) -> None:
        template = json.dumps({"Resources": resources})
        self.client("cloudformation", region).create_stack(StackName=name, TemplateBody=template)

    def write(self, bucket: str) -> None:
        """Two versions of an object, and the mark of its deletion."""
        s3 = self.client("s3")
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for body in (b"one", b"two"):
            s3.put_object(Bucket=bucket, Key="log", Body=body)
        s3.delete_object(Bucket=bucket, Key="log")

    def remove(self, *, data: bool = False, answer: str = "prod") -> int:
        removal = Twice(self.account, sleep=lambda _: None)
        found = look(PROD, self.account, removal, data=data)
        return remove("prod", found, removal, ask=lambda _: answer, say=self.said.append)

    @property
    def buckets(self) -> list[str]:
        return sorted(each["Name"] for each in self.client("s3").list_buckets()["Buckets"])

    @property
    def stacks(self) -> list[str]:
        found = [self.client("cloudformation", each).describe_stacks()["Stacks"] for each in (REGION, THERE)]
        return sorted(each["StackName"] for stacks in found for each in stacks)


@pytest.fixture
def place() -> Iterator[InMemory]:
    """An installation with kept data, a bucket that goes, a cluster's credentials, and images."""
    with mock_aws():
        made = InMemory()
        kept = {
            "Files": resource("AWS::S3::Bucket", "Retain", BucketName="cygni-files", Tags=TAGS),  # moto knows this word alone
        }
        made.deploy("cygni-data", kept)
        made.deploy("cygni-replica", {"Files": resource("AWS::S3::Bucket", "Retain", BucketName="cygni-copies")}, region=THERE)
        made.deploy("cygni-console", {"Page": resource("AWS::S3::Bucket", "Delete", BucketName="cygni-page", Tags=TAGS)})
        made.write("cygni-files")
        made.write("cygni-page")
        made.client("secretsmanager").create_secret(Name="cygni/clusters/team_1/main", SecretString="token")
        made.client("secretsmanager").create_secret(Name="somebody-elses", SecretString="token")
        made.client("kms").create_key(Tags=[{"TagKey": each["Key"], "TagValue": each["Value"]} for each in TAGS])
        made.client("secretsmanager").create_secret(Name="cygni/sign-in", SecretString="{}", Tags=TAGS)
        made.client("ecr").create_repository(repositoryName="cygni/team_1/shop/web")
        made.client("dynamodb").create_table(
            TableName="cygni",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
            Tags=TAGS,
        )
        yield made


@pytest.mark.slow
def test_an_installation_is_removed_but_for_its_data_and_then_its_data_with_every_step_done_twice(place: InMemory) -> None:
    assert place.remove(answer="dev") == 1
    assert place.stacks == ["cygni-console", "cygni-data", "cygni-replica"]

    assert place.remove() == 0

    assert place.stacks == []
    assert place.buckets == ["cygni-copies", "cygni-files"]
    secrets = place.client("secretsmanager")
    assert "DeletedDate" in secrets.describe_secret(SecretId="cygni/clusters/team_1/main")
    assert any("table cygni in us-east-1: $0.25" in each for each in place.said)

    assert place.remove(data=True) == 0

    assert place.buckets == ["cygni-copies"]  # which has no tag, so that it is not Cygni's
    assert place.client("dynamodb").list_tables()["TableNames"] == []
    assert place.client("ecr").describe_repositories()["repositories"] == []
    assert [each["Name"] for each in secrets.list_secrets()["SecretList"]] == ["somebody-elses"]
    (key,) = place.client("kms").list_keys()["Keys"]
    assert place.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"

    place.said.clear()
    assert place.remove(data=True) == 0
    assert place.said[-1] == "There is nothing to be done."


class Filling(Account):
    """An account in which a stack is deleted the second time: the first time a log came into its bucket."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.deleted, self.protected = times, 0, True

    def client(self, service: str, region: str) -> Any:
        return self if service == "cloudformation" else super().client(service, region)

    def stack(self, name: str, region: str) -> Deployed | None:
        return None if self.deleted >= self.times else Deployed(name, region, "DELETE_FAILED")

    def delete_stack(self, **_: Any) -> None:
        assert not self.protected
        self.deleted += 1

    def update_termination_protection(self, *, EnableTerminationProtection: bool, **_: Any) -> None:
        self.protected = EnableTerminationProtection

    def get_paginator(self, _: str) -> Filling:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        reason = {
            "LogicalResourceId": "Log",
            "ResourceStatus": "DELETE_FAILED",
            "ResourceStatusReason": "The bucket is not empty",
        }
        return [{"StackResourceSummaries": [reason]}]


def test_a_bucket_that_was_filled_after_it_was_emptied_is_emptied_again_and_what_lasts_is_told() -> None:
    filled, full = (Removal(Filling(times), sleep=lambda _: None) for times in (2, 9))
    for each in (filled, full):
        each.do(Step(Do.UNPROTECT, REGION, "cygni-data"))

    filled.do(Step(Do.DELETE_STACK, REGION, "cygni-data"))
    with pytest.raises(AccountRefused, match="Log: The bucket is not empty"):
        full.do(Step(Do.DELETE_STACK, REGION, "cygni-data"))


class Scripted(Account):
    """An account that answers as it is told, with what botocore's models allow; each call must be the next one told."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: dict[tuple[str, str], Stubber] = {}

    def told(self, service: str, region: str, call: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        if (service, region) not in self._answers:
            self._answers[service, region] = Stubber(self.client(service, region))
            self._answers[service, region].activate()
        self._answers[service, region].add_response(call, answer, asked)

    def was_asked_all(self) -> None:
        for each in self._answers.values():
            each.assert_no_pending_responses()


def test_a_table_goes_after_its_copy_in_the_other_region_and_both_unprotected_first() -> None:
    account, table = Scripted(), {"TableName": "cygni"}
    protected = {"Table": {"TableStatus": "ACTIVE", "DeletionProtectionEnabled": True}}
    copied = {"Table": {**protected["Table"], "Replicas": [{"RegionName": REGION}, {"RegionName": THERE}]}}
    free = {"Table": {"TableStatus": "ACTIVE"}}
    unprotected = {**table, "DeletionProtectionEnabled": False}
    for region, call, asked, answer in (
        (REGION, "describe_table", table, copied),
        (THERE, "describe_table", table, protected),
        (THERE, "update_table", unprotected, {}),
        (THERE, "describe_table", table, free),
        (REGION, "update_table", {**table, "ReplicaUpdates": [{"Delete": {"RegionName": THERE}}]}, {}),
        (REGION, "describe_table", table, {"Table": {**copied["Table"], "TableStatus": "UPDATING"}}),
        (REGION, "describe_table", table, protected),
        (REGION, "describe_table", table, protected),
        (REGION, "update_table", unprotected, {}),
        (REGION, "describe_table", table, free),
        (REGION, "delete_table", table, {}),
    ):
        account.told("dynamodb", region, call, asked, answer)

    Removal(account, sleep=lambda _: None).do(Step(Do.ERASE, REGION, "cygni", Kind.TABLE))

    account.was_asked_all()


def test_a_secret_goes_after_its_copies_and_a_copy_with_what_it_is_of() -> None:
    account, secret = Scripted(), {"SecretId": CREDENTIALS.name}
    copy = {"Region": THERE, "Status": "InSync"}
    for region, call, asked, answer in (
        (THERE, "describe_secret", secret, {"PrimaryRegion": REGION}),
        (REGION, "describe_secret", secret, {"PrimaryRegion": REGION, "ReplicationStatus": [copy]}),
        (REGION, "remove_regions_from_replication", {**secret, "RemoveReplicaRegions": [THERE]}, {}),
        (REGION, "describe_secret", secret, {"ReplicationStatus": [copy]}),
        (REGION, "describe_secret", secret, {}),
        (REGION, "delete_secret", {**secret, "ForceDeleteWithoutRecovery": True}, {}),
    ):
        account.told("secretsmanager", region, call, asked, answer)
    removal = Removal(account, sleep=lambda _: None)

    for region in (THERE, REGION):
        removal.do(Step(Do.ERASE, region, CREDENTIALS.name, Kind.SECRET))

    account.was_asked_all()


def test_a_cluster_is_unguarded_once_and_waited_for() -> None:
    account, cluster = Scripted(), {"name": "apps"}
    for call, asked, answer in (
        ("describe_cluster", cluster, {"cluster": {"status": "ACTIVE", "deletionProtection": True}}),
        ("update_cluster_config", {**cluster, "deletionProtection": False}, {}),
        ("describe_cluster", cluster, {"cluster": {"status": "UPDATING", "deletionProtection": True}}),
        ("describe_cluster", cluster, {"cluster": {"status": "ACTIVE", "deletionProtection": False}}),
        ("describe_cluster", cluster, {"cluster": {"status": "ACTIVE", "deletionProtection": False}}),
    ):
        account.told("eks", REGION, call, asked, answer)
    removal = Removal(account, sleep=lambda _: None)

    for _ in range(2):
        removal.do(Step(Do.UNGUARD, REGION, "apps"))

    account.was_asked_all()


def test_what_takes_too_long_is_given_up_with_what_to_do() -> None:
    class Slow(Filling):
        def stack(self, name: str, region: str) -> Deployed | None:
            return Deployed(name, region, "DELETE_IN_PROGRESS")

    now = iter(range(0, 10**6, 1000))
    slow = Removal(Slow(9), sleep=lambda _: None, clock=lambda: float(next(now)))
    slow.do(Step(Do.UNPROTECT, REGION, "cygni-data"))

    with pytest.raises(AccountRefused, match="still being deleted after an hour"):
        slow.do(Step(Do.DELETE_STACK, REGION, "cygni-data"))

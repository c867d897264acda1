"""What outlives everything else: tables, the bucket, the key that encrypts them, secrets."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from functions.catalog import REGIONAL_TABLES, TABLES, Table
from infra.grants import acknowledge, bucket_name, grant
from infra.pairs import KEY, REPLICA_KEY
from infra.rights import SIGN_IN, SIGNING_KEYS, Statement
from infra.sections import Data
from infra.settings import Settings

_BY_WAY = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What services do with the key for whoever uses them."""


class DataStack(cdk.Stack):
    """Tables with point-in-time recovery, a versioned bucket, the customer key, secrets.

    What others use: `key` and `bucket`. Tables and secrets are reached by their names, which are the catalog's.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, **more: Any) -> None:
        super().__init__(scope, id_, termination_protection=settings.data.guarded, **more)
        self._settings, self._standby = settings.data, settings.standby
        self.key = encryption_key(self, "Key", alias=KEY, data=settings.data)
        for each in TABLES:
            table(self, each, self.key, settings.data, copied_to=settings.standby.region if settings.standby else None)
        if settings.standby:
            regional_tables(self, self.key, settings.data)
        self.bucket = kept_bucket(self, "Bucket", self.key, settings.data)
        if settings.replica_region:
            self._build_replication(settings.replica_region)
        self._build_secret("SigningKeys", SIGNING_KEYS, "Keys that sign access tokens; cygni-rotate-signing-keys fills it.")
        self._build_secret("SignIn", SIGN_IN, "Providers that people sign in with; docs/sign-in.md has its format.")

    def _build_secret(self, id_: str, name: str, description: str) -> None:
        """A secret without a value: what fills it knows what a good one is."""
        copies = [{"region": self._standby.region, "kmsKeyId": REPLICA_KEY}] if self._standby else None
        made = secretsmanager.CfnSecret(
            self, id_, name=name, description=description, kms_key_id=self.key.key_arn, replica_regions=copies
        )
        made.apply_removal_policy(removal(self._settings))
        reason = "Its function rotates it each day." if name == SIGNING_KEYS else "Its values are the providers' to replace."
        acknowledge(made, "AwsSolutions-SMG4", reason)

    def _build_replication(self, region: str) -> None:
        """Copies every new object to the replica stack's bucket, whose name and key's alias are known beforehand."""
        there = bucket_name(self.account, region)
        source = f"arn:{self.partition}:s3:::{bucket_name(self.account, self.region)}"
        target = f"arn:{self.partition}:s3:::{there}"
        replica_keys = f"arn:{self.partition}:kms:{region}:{self.account}:key/*"
        role = iam.Role(
            self, "Replicator", assumed_by=iam.ServicePrincipal("s3.amazonaws.com"), description="Copies the bucket's objects."
        )
        grant(role, _replication(source, target, self.key.key_arn, replica_keys))
        rule = {
            "Id": "everything",
            "Status": "Enabled",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": {
                "Bucket": target,
                "EncryptionConfiguration": {
                    "ReplicaKmsKeyID": f"arn:{self.partition}:kms:{region}:{self.account}:{REPLICA_KEY}"
                },
            },
        }
        resource = self.bucket.node.default_child
        resource.add_property_override("ReplicationConfiguration", {"Role": role.role_arn, "Rules": [rule]})
        resource.node.add_dependency(role)


class ReplicaStack(cdk.Stack):
    """The bucket's copy in another region, and the key that encrypts it there; of a standby region also its own table."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, **more: Any) -> None:
        super().__init__(scope, id_, termination_protection=settings.data.guarded, **more)
        self.key = encryption_key(self, "Key", alias=REPLICA_KEY, data=settings.data)
        self.bucket = kept_bucket(self, "Bucket", self.key, settings.data)
        if settings.standby:
            regional_tables(self, self.key, settings.data)


def regional_tables(stack: cdk.Stack, key: kms.IKey, data: Data) -> None:
    """The tables that each region of a pair has by itself."""
    for each in REGIONAL_TABLES:
        table(stack, each, key, data)


def table(stack: cdk.Stack, declared: Table, key: kms.IKey, data: Data, *, copied_to: str | None = None) -> None:
    """A table of the catalog, and its replica in another region, encrypted with the key that has its alias there."""
    replica_key = f"arn:{stack.partition}:kms:{copied_to}:{stack.account}:{REPLICA_KEY}"
    made = dynamodb.TableV2(
        stack,
        "Table" + "".join(part.capitalize() for part in declared.name.split("-")),
        table_name=declared.name,
        partition_key=_text("pk"),
        sort_key=_text("sk"),
        global_secondary_indexes=[
            dynamodb.GlobalSecondaryIndexPropsV2(
                index_name=index, partition_key=_text(f"{index}pk"), sort_key=_text(f"{index}sk")
            )
            for index in declared.indexes
        ],
        billing=dynamodb.Billing.on_demand(),
        encryption=dynamodb.TableEncryptionV2.customer_managed_key(key, {copied_to: replica_key} if copied_to else None),
        replicas=[dynamodb.ReplicaTableProps(region=copied_to)] if copied_to else None,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
        time_to_live_attribute=declared.ttl,
        deletion_protection=data.guarded,
        removal_policy=removal(data),
    )
    cdk.Tags.of(made).add("cygni:holds", declared.name)


def encryption_key(scope: cdk.Stack, id_: str, *, alias: str, data: Data) -> kms.Key:
    """A customer key, rotated each year, which whoever may use the data may use by way of the service that holds it."""
    key = kms.Key(scope, id_, alias=alias, enable_key_rotation=True, removal_policy=removal(data))
    services = [f"{each}.{scope.region}.amazonaws.com" for each in ("dynamodb", "s3", "secretsmanager")]
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="ByWayOfWhatHoldsTheData",
            principals=[iam.AnyPrincipal()],
            actions=list(_BY_WAY),
            resources=["*"],
            conditions={"StringEquals": {"kms:CallerAccount": scope.account, "kms:ViaService": services}},
        )
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Alarms",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": scope.account}},
        )
    )
    return key


def kept_bucket(scope: cdk.Stack, id_: str, key: kms.Key, data: Data) -> s3.Bucket:
    """A bucket that is private, versioned and encrypted, speaks TLS only, and forgets what is old."""
    logs = s3.Bucket(
        scope,
        f"{id_}Log",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[_forget(data.source_days)],
        removal_policy=removal(data),
    )
    acknowledge(logs, "AwsSolutions-S1", "This bucket is where the other's accesses are logged.")
    return s3.Bucket(
        scope,
        id_,
        bucket_name=bucket_name(scope.account, scope.region),
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        server_access_logs_bucket=logs,
        lifecycle_rules=[_forget(data.source_days)],
        removal_policy=removal(data),
    )


def _forget(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        expiration=cdk.Duration.days(days),
        noncurrent_version_expiration=cdk.Duration.days(30),
        abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
    )


def removal(data: Data) -> cdk.RemovalPolicy:
    """What becomes of data when its stack is removed. A first deploy that fails takes back what it made, protected or not."""
    return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if data.protect else cdk.RemovalPolicy.DESTROY


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _replication(source: str, target: str, key: str, replica_keys: str) -> list[Statement]:
    objects = "Every object is copied."
    alias = {"StringEquals": {"kms:ResourceAliases": REPLICA_KEY}}
    return [
        Statement("ReadRules", ("s3:GetReplicationConfiguration", "s3:ListBucket"), (source,)),
        Statement(
            "ReadVersions",
            ("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"),
            (f"{source}/*",),
            because=objects,
        ),
        Statement(
            "WriteCopies", ("s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"), (f"{target}/*",), because=objects
        ),
        Statement("Decrypt", ("kms:Decrypt",), (key,)),
        Statement(
            "EncryptThere", ("kms:Encrypt",), (replica_keys,), alias, because="The condition names the key by its alias there."
        ),
    ]

"""What is traced where traces are switched on, and that nothing is loaded where they are not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from chalicelib.platform.kubeport import kind_in

TRACED = """
import json
from aws_xray_sdk.core import xray_recorder
from moto import mock_aws

sent = []
class Emitter:
    def send_entity(self, entity): sent.append(json.loads(entity.serialize()))
    def set_daemon_address(self, address): pass

with mock_aws():
    import boto3
    boto3.client("dynamodb", region_name="us-east-1").create_table(
        TableName="cygni", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="cygni")
    from chalicelib.platform.aws import client
    from chalicelib.platform.dynamodb import dynamodb
    from chalicelib.platform.tracing import recorder, subsegment
    recorder().configure(emitter=Emitter(), sampling=False)
    with xray_recorder.in_segment("cygni-api"):
        dynamodb().get_item(TableName="cygni", Key={"pk": {"S": "TEAM#secret"}, "sk": {"S": "s3cr3t"}})
        client("s3").put_object(Bucket="cygni", Key="team_s3cr3t/sources/x.tar.gz", Body=b"")
        with subsegment("kubernetes", "GET pods"):
            pass
        try:
            with subsegment("github.example", "POST"):
                raise ValueError("no")
        except ValueError:
            pass
with subsegment("kubernetes", "outside of an invocation"):
    pass
print(json.dumps(sent))
"""


def run(script: str, **variables: str) -> str:
    kept = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "t",
        "AWS_SECRET_ACCESS_KEY": "t",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env={**kept, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_calls_of_the_store_of_clusters_and_of_providers_are_subsegments_without_their_keys() -> None:
    printed = run(TRACED, CYGNI_TRACING="1")

    (segment,) = json.loads(printed.splitlines()[-1])
    found: dict[str, Any] = {each["name"]: each for each in segment["subsegments"]}
    assert list(found) == ["dynamodb", "s3", "kubernetes", "github.example"]
    assert found["dynamodb"]["aws"]["operation"] == "GetItem"
    assert found["s3"]["aws"]["operation"] == "PutObject"
    assert found["kubernetes"]["annotations"] == {"operation": "GET pods"}
    assert found["github.example"]["fault"] is True
    assert "s3cr3t" not in printed


def test_nothing_of_it_is_loaded_where_it_is_off() -> None:
    script = (
        "import sys\nfrom chalicelib.platform.tracing import recorder, subsegment\n"
        "with subsegment('a', 'b'): pass\nprint(recorder(), 'aws_xray_sdk' in sys.modules)"
    )

    assert run(script).split() == ["None", "False"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/namespaces/shop/pods/web-1/log", "pods"),
        ("/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/web?force=true", "httproutes"),
        ("/api/v1/namespaces/shop", "namespaces"),
        ("/version", ""),
    ],
)
def test_a_call_of_a_cluster_is_known_by_the_kind_that_it_is_about(path: str, kind: str) -> None:
    assert kind_in(path) == kind

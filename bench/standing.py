"""What is billed by the month though nobody uses it, as the synthesized templates of a stage have it."""

from __future__ import annotations

import json
from collections import Counter as Tally
from pathlib import Path

from bench.metering import Meter

FOLDER = Path(__file__).resolve().parents[1] / "build" / "cdk"
STAGES = ("dev", "prod")
UNITS = {
    "AWS::KMS::Key": "kms_key_month",
    "AWS::KMS::ReplicaKey": "kms_key_month",
    "AWS::SecretsManager::Secret": "secret_month",
    "AWS::CloudWatch::Alarm": "alarm_month",
}
BY_USE = frozenset(
    {
        *("AWS::ApiGateway::Account", "AWS::CodeBuild::Project", "AWS::DynamoDB::GlobalTable", "AWS::ECR::Repository"),
        *("AWS::Events::EventBus", "AWS::Events::Rule", "AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::S3::Bucket"),
        *(
            "AWS::SNS::Topic",
            "AWS::SQS::Queue",
            "AWS::Scheduler::Schedule",
            "AWS::Serverless::Api",
            "AWS::Serverless::Function",
        ),
        *("AWS::StepFunctions::StateMachine", "AWS::CloudFront::Distribution", "AWS::CloudWatch::Dashboard"),
    }
)
"""What costs nothing while it is not used. Of dashboards an account has three for nothing."""
LEFT_OUT = frozenset({"AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation"})
"""What the aim leaves out: the web ACL."""
FREE = (
    *("AWS::IAM::", "AWS::Lambda::", "AWS::CDK::", "Custom::", "AWS::ApiGateway::", "AWS::CloudFormation::", "AWS::Cognito"),
    *("AWS::CloudFront::", "AWS::Route53::RecordSet", "AWS::CertificateManager::", "AWS::S3::BucketPolicy"),
    *("AWS::SQS::QueuePolicy", "AWS::SNS::", "AWS::Events::", "AWS::Scheduler::", "AWS::KMS::Alias", "AWS::SecretsManager::"),
    *("AWS::StepFunctions::", "AWS::CodeDeploy::", "AWS::Logs::", "AWS::ECR::"),
)
"""Kinds, by what their names begin with, that describe, grant or name, and are not billed."""


def standing(stage: str, folder: Path = FOLDER) -> Meter:
    """Units of a month. Raises SystemExit where a stage was not synthesized, or has a kind that nobody has looked up."""
    kinds = Tally(
        each["Type"]
        for path in (folder / stage).glob("*.template.json")
        for each in json.loads(path.read_text()).get("Resources", {}).values()
    )
    if not kinds:
        raise SystemExit(f"{folder / stage} has no templates: run `make synth` first.")
    strange = sorted(kind for kind in kinds if kind not in {*UNITS, *BY_USE, *LEFT_OUT} and not kind.startswith(FREE))
    if strange:
        raise SystemExit(f"{stage} has {', '.join(strange)}: say in bench/standing.py what they cost while nobody uses them.")
    found = Meter()
    for kind, unit in UNITS.items():
        if kinds[kind]:
            found.add(unit, kinds[kind])
    return found

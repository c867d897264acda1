"""Creates in the embedded AWS what `functions/catalog.py` declares, as `infra/` does on AWS.

Everything here may run any number of times: what exists is left alone, what differs is brought up to date.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chalicelib.platform.aws import client, error_code
from cygni.local.cloud.emulator import ACCOUNT
from cygni.local.cloud.emulator import REGION as HOME
from functions.catalog import EVENT_AGE, RUNTIME, TRIES, Function, StateMachine, Table

ROLE = f"arn:aws:iam::{ACCOUNT}:role/cygni"
PREFIX = "cygni-"
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9:-]+)\}")


def create_tables(tables: Iterable[Table]) -> None:
    """Tables keyed by `pk` and `sk`, with sparse indexes keyed by `<index>pk` and `<index>sk`."""
    existing = set(client("dynamodb").list_tables()["TableNames"])
    for table in tables:
        if table.name not in existing:
            client("dynamodb").create_table(**table_request(table))
            if table.ttl:
                wanted = {"Enabled": True, "AttributeName": table.ttl}
                client("dynamodb").update_time_to_live(TableName=table.name, TimeToLiveSpecification=wanted)


def table_request(table: Table) -> dict[str, Any]:
    """The CreateTable request of a table."""
    keys = [("pk", "sk"), *((f"{index}pk", f"{index}sk") for index in table.indexes)]
    indexes = [
        {"IndexName": index, "KeySchema": _key(f"{index}pk", f"{index}sk"), "Projection": {"ProjectionType": "ALL"}}
        for index in table.indexes
    ]
    return {
        "TableName": table.name,
        "KeySchema": _key("pk", "sk"),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for pair in keys for name in pair],
        "BillingMode": "PAY_PER_REQUEST",
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _key(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def create_bucket(name: str) -> None:
    """The bucket of sources, plans and logs."""
    s3 = client("s3")
    elsewhere = s3.meta.region_name != HOME  # which alone may not be named as a bucket's place
    place = {"CreateBucketConfiguration": {"LocationConstraint": s3.meta.region_name}} if elsewhere else {}
    _once(lambda: s3.create_bucket(Bucket=name, **place), {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


def create_functions(functions: Iterable[Function]) -> None:
    """Every function through the Lambda API, with code that never runs: an invocation runs our handler instead."""
    pages = client("lambda").get_paginator("list_functions").paginate()
    existing = {each["FunctionName"]: each for page in pages for each in page["Functions"]}
    for function in functions:
        wanted = {"Handler": function.handler, "MemorySize": function.memory, "Timeout": function.timeout, "Runtime": RUNTIME}
        found = existing.get(function.name)
        if found is None:
            client("lambda").create_function(
                FunctionName=function.name, Role=ROLE, Code={"ZipFile": _EMPTY}, Description=function.description, **wanted
            )
        elif any(found.get(name) != value for name, value in wanted.items()):
            client("lambda").update_function_configuration(FunctionName=function.name, **wanted)


def create_dead_letters(queue: str, functions: Iterable[Function]) -> None:
    """The queue of events that a function failed on for good, kept for two weeks, and its place behind each function."""
    url = client("sqs").create_queue(QueueName=queue, Attributes={"MessageRetentionPeriod": str(14 * 86_400)})["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for function in functions:
        client("lambda").put_function_event_invoke_config(
            FunctionName=function.name,
            MaximumRetryAttempts=TRIES,
            MaximumEventAgeInSeconds=EVENT_AGE,
            DestinationConfig={"OnFailure": {"Destination": arn}},
        )


def create_machines(machines: Iterable[StateMachine], functions: Iterable[Function], folder: Path) -> None:
    """The state machines of `folder`, with the ARNs of functions and machines in place of their names."""
    machines = tuple(machines)
    values = placeholder_values(machines, functions)
    pages = client("stepfunctions").get_paginator("list_state_machines").paginate()
    existing = {each["name"] for page in pages for each in page["stateMachines"]}
    for machine in machines:
        definition = substitute((folder / f"{machine.name}.asl.json").read_text(), values)
        arn = values[f"machine:{machine.name}"]
        if machine.deployed_name not in existing:
            client("stepfunctions").create_state_machine(name=machine.deployed_name, definition=definition, roleArn=ROLE)
        elif client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"] != definition:
            client("stepfunctions").update_state_machine(stateMachineArn=arn, definition=definition)


def placeholder_values(machines: Iterable[StateMachine], functions: Iterable[Function]) -> dict[str, str]:
    """What the placeholders of a definition stand for: `function-name` and `machine:name` → ARN."""
    values = {each.name: function_arn(each) for each in functions}
    for machine in machines:
        values[f"machine:{machine.name}"] = f"arn:aws:states:{_region()}:{ACCOUNT}:stateMachine:{machine.deployed_name}"
    return values


def substitute(definition: str, values: Mapping[str, str]) -> str:
    """The definition with every placeholder replaced. One that stands for nothing raises KeyError."""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], definition)


def function_arn(function: Function) -> str:
    """The ARN of a function in the embedded AWS."""
    return f"arn:aws:lambda:{_region()}:{ACCOUNT}:function:{function.name}"


def _region() -> str:
    return str(client("lambda").meta.region_name)


def create_bus(name: str) -> None:
    """The bus of Cygni's own events."""
    _once(lambda: client("events").create_event_bus(Name=name), {"ResourceAlreadyExistsException"})


def create_rules(functions: Iterable[Function]) -> None:
    """An EventBridge rule for every function with a schedule or an event pattern; rules of functions that are gone go too."""
    events = client("events")
    wanted = {each.name: each for each in functions if each.schedule or each.events}
    for name in (each["Name"] for each in events.list_rules(NamePrefix=PREFIX)["Rules"]):
        if name not in wanted:
            targets = events.list_targets_by_rule(Rule=name)["Targets"]
            events.remove_targets(Rule=name, Ids=[each["Id"] for each in targets])
            events.delete_rule(Name=name)
    for name, function in wanted.items():
        when = {"ScheduleExpression": function.schedule} if function.schedule else {"EventPattern": json.dumps(function.events)}
        events.put_rule(Name=name, State="ENABLED", **when)
        events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": function_arn(function)}])


def create_secret(name: str, value: str) -> None:
    """A secret with this value; one that has it already gets no new version."""
    secrets = client("secretsmanager")
    try:
        held = secrets.get_secret_value(SecretId=name).get("SecretString")
    except Exception as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        secrets.create_secret(Name=name, SecretString=value)
        return
    if held != value:
        secrets.put_secret_value(SecretId=name, SecretString=value)


def create_build_project(name: str) -> None:
    """The CodeBuild project that builds run in; what a build does comes with each build."""
    request = {
        "name": name,
        "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {"type": "LINUX_CONTAINER", "image": "local", "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": ROLE,
    }
    _once(lambda: client("codebuild").create_project(**request), {"ResourceAlreadyExistsException"})


def _once(create: Any, exists: set[str]) -> None:
    try:
        create()
    except Exception as error:
        if error_code(error) not in exists:
            raise


def _empty_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), "")
    return data.getvalue()


_EMPTY = _empty_zip()

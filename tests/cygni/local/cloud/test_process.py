"""The cloud process as a whole: what it creates, that it builds, and that it comes back from any end."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from functions.catalog import API_FUNCTION, FUNCTIONS, STATE_MACHINES, TABLES
from tests.cygni.local.cloud.running import RunningCloud

pytestmark = pytest.mark.slow

SITE = {"index.html": "<h1>Hello</h1>"}
BUILD = ("build-plan", "build-start", "build-finished")
DEPLOYMENTS = "/v1/projects/shop/environments/prod/services/web/deployments"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A process that tests may read from, and restart, but not leave stopped."""
    cloud = RunningCloud(tmp_path_factory.mktemp("shared"))
    cloud.start()
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[RunningCloud]:
    """A process of the test's own."""
    cloud = RunningCloud(tmp_path)
    cloud.start()
    yield cloud
    cloud.stop()


def until(found: Callable[[], Any], seconds: float = 240.0) -> Any:
    """What `found` answers once it is something; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return value


def deploy(cloud: RunningCloud, files: Mapping[str, str] = SITE) -> str:
    """Creates the service and deploys a static site, or other files; the deployment's path."""
    cloud.api("POST", "/v1/projects", {"name": "shop"})
    cloud.api("POST", "/v1/projects/shop/environments/prod/services", {"name": "web"})
    source = cloud.upload("shop", files)
    return f"{DEPLOYMENTS}/{cloud.api('POST', DEPLOYMENTS, {'source': source})['id']}"


def logged(cloud: RunningCloud, deployment: str) -> set[str]:
    """The functions whose log lines name a deployment; all of these lines have one correlation id, that of its request."""
    printed = [json.loads(line) for line in cloud.log.read_text().splitlines() if line.startswith('{"level"')]
    told = [line for line in printed if line.get("deployment") == deployment]
    (request,) = {line["correlation_id"] for line in told}
    assert [line["route"] for line in printed if line["correlation_id"] == request and "route" in line] == ["create_deployment"]
    return {line["function_name"] for line in told}


def builds(cloud: RunningCloud) -> list[str]:
    """The states of all builds."""
    ids = cloud.aws("codebuild").list_builds()["ids"]
    return [each["buildStatus"] for each in cloud.aws("codebuild").batch_get_builds(ids=ids)["builds"]] if ids else []


def executions(cloud: RunningCloud, machine: str) -> list[dict[str, Any]]:
    """The executions of a state machine, newest first."""
    arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:cygni-{machine}"
    found: list[dict[str, Any]] = cloud.aws("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    return found


def inventory(cloud: RunningCloud) -> dict[str, Any]:
    """Everything the process created, as AWS tells it."""
    events = cloud.aws("events")
    rules = events.list_rules()["Rules"]
    tables = cloud.aws("dynamodb")
    machines = cloud.aws("stepfunctions")
    secrets = cloud.aws("secretsmanager")
    return {
        "functions": {each["FunctionName"]: each["Timeout"] for each in cloud.aws("lambda").list_functions()["Functions"]},
        "tables": {name: _indexes(tables.describe_table(TableName=name)) for name in tables.list_tables()["TableNames"]},
        "machines": {
            each["name"]: machines.describe_state_machine(stateMachineArn=each["stateMachineArn"])["definition"]
            for each in machines.list_state_machines()["stateMachines"]
        },
        "rules": {
            each["Name"]: [target["Arn"] for target in events.list_targets_by_rule(Rule=each["Name"])["Targets"]]
            for each in rules
        },
        "secrets": {
            each["Name"]: secrets.get_secret_value(SecretId=each["Name"])["SecretString"]
            for each in secrets.list_secrets()["SecretList"]
        },
        "buckets": [each["Name"] for each in cloud.aws("s3").list_buckets()["Buckets"]],
        "projects": cloud.aws("codebuild").list_projects()["projects"],
    }


def _indexes(described: dict[str, Any]) -> list[str]:
    return [each["IndexName"] for each in described["Table"].get("GlobalSecondaryIndexes", [])]


def test_everything_that_the_catalog_declares_is_there(shared: RunningCloud) -> None:
    found = inventory(shared)

    assert found["functions"] == {each.name: each.timeout for each in (*FUNCTIONS, API_FUNCTION)}
    assert found["tables"] == {each.name: list(each.indexes) for each in TABLES}
    assert set(found["machines"]) == {each.deployed_name for each in STATE_MACHINES}
    assert set(found["rules"]) == {each.name for each in FUNCTIONS if each.schedule or each.events}
    assert all(len(targets) == 1 for targets in found["rules"].values())
    assert (found["buckets"], found["projects"]) == (["cygni"], ["cygni-build"])


def test_there_is_a_key_to_sign_with_from_the_start(shared: RunningCloud) -> None:
    assert len(json.loads(inventory(shared)["secrets"]["cygni/signing-keys"])["keys"]) == 1


def test_no_placeholder_is_left_in_a_definition(shared: RunningCloud) -> None:
    assert not [name for name, definition in inventory(shared)["machines"].items() if "${" in definition]


def test_a_restart_finds_everything_and_doubles_nothing(shared: RunningCloud) -> None:
    before = inventory(shared)

    shared.stop()
    shared.start()

    assert inventory(shared) == before


def test_what_differs_from_the_catalog_is_brought_up_to_date(shared: RunningCloud) -> None:
    before = inventory(shared)
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:cygni-build"
    old = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    shared.aws("stepfunctions").update_state_machine(stateMachineArn=arn, definition=json.dumps(old))
    shared.aws("lambda").update_function_configuration(FunctionName="cygni-sweep", Timeout=7)
    shared.aws("events").put_rule(Name="cygni-of-old", ScheduleExpression="rate(1 minute)")
    shared.aws("events").put_targets(Rule="cygni-of-old", Targets=[{"Id": "function", "Arn": "arn:aws:lambda:::function:gone"}])
    release = {"pk": {"S": "TEAM#t#RELEASES#p#e#s"}, "sk": {"S": "RELEASE#000001"}}
    migration = {"pk": {"S": "INSTALLATION#MIGRATIONS"}, "sk": {"S": "MIGRATION#0001-pack-specs"}}
    tables = shared.aws("dynamodb")
    assert tables.get_item(TableName="cygni", Key=migration)["Item"]["done"] == {"BOOL": True}
    tables.delete_item(TableName="cygni", Key=migration)  # as a version that had no migrations left it
    tables.put_item(TableName="cygni", Item={**release, "spec": {"S": "{}"}})

    shared.stop()
    shared.start()

    assert inventory(shared) == before
    assert "B" in shared.aws("dynamodb").get_item(TableName="cygni", Key=release)["Item"]["spec"]
    shared.aws("dynamodb").delete_item(TableName="cygni", Key=release)


def test_the_identity_provider_is_in_the_secret_and_written_again_only_when_it_changes(shared: RunningCloud) -> None:
    def versions() -> list[str]:
        found = shared.aws("secretsmanager").list_secret_version_ids(SecretId="cygni/sign-in", IncludeDeprecated=True)
        return [each["VersionId"] for each in found["Versions"]]

    def providers() -> Any:
        held = json.loads(shared.aws("secretsmanager").get_secret_value(SecretId="cygni/sign-in")["SecretString"])
        return held["providers"]

    first = versions()
    assert providers()["local"]["client_secret"] == "s3cret"
    shared.stop()
    shared.start()
    assert versions() == first

    shared.stop()
    shared.idp_client_secret.write_text("another")
    shared.start()

    assert providers()["local"]["client_secret"] == "another"
    assert len(versions()) == 2
    assert "s3cret" not in shared.log.read_text()


def test_it_listens_on_loopback_only(shared: RunningCloud) -> None:
    assert shared.process is not None
    listening = [each for each in psutil.Process(shared.process.pid).net_connections() if each.status == psutil.CONN_LISTEN]

    assert {each.laddr.ip for each in listening} == {"127.0.0.1"}
    assert len(listening) == 2


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/_ministack/reset", {}), ("/cygni", {"Origin": "https://example.com"}), ("/", {"Host": "rebound.example.com"})],
)
def test_no_web_page_gets_at_the_embedded_aws(shared: RunningCloud, path: str, headers: dict[str, str]) -> None:
    answer = httpx.post(shared.addresses["aws"] + path, headers=headers, timeout=60)

    assert answer.status_code == 403
    assert shared.aws("s3").list_buckets()["Buckets"]


def test_a_developers_own_account_is_out_of_its_reach(shared: RunningCloud) -> None:
    assert shared.process is not None
    assert shared.api("GET", "/v1/projects")["items"] is not None  # AWS_PROFILE names a profile that does not exist


def test_its_state_is_for_its_owner_only(shared: RunningCloud) -> None:
    folder = shared.folder / "state" / "aws"

    assert [oct(os.stat(folder / name).st_mode & 0o077) for name in ("services", "s3")] == ["0o0", "0o0"]


def test_a_deployment_is_built_for_real_and_its_workflow_hears_of_it(cloud: RunningCloud) -> None:
    path = deploy(cloud)

    until(lambda: builds(cloud) == ["SUCCEEDED"])

    until(lambda: [each["status"] for each in executions(cloud, "build")] == ["SUCCEEDED"])
    log = cloud.api("GET", f"{path}/build-log")
    assert any(line.startswith("Built sha256:") for line in log["lines"])
    image = next(iter((cloud.folder / "images").glob("sha256-*")))
    assert (image / "app" / "index.html").read_text() == "<h1>Hello</h1>"


def test_a_build_that_fails_ends_the_deployment_with_what_it_said(cloud: RunningCloud) -> None:
    path = deploy(cloud, {"package.json": '{"scripts": {"build": "echo all is lost; exit 3", "start": "node ."}}'})

    found = until(lambda: (each := cloud.api("GET", path))["ended"] and each)

    assert builds(cloud) == ["FAILED"]
    assert found["state"] == "failed"
    assert "all is lost" in found["outcome"]
    assert any("all is lost" in line for line in cloud.api("GET", f"{path}/build-log")["lines"])
    until(lambda: "deploy-finish" in cloud.log.read_text().rpartition(found["id"])[0])  # it speaks once it has written
    assert logged(cloud, found["id"]) == {f"cygni-{each}" for each in ("api", "deploy-begin", *BUILD, "deploy-finish")}


def test_an_abort_ends_the_processes_of_a_build(cloud: RunningCloud) -> None:
    assert cloud.process is not None
    process = psutil.Process(cloud.process.pid)
    path = deploy(cloud, {"package.json": '{"scripts": {"build": "sleep 300", "start": "node ."}}'})
    until(lambda: _sleeps(process))

    cloud.api("POST", f"{path}/abort")

    until(lambda: cloud.api("GET", path)["ended"])
    until(lambda: builds(cloud) == ["STOPPED"])
    until(lambda: not process.children(recursive=True))


def _sleeps(process: psutil.Process) -> bool:
    """Whether the build's command runs. Others come and go meanwhile."""
    with suppress(psutil.Error):
        return any("300" in each.cmdline() for each in process.children(recursive=True))
    return False


def test_a_deploy_in_flight_goes_on_after_a_kill(cloud: RunningCloud) -> None:
    deployment = deploy(cloud).rpartition("/")[2]
    saved = cloud.folder / "state" / "aws" / "services"
    until(lambda: all(deployment in (saved / name).read_text() for name in ("dynamodb.json", "stepfunctions.json")))
    cloud.kill()

    cloud.start()

    until(lambda: f"{deployment}-2" in [each["name"] for each in executions(cloud, "deploy")])
    until(lambda: "SUCCEEDED" in builds(cloud))
    until(lambda: "SUCCEEDED" in [each["status"] for each in executions(cloud, "build")])


def test_a_kill_while_it_writes_loses_seconds_and_breaks_nothing(cloud: RunningCloud) -> None:
    table, written = cloud.aws("dynamodb"), 0
    saved = cloud.folder / "state" / "aws" / "services" / "dynamodb.json"
    until(saved.exists)
    for attempt in range(4):
        ends = time.monotonic() + 2.0 + 0.17 * attempt
        snapshots, seen = [0], saved.stat().st_mtime_ns
        while time.monotonic() < ends or len(snapshots) < 4:
            key = {"pk": {"S": f"TEAM#t#{written % 50}"}, "sk": {"S": str(written)}}
            table.put_item(TableName="cygni", Item={**key, "text": {"S": "x" * 2000}})
            written += 1
            time.sleep(0.005)  # a busy control plane, not a benchmark of the disk
            if (now := saved.stat().st_mtime_ns) != seen:
                seen = now
                snapshots.append(written)
        cloud.kill()
        safe = snapshots[-3]  # the last snapshot began after the one before it was seen, which held all of these

        cloud.start()

        own = {"FilterExpression": "begins_with(pk, :own)", "ExpressionAttributeValues": {":own": {"S": "TEAM#t#"}}}
        pages = table.get_paginator("scan").paginate(TableName="cygni", Select="COUNT", **own)
        have = sum(page["Count"] for page in pages)
        assert safe <= have <= written
        written = have
    assert inventory(cloud)["tables"] == {each.name: list(each.indexes) for each in TABLES}

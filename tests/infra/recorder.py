"""Which AWS call each function makes, in the words of policies: action, ARN, and the partition keys it touches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

PARTITION, REGION, ACCOUNT = "aws", "us-east-1", "123456789012"
_INSIDE = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Delete": "DeleteItem",
    "Update": "UpdateItem",
    "ConditionCheck": "ConditionCheckItem",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One thing asked of AWS: by which function, or which role that it assumed for a team. `keys` are partition keys."""

    by: str
    action: str
    resource: str
    keys: tuple[str, ...] = ()
    team: str = ""

    def of_team(self, team: str) -> Call:
        """The same, asked by the session of another team."""
        return replace(self, team=team)


@dataclass
class Recorder:
    """Calls by function. What is called while no function runs belongs to the test itself and is not kept."""

    calls: list[Call] = field(default_factory=list)
    sessions: dict[str, tuple[str, str]] = field(default_factory=dict)
    current: str | None = None
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens, once, right after an operation: by its name."""
    entered: Callable[[str | None], None] = lambda _function: None
    """Hears which function runs from now on."""

    @contextmanager
    def running(self, function: str) -> Iterator[None]:
        """What is called within is this function's."""
        before, self.current = self.current, function
        self.entered(function)
        try:
            yield
        finally:
            self.current = before
            self.entered(before)

    def note(self, client: Any, operation: str, asked: dict[str, Any]) -> None:
        """Keeps one call."""
        if self.current is None:
            return
        credentials = client._request_signer._credentials
        by, team = self.sessions.get(getattr(credentials, "token", None) or "", (self.current, ""))
        found = asked_of(client.meta.service_model.service_name, operation, asked)
        here = f":{REGION}:", f":{client.meta.region_name}:"
        for action, resource, keys in found:
            self.calls.append(Call(by, action, resource.replace(*here), keys, team))

    def answered(self, operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Remembers whose a session is, and that assuming a role with tags takes a right of its own."""
        if operation == "AssumeRole" and self.current is not None and "Tags" in asked:
            self.sessions[answer["Credentials"]["SessionToken"]] = asked["RoleArn"], asked["Tags"][0]["Value"]
            self.calls.append(Call(self.current, "sts:TagSession", asked["RoleArn"]))
        if operation in self.meanwhile:
            self.meanwhile.pop(operation)()

    def failed(self, operation: str, asked: dict[str, Any], error: ClientError) -> None:
        """An object that is absent is told from one that may not be read by the right to list."""
        if (
            operation in {"GetObject", "HeadObject"}
            and error.response["Error"]["Code"] in {"NoSuchKey", "404"}
            and self.current
        ):
            self.calls.append(Call(self.current, "s3:ListBucket", f"arn:{PARTITION}:s3:::{asked['Bucket']}"))


@contextmanager
def recording() -> Iterator[Recorder]:
    """Hears of every call that any client of this process makes, and of every address that one signs."""
    recorder, signed, made = Recorder(), BaseClient._emit_api_params, BaseClient._make_api_call

    def sign(client: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
        recorder.note(client, operation_model.name, api_params)
        return signed(client, api_params, operation_model, context)

    def make(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        try:
            answer = made(client, operation, asked)
        except ClientError as error:
            recorder.failed(operation, asked, error)
            raise
        recorder.answered(operation, asked, answer)
        return answer

    BaseClient._emit_api_params, BaseClient._make_api_call = sign, make
    try:
        yield recorder
    finally:
        BaseClient._emit_api_params, BaseClient._make_api_call = signed, made


def arn(service: str, rest: str, *, global_: bool = False) -> str:
    """An ARN of the account that the tests run in."""
    return f"arn:{PARTITION}:{service}:{'' if global_ else REGION}:{'' if service == 's3' else ACCOUNT}:{rest}"


Asked = tuple[str, str, tuple[str, ...]]


def asked_of(service: str, operation: str, asked: dict[str, Any]) -> list[Asked]:
    """What IAM is asked when this call arrives. A call that nobody here has met raises KeyError: it needs its line."""
    if service == "dynamodb":
        return _of_dynamodb(operation, asked)
    if operation == "DeleteObjects":
        keys = (each["Key"] for each in asked["Delete"]["Objects"])
        return [("s3:DeleteObject", arn("s3", f"{asked['Bucket']}/{key}", global_=True), ()) for key in keys]
    names = [_NAMES.get(operation, operation), *(["ReplicateSecretToRegions"] if "AddReplicaRegions" in asked else [])]
    return [(f"{_PREFIXES.get(service, service)}:{each}", _RESOURCES[service](operation, asked), ()) for each in names]


_PREFIXES = {"stepfunctions": "states"}
_NAMES = {"HeadObject": "GetObject", "Invoke": "InvokeFunction"}


def _of_dynamodb(operation: str, asked: dict[str, Any]) -> list[Asked]:
    if operation.startswith("Transact"):
        found = []
        for each in asked["TransactItems"]:
            ((kind, request),) = each.items()
            found += _of_dynamodb(_INSIDE[kind], request)
        return found
    table = arn("dynamodb", f"table/{asked['TableName']}")
    if "IndexName" in asked:
        table += f"/index/{asked['IndexName']}"
    if operation == "Scan":
        return [(f"dynamodb:{operation}", table, ())]
    key = asked["ExpressionAttributeValues"][":pk"] if operation == "Query" else (asked.get("Key") or asked["Item"])["pk"]
    return [(f"dynamodb:{operation}", table, (key["S"],))]


def _machine(operation: str, asked: dict[str, Any]) -> str:
    if "taskToken" in asked:
        return "*"  # the token names the execution; policies may name the state machine, which the caller does not
    found = asked.get("stateMachineArn") or asked["executionArn"]
    parts = str(found).split(":")
    parts[4] = ACCOUNT
    return ":".join(parts)


def _qualifier(asked: dict[str, Any]) -> list[str]:
    return [asked["Qualifier"]] if "Qualifier" in asked else []


_RESOURCES = {
    "events": lambda operation, asked: arn("events", f"event-bus/{asked['Entries'][0]['EventBusName']}"),
    "s3": lambda operation, asked: arn("s3", f"{asked['Bucket']}/{asked['Key']}", global_=True),
    "stepfunctions": _machine,
    "lambda": lambda operation, asked: arn("lambda", ":".join(["function", asked["FunctionName"], *_qualifier(asked)])),
    "codebuild": lambda operation, asked: arn(
        "codebuild", f"project/{asked.get('projectName') or asked['id'].partition(':')[0]}"
    ),
    "logs": lambda operation, asked: arn("logs", f"log-group:{asked['logGroupName']}:log-stream:{asked['logStreamName']}"),
    "secretsmanager": lambda operation, asked: arn("secretsmanager", f"secret:{asked.get('SecretId') or asked['Name']}-AbCdEf"),
    "sts": lambda operation, asked: str(asked["RoleArn"]),
    "eks": lambda operation, asked: arn("eks", f"cluster/{asked['name']}"),
}

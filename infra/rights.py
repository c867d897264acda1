"""What the words of a function's rights mean on AWS. Pure: words and places in, statements out.

1. No action is a pattern, and no resource is `*` where AWS lets an action name what it touches.
2. A word that nobody knows is an error, so that the catalog cannot ask for what is not rendered.
3. A part of a resource that only a request knows (a team, a build) is `*`, and the statement says why in `because`.

`tests/infra/test_rights.py` plays all that functions do, and holds both directions: what a function asks of AWS is allowed, and
what is allowed is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from functions.catalog import BUILD_PROJECT, EVENT_BUS, RELEASE


class UnknownRight(KeyError):
    """The catalog has words that stand for nothing here."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement that allows. `because` says why a resource has a pattern, where one has."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: dict[str, dict[str, Any]] = field(default_factory=dict, hash=False)
    because: str = ""

    def to_json(self) -> dict[str, Any]:
        """As it stands in a policy."""
        more = {"Condition": self.conditions} if self.conditions else {}
        return {"Sid": self.sid, "Effect": "Allow", "Action": list(self.actions), "Resource": list(self.resources), **more}


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are. Names are the catalog's, so that ARNs need no look-up; those of roles may have a `suffix`."""

    partition: str
    region: str
    account: str
    bucket: str
    suffix: str = ""

    def arn(self, service: str, rest: str) -> str:
        """An ARN in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def table(self, name: str) -> str:
        """A table."""
        return self.arn("dynamodb", f"table/{name}")

    def objects(self, pattern: str) -> str:
        """Objects of the bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket}/{pattern}"

    @property
    def whole_bucket(self) -> str:
        """The bucket itself."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def tenant_role(self) -> str:
        """The role that one team's requests are served with."""
        return self._role(TENANT_ROLE)

    @property
    def member_role(self) -> str:
        """The role that changes a team and its people."""
        return self._role(MEMBER_ROLE)

    def _role(self, name: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{name}{self.suffix}"

    def function(self, name: str) -> str:
        """A function of the catalog."""
        return self.arn("lambda", f"function:{name}")

    def released(self, name: str) -> str:
        """The alias of a function that names the release in use."""
        return f"{self.function(name)}:{RELEASE}"

    def versions(self, name: str) -> str:
        """Every version of a function."""
        return f"{self.function(name)}:*"

    def released_machine(self, name: str) -> str:
        """The alias of a state machine that names the release in use."""
        return f"{self.machine(name)}:{RELEASE}"

    def machine(self, name: str) -> str:
        """A state machine of the catalog, by its short name."""
        return self.arn("states", f"stateMachine:cygni-{name}")

    def secret(self, name: str) -> str:
        """A secret; the six characters that Secrets Manager adds to names are anybody's guess."""
        return self.arn("secretsmanager", f"secret:{name}-??????")


Render = Callable[[Places], Iterable[Statement]]

_TEAM = "The first part of an object's name is its team, and a function serves them all."
_SUFFIX = "Secrets Manager adds six characters of its own to a secret's name."
TENANT_ROLE, MEMBER_ROLE = "cygni-tenant", "cygni-member"
SIGNING_KEYS, SIGN_IN, CLUSTERS = "cygni/signing-keys", "cygni/sign-in", "cygni/clusters"
_REGISTERED = "A secret is named by the team and by when it was registered. " + _SUFFIX


def _table(sid: str, name: str, *actions: str, index: str = "") -> Render:
    def render(places: Places) -> Iterable[Statement]:
        resource = places.table(name) + (f"/index/{index}" if index else "")
        yield Statement(sid, tuple(f"dynamodb:{each}" for each in actions), (resource,))

    return render


def _objects(sid: str, action: str, pattern: str) -> Render:
    def render(places: Places) -> Iterable[Statement]:
        yield Statement(sid, (f"s3:{action}",), (places.objects(pattern),), because=_TEAM)

    return render


def _object_reads(sid: str, pattern: str) -> Render:
    """Reading what may be absent: without the right to list, S3 says 403 where it should say 404."""

    def render(places: Places) -> Iterable[Statement]:
        yield from _objects(sid, "GetObject", pattern)(places)
        yield Statement("SeeAbsentObjects", ("s3:ListBucket",), (places.whole_bucket,))

    return render


def _build_log(places: Places) -> Iterable[Statement]:
    yield from _object_reads("ReadBuildLogs", "*/builds/*/log.txt")(places)
    streams = places.arn("logs", f"log-group:/aws/codebuild/{BUILD_PROJECT}:log-stream:*")
    yield Statement("FollowBuilds", ("logs:GetLogEvents",), (streams,), because="A stream is named by its build.")


def _builds(sid: str, action: str) -> Render:
    def render(places: Places) -> Iterable[Statement]:
        yield Statement(sid, (f"codebuild:{action}",), (places.arn("codebuild", f"project/{BUILD_PROJECT}"),))

    return render


def _tokens(places: Places) -> Iterable[Statement]:
    del places
    actions = ("states:SendTaskFailure", "states:SendTaskSuccess")
    because = "AWS lets these actions name nothing; whoever answers must hold the token of the task."
    yield Statement("AnswerTaskTokens", actions, ("*",), because=because)


def _secret(sid: str, name: str, *actions: str) -> Render:
    def render(places: Places) -> Iterable[Statement]:
        yield Statement(sid, tuple(f"secretsmanager:{each}" for each in actions), (places.secret(name),), because=_SUFFIX)

    return render


ONE_TEAM: dict[str, dict[str, Any]] = {
    "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    "Null": {"aws:RequestTag/team": "false"},
}
"""The condition that a session is tagged with a team, and with nothing else."""


def _tenant(places: Places) -> Iterable[Statement]:
    yield Statement("ActForOneTeam", ("sts:AssumeRole", "sts:TagSession"), (places.tenant_role,), ONE_TEAM)


def _member(places: Places) -> Iterable[Statement]:
    yield Statement("ActForATeamAndPeople", ("sts:AssumeRole", "sts:TagSession"), (places.member_role,), ONE_TEAM)


def _belonging(places: Places) -> Iterable[Statement]:
    because = (
        "Whether a caller belongs to a team is read before anything is done for that team: an API key's hash, a membership, an "
        "invitation. So no session can be tagged with it yet, and this right alone knows no team: one record by its whole key."
    )
    yield Statement("LookWhoBelongs", ("dynamodb:GetItem",), (places.table("cygni"),), because=because)


def _clusters(places: Places) -> Iterable[Statement]:
    """Registered clusters have credentials of their own, and some a role that whoever registered them lets Cygni assume."""
    secrets = places.secret(f"{CLUSTERS}/*")
    yield Statement("ReadClusterCredentials", ("secretsmanager:GetSecretValue",), (secrets,), because=_REGISTERED)
    roles = f"arn:{places.partition}:iam::*:role/cygni-cluster-*"
    because = "A cluster's role is in its owner's account, and its trust policy asks for the owner's team as external id."
    yield Statement("AssumeClusterRoles", ("sts:AssumeRole",), (roles,), because=because)


def _credentials(places: Places) -> Iterable[Statement]:
    actions = tuple(f"secretsmanager:{each}" for each in ("CreateSecret", "DeleteSecret", "PutSecretValue"))
    secrets = places.secret(f"{CLUSTERS}/*")
    yield Statement("ReplaceClusterCredentials", actions, (secrets,), because=_REGISTERED)


def _events(places: Places) -> Iterable[Statement]:
    yield Statement("PublishEvents", ("events:PutEvents",), (places.arn("events", f"event-bus/{EVENT_BUS}"),))


def _nothing(_places: Places) -> Iterable[Statement]:
    """What is not AWS's to allow: metrics are read with credentials of their own."""
    return ()


MEANINGS: dict[str, Render] = {
    "read records": _table("ReadRecords", "cygni", "GetItem"),
    "write records": _table("WriteRecords", "cygni", "PutItem"),
    "list records": _table("ListRecords", "cygni", "Query"),
    "count and compare records": _table("CountRecords", "cygni", "ConditionCheckItem", "UpdateItem"),
    "delete records": _table("DeleteRecords", "cygni", "DeleteItem"),
    "list busy services": _table("ListBusyServices", "cygni", "Query", index="gsi1"),
    "read and write people": _table(
        "ReadAndWritePeople", "cygni-identity", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"
    ),
    "remember requests": _table("RememberRequests", "cygni-idempotency", "GetItem", "PutItem"),
    "read and write the audit trail": _table("AppendToTheTrail", "cygni-audit", "PutItem", "Query"),
    "append to the audit trail": _table("OnlyAppendToTheTrail", "cygni-audit", "PutItem"),
    "change memberships": _table("ChangeMemberships", "cygni-identity", "DeleteItem", "PutItem"),
    "act for one team at a time": _tenant,
    "act for one team and its people": _member,
    "look who belongs to a team": _belonging,
    "write sources": _objects("WriteSources", "PutObject", "*/sources/*"),
    "look for sources": _object_reads("LookForSources", "*/sources/*"),
    "read sources": _objects("ReadSources", "GetObject", "*/sources/*"),
    "write plans": _objects("WritePlans", "PutObject", "*/builds/*/plan.json"),
    "read results": _object_reads("ReadResults", "*/builds/*/result.json"),
    "delete sources": _objects("DeleteSources", "DeleteObject", "*/sources/*"),
    "delete builds": _objects("DeleteBuilds", "DeleteObject", "*/builds/*"),
    "read build logs": _build_log,
    "start builds": _builds("StartBuilds", "StartBuild"),
    "stop builds": _builds("StopBuilds", "StopBuild"),
    "answer task tokens": _tokens,
    "read signing keys": _secret("ReadSigningKeys", SIGNING_KEYS, "GetSecretValue"),
    "read and write signing keys": _secret("ReplaceSigningKeys", SIGNING_KEYS, "GetSecretValue", "PutSecretValue"),
    "read sign-in providers": _secret("ReadSignInProviders", SIGN_IN, "GetSecretValue"),
    "migrate records": _table(
        "MigrateRecords", "cygni", "ConditionCheckItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"
    ),
    "list registered clusters": _table("ListRegisteredClusters", "cygni", "Query", index="gsi1"),
    "replace cluster credentials": _credentials,
    "reach clusters": _clusters,
    "move the work between regions": _nothing,  # tables that only a pair of regions has: infra/pairs.py
    "read metrics": _nothing,
    "publish events": _events,
}
"""Words that stand for themselves."""


def statements(rights: Iterable[str], places: Places) -> tuple[Statement, ...]:
    """The policy of a function that has these rights: one statement for each thing it does. Raises UnknownRight."""
    found: dict[str, Statement] = {}
    for right in rights:
        for each in _meaning(right)(places):
            known = found.get(each.sid)
            if known is not None and known != each:
                raise ValueError(f"two rights render a different {each.sid}")
            found[each.sid] = each
    return tuple(found.values())


def _meaning(right: str) -> Render:
    verb, _, name = right.partition(" ")
    if right in MEANINGS:
        return MEANINGS[right]
    if verb == "start":
        return lambda places: [Statement(_sid("Start", name), ("states:StartExecution",), (places.released_machine(name),))]
    if verb == "invoke":
        return lambda places: [Statement(_sid("Invoke", name), ("lambda:InvokeFunction",), (places.released(name),))]
    if verb == "continue":
        return lambda places: [_continue(name, places)]
    if verb == "follow":
        return lambda places: _follow(name, places)
    raise UnknownRight(f"{right!r} stands for nothing in infra/rights.py")


def _continue(name: str, places: Places) -> Statement:
    because = "A run goes on in the version that it began with, and what a version did that version takes back."
    return Statement(_sid("Continue", name), ("lambda:InvokeFunction",), (places.versions(name),), because=because)


def _follow(name: str, places: Places) -> Iterable[Statement]:
    executions = places.arn("states", f"execution:cygni-{name}:*")
    because = "An execution is named by its deployment."
    yield Statement(_sid("Follow", name), ("states:DescribeExecution",), (executions,), because=because)
    yield Statement(_sid("FindRunning", name), ("states:ListExecutions",), (places.machine(name),))


def _sid(verb: str, name: str) -> str:
    return verb + "".join(part.capitalize() for part in name.removeprefix("cygni-").split("-"))


def of_lambda_itself(name: str, places: Places, *, dead_letters: str = "", tracing: bool = False) -> tuple[Statement, ...]:
    """What Lambda does in a function's name: writing its log, tracing it, and keeping an event that failed."""
    log = places.arn("logs", f"log-group:/aws/lambda/{name}:log-stream:*")
    written = Statement(
        "WriteItsLog", ("logs:CreateLogStream", "logs:PutLogEvents"), (log,), because="Lambda names streams by instance."
    )
    kept = Statement("KeepFailedEvents", ("sqs:SendMessage",), (dead_letters,))
    sent = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
    traced = Statement("SendTraces", sent, ("*",), because="X-Ray knows no resources to which these could be limited.")
    return (written, *([kept] if dead_letters else []), *([traced] if tracing else []))

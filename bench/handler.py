"""What the API adds to a request: an authenticated GET in process, against FastAPI with Mangum and a bare handler.

The caller is a member with an access token, which carries the membership: nothing is looked up for it. A warm process sees a
token again and again; "new tokens" are proven by their signature for the first time, with each request another.

A service and a deployment are read. The store is stubbed where botocore would make the call (`BaseClient._make_api_call`), so
that all have the same canned item for nothing; what signing and sending would take is not in the figures. All check the same
token; the peer has our own service, views and models behind its routes, so that the difference is the framework and the edge.

usage: python -m bench.handler [TIMES]
"""

import hmac
import json
import logging
import os
import sys
from datetime import timedelta
from functools import cache, partial, wraps
from itertools import cycle
from statistics import median
from typing import Annotated, Any

from bench.figures import line, microseconds, ratio, verdict

TEAM = "team_01J00000000000000000000000"
REGION = "us-east-1"
os.environ.update(
    CYGNI_REGION=REGION,
    CYGNI_REQUESTS_PER_MINUTE=str(10**9),
    AWS_ACCESS_KEY_ID="x",
    AWS_SECRET_ACCESS_KEY="x",
    AWS_DEFAULT_REGION=REGION,
)
SERVICE = "/v1/projects/{project}/environments/{environment}/services/{service}"
DEPLOYMENT = SERVICE + "/deployments/{deployment}"
NAMES = {"project": "hello", "environment": "prod", "service": "web"}
PEER = "FastAPI + Mangum"
MANY = 3000
"""Tokens: more than a process remembers as proven."""
ID = "dep_01KDYAK3480000000000000004"
ITEM = {
    "pk": {"S": f"TEAM#{TEAM}#PROJECT#hello"},
    "sk": {"S": "SERVICE#prod#web"},
    "team": {"S": TEAM},
    "project": {"S": "hello"},
    "environment": {"S": "prod"},
    "name": {"S": "web"},
    "description": {"S": ""},
    "created_at": {"S": "2026-01-02T03:04:05.000000+0000"},
    "deleting": {"BOOL": False},
    "live": {"N": "3"},
    "last": {"N": "3"},
    "version": {"N": "7"},
}


@cache
def signing_keys() -> Any:
    """The keys of this run."""
    from chalicelib.identity.keymaking import make_key
    from chalicelib.identity.signing import KeySet, rotated
    from chalicelib.platform.clock import utc_now

    return rotated(KeySet(), utc_now(), make_key)


@cache
def tokens(many: int) -> tuple[str, ...]:
    """So many different access tokens of a Developer of the team."""
    from chalicelib.identity.tokens import AccessClaims, mint
    from chalicelib.platform.clock import utc_now
    from chalicelib.platform.settings import settings

    now, known = utc_now(), settings()
    who = ("usr_01KDYAK3480000000000000001", "user", TEAM, REGION, "developer", (), "ses_01KDYAK3480000000000000003", "Ada")
    times = (now, now + timedelta(minutes=15))
    claims = [AccessClaims(*who, *times, f"tok_{number:026d}") for number in range(many)]  # type: ignore[arg-type]
    key = signing_keys().keys[0]
    return tuple(mint(each, key, issuer=known.issuer, audience=known.audience) for each in claims)


def event(resource: str, token: str = "") -> dict[str, Any]:
    """API Gateway's REST proxy event."""
    values = NAMES if resource == SERVICE else {**NAMES, "deployment": ID}
    headers = {"authorization": f"Bearer {token or tokens(1)[0]}", "accept": "application/json", "host": "api"}
    return {
        "resource": resource,
        "path": resource.format(**values),
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": values,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "GET",
            "resourcePath": resource,
            "path": resource.format(**values),
            "requestId": "req",
            "stage": "api",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def deployment_item() -> Any:
    """A deployment in the midst of its canary, as the table keeps it."""
    from chalicelib.deployments.models import DeploymentRecord
    from chalicelib.platform.clock import utc_now
    from chalicelib.rollouts.service import Phase, RolloutState, Strategy, strategy_to_dict

    record = DeploymentRecord(f"TEAM#{TEAM}#DEPLOYMENTS#hello#prod#web", ID, team=TEAM, **NAMES, created_by="admin")
    record.kind, record.state, record.number, record.stable, record.version = "deploy", "rolling_out", 4, 3, 9
    record.image, record.created_at = "registry.localhost/hello/web@sha256:" + "a" * 64, utc_now()
    record.rollout = RolloutState(Phase.ANALYSING, weight=20).to_dict()
    record.strategy = strategy_to_dict(Strategy(steps=()))
    for number in range(8):
        record.tell(utc_now(), "shifted", f"{number} % of requests go to release 4.")
    return record.serialize()


def stub_store() -> None:
    """Answers every call of botocore with a canned item."""
    from botocore.client import BaseClient

    from chalicelib.identity.signing import to_text

    deployment, keys = deployment_item(), to_text(signing_keys())

    def answer(_self: Any, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        if name == "UpdateItem":  # a caller's counter of requests
            return {"Attributes": {"taken": {"N": "1"}}}
        if name == "GetSecretValue":
            return {"SecretString": keys}
        return {"Item": deployment if asked["Key"]["sk"]["S"] == ID else ITEM}

    BaseClient._make_api_call = answer


def ours() -> Any:
    """The API as Lambda runs it."""
    from app import app

    return lambda asked: app(asked, None)


def peer(*, threads: bool) -> Any:
    """The same routes on FastAPI behind Mangum.

    With `threads` as FastAPI has it for code that waits for a store: plain functions, run in its pool. Without, coroutines that
    hold up their loop meanwhile: wrong on a server, harmless in a Lambda function, which has one request at a time.
    """
    from fastapi import Depends, FastAPI, Header, HTTPException
    from mangum import Mangum

    from chalicelib.api.views import deployment_view, service_view
    from chalicelib.api.world import real_world
    from chalicelib.deployments import service as deployments
    from chalicelib.deployments.schemas import DeploymentView
    from chalicelib.platform.clock import utc_now
    from chalicelib.platform.settings import settings
    from chalicelib.projects import service as projects
    from chalicelib.projects.schemas import ServiceView

    api, authenticate = FastAPI(), real_world().authenticate

    async def caller_in_loop(authorization: str = Header("")) -> Any:
        return caller(authorization)

    def caller(authorization: str = Header("")) -> Any:
        try:
            return authenticate(authorization, utc_now())
        except Exception as error:
            raise HTTPException(401) from error

    known_caller = Annotated[Any, Depends(caller if threads else caller_in_loop)]

    def get_service(project: str, environment: str, service: str, who: known_caller) -> Any:
        key = projects.ServiceKey(who.team, project, environment, service)
        return service_view(projects.get_service(who, key), settings())

    def get_deployment(project: str, environment: str, service: str, deployment: str, who: known_caller) -> Any:
        key = projects.ServiceKey(who.team, project, environment, service)
        return deployment_view(deployments.get_deployment(who, key, deployment), settings())

    for path, endpoint, view in ((SERVICE, get_service, ServiceView), (DEPLOYMENT, get_deployment, DeploymentView)):
        api.get(path, response_model=view)(endpoint if threads else in_loop(endpoint))
    handler = Mangum(api, lifespan="off")
    return lambda asked: handler(asked, None)


def in_loop(endpoint: Any) -> Any:
    """The endpoint as a coroutine with the same signature."""

    @wraps(endpoint)
    async def called(**arguments: Any) -> Any:
        return endpoint(**arguments)

    return called


def bare() -> Any:
    """No framework, no model: the floor."""
    known = tokens(1)[0]

    def handler(asked: dict[str, Any]) -> dict[str, Any]:
        if not hmac.compare_digest(asked["headers"]["authorization"].removeprefix("Bearer "), known):
            return {"statusCode": 401}
        return {"statusCode": 200, "body": json.dumps({name: next(iter(value.values())) for name, value in ITEM.items()})}

    return handler


def main(times: int) -> None:
    """All three in this process, one after another, for each route."""
    logging.disable(logging.CRITICAL)
    stub_store()
    calls = {"Cygni": ours(), PEER: peer(threads=True), f"{PEER}, no threads": peer(threads=False), "bare handler": bare()}
    for title, resource in (("service", SERVICE), ("deployment", DEPLOYMENT)):
        answers = {name: call(event(resource)) for name, call in calls.items()}
        if any(answer["statusCode"] != 200 for answer in answers.values()):
            raise SystemExit(f"a {title} is not read: {answers}")
        if json.loads(answers["Cygni"]["body"]) != json.loads(answers[PEER]["body"]):
            raise SystemExit(f"a {title} is not answered alike")
        taken = {name: microseconds(partial(call, event(resource)), times) for name, call in calls.items()}
        print(f"GET of a {title}")
        if any(call(event(resource))["statusCode"] != 200 for call in calls.values()):
            raise SystemExit("not all answers were good ones")
        for name, values in taken.items():
            print("  " + line(name, values, "us"))
        print("  " + verdict("p50 in microseconds", median(taken["Cygni"]), 150))
        print("  " + verdict(f"share of {PEER}", ratio(taken["Cygni"], taken[PEER]), 0.2))
        print(f"  share of it without threads: {ratio(taken['Cygni'], taken[f'{PEER}, no threads']):.2f}")
    fresh = cycle([event(SERVICE, token) for token in tokens(MANY)])
    values = microseconds(lambda: calls["Cygni"](next(fresh)), MANY)
    print("GET of a service, new tokens\n  " + line("Cygni", values, "us"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)

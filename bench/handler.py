"""What the API adds to a request: an authenticated GET of a service in process, against FastAPI with Mangum and a bare handler.

The store is stubbed where botocore would make the call (`BaseClient._make_api_call`), so that all three have the same canned
item for nothing. All three check the same key, and answer the same JSON from the same pydantic model.

usage: python -m bench.handler [TIMES]
"""

import hashlib
import hmac
import json
import logging
import os
import sys
from typing import Annotated, Any

from bench.figures import line, microseconds, ratio, verdict

KEY = "cyg_bench"
TEAM = "team_01J00000000000000000000000"
os.environ.update(
    CYGNI_ADMIN_KEY_SHA256=hashlib.sha256(KEY.encode()).hexdigest(),
    CYGNI_ADMIN_TEAM=TEAM,
    AWS_ACCESS_KEY_ID="x",
    AWS_SECRET_ACCESS_KEY="x",
    AWS_DEFAULT_REGION="us-east-1",
)
PATH = "/v1/projects/hello/environments/prod/services/web"
RESOURCE = "/v1/projects/{project}/environments/{environment}/services/{service}"
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


def event() -> dict[str, Any]:
    """API Gateway's REST proxy event."""
    headers = {"authorization": f"Bearer {KEY}", "accept": "application/json", "host": "api"}
    return {
        "resource": RESOURCE,
        "path": PATH,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"project": "hello", "environment": "prod", "service": "web"},
        "stageVariables": None,
        "requestContext": {
            "httpMethod": "GET",
            "resourcePath": RESOURCE,
            "path": PATH,
            "requestId": "req",
            "stage": "api",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def stub_store() -> None:
    """Answers every call of botocore with the canned item."""
    from botocore.client import BaseClient

    BaseClient._make_api_call = lambda _self, _name, _arguments: {"Item": ITEM}


def ours() -> Any:
    """The API as Lambda runs it."""
    from app import app

    return lambda: app(event(), None)


def peer() -> Any:
    """The same route on FastAPI behind Mangum."""
    from fastapi import Depends, FastAPI, Header, HTTPException
    from mangum import Mangum

    from chalicelib.api.views import service_view
    from chalicelib.identity.service import authenticate
    from chalicelib.platform.settings import settings
    from chalicelib.projects import service as projects
    from chalicelib.projects.schemas import ServiceView

    api = FastAPI()

    def caller(authorization: str = Header("")) -> Any:
        try:
            return authenticate(authorization, key_sha256=settings().admin_key_sha256, team=settings().admin_team)
        except Exception as error:
            raise HTTPException(401) from error

    @api.get(RESOURCE, response_model=ServiceView)
    def get_service(project: str, environment: str, service: str, who: Annotated[Any, Depends(caller)]) -> Any:
        key = projects.ServiceKey(who.team, project, environment, service)
        return service_view(projects.get_service(who, key), settings())

    handler = Mangum(api, lifespan="off")
    return lambda: handler(event(), None)


def bare() -> Any:
    """No framework, no model: the floor."""
    known = hashlib.sha256(KEY.encode()).hexdigest()

    def handler(asked: dict[str, Any]) -> dict[str, Any]:
        key = asked["headers"]["authorization"].removeprefix("Bearer ")
        if not hmac.compare_digest(hashlib.sha256(key.encode()).hexdigest(), known):
            return {"statusCode": 401}
        return {"statusCode": 200, "body": json.dumps({name: next(iter(value.values())) for name, value in ITEM.items()})}

    return lambda: handler(event())


def main(times: int) -> None:
    """All three in this process, one after another."""
    logging.disable(logging.CRITICAL)
    stub_store()
    calls = {"Cygni": ours(), "FastAPI + Mangum": peer(), "bare handler": bare()}
    for name, call in calls.items():
        if call()["statusCode"] != 200:
            raise SystemExit(f"{name} does not answer 200: {call()}")
    taken = {name: microseconds(call, times) for name, call in calls.items()}
    for name, values in taken.items():
        print(line(name, values, "us"))
    print(verdict("p50 in microseconds", sorted(taken["Cygni"])[times // 2], 150))
    print(verdict("share of FastAPI + Mangum", ratio(taken["Cygni"], taken["FastAPI + Mangum"]), 0.2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)

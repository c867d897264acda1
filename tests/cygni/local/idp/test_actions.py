from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from tests.cygni.local.idp.conftest import App


def checked(app: App, token: str, audience: str) -> dict[str, Any]:
    """The claims, as a verifier that knows only the issuer reads them."""
    issuer = f"{app.issuer}/actions"
    metadata = app.http.get(f"{issuer}/.well-known/openid-configuration").json()
    assert metadata["issuer"] == issuer
    keys = jwt.PyJWKSet.from_dict(app.http.get(metadata["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    found: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer, options=options)
    return found


def test_a_job_gets_a_token_that_says_where_it_runs(app: App) -> None:
    job = {"repository": "acme/shop", "repository_id": "74", "environment": "prod", "audience": "https://cygni.example"}

    answer = app.http.post(f"{app.issuer}/actions/token", json=job)

    claims = checked(app, answer.json()["value"], "https://cygni.example")
    assert claims["sub"] == "repo:acme/shop:environment:prod"
    assert (claims["repository"], claims["repository_id"]) == ("acme/shop", "74")
    assert len(claims["jti"]) == 32


def test_every_token_has_an_id_of_its_own(app: App) -> None:
    job = {"repository": "acme/shop"}

    tokens = [app.http.post(f"{app.issuer}/actions/token", json=job).json()["value"] for _ in range(2)]

    assert len({jwt.decode(each, options={"verify_signature": False})["jti"] for each in tokens}) == 2


def test_a_token_is_had_as_a_runner_has_it(app: App) -> None:
    url = f"{app.issuer}/actions/request?{urlencode({'api-version': '2.0', 'repository': 'acme/shop'})}"

    answer = app.http.get(url + "&audience=cygni", headers={"Authorization": f"bearer {app.request_token}"})

    assert checked(app, answer.json()["value"], "cygni")["sub"] == "repo:acme/shop:ref:refs/heads/main"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}])
def test_the_request_token_is_checked(app: App, header: dict[str, str]) -> None:
    answer = app.get("/actions/request?repository=acme/shop", **header)

    assert answer.status_code == 401
    assert app.request_token not in answer.text


def test_a_workflow_is_signed_for_with_a_key_of_its_own(app: App) -> None:
    """A token of one issuer must not pass as the other's, even where a verifier forgets to look at the issuer."""
    people = {each["kid"] for each in app.get("/jwks").json()["keys"]}
    workflows = {each["kid"] for each in app.get("/actions/.well-known/jwks").json()["keys"]}

    assert not people & workflows


@pytest.mark.parametrize(
    ("body", "kind", "status", "why"),
    [
        (b"{", "application/json", 400, "not JSON"),
        (b"\xff", "application/json", 400, "not JSON"),
        (b"[" * 60_000, "application/json", 400, "not JSON"),
        (b"[]", "application/json", 400, "JSON object"),
        (b"{}", "application/json", 400, "repository must be"),
        (b'{"repository": "acme/shop", "sub": "x"}', "application/json", 400, "sub is not a field"),
        (b"repository=acme/shop", "application/x-www-form-urlencoded", 415, "application/json"),
    ],
)
def test_what_is_no_job_is_refused(app: App, body: bytes, kind: str, status: int, why: str) -> None:
    answer = app.http.post(f"{app.issuer}/actions/token", content=body, headers={"Content-Type": kind})

    assert answer.status_code == status
    assert why in answer.json()["message"]


def test_a_parameter_that_comes_twice_is_refused(app: App) -> None:
    answer = app.get("/actions/request?repository=a/b&repository=c/d", Authorization=f"Bearer {app.request_token}")

    assert answer.status_code == 400

from __future__ import annotations

import argparse
import json
import logging
from typing import Any

import pytest

from cygni.local.cloud.__main__ import environment
from cygni.local.cloud.lambdas import Lambda
from cygni.local.cloud.signin import ROTATION, IdentityProvider, ensure_signing_key, providers_document
from functions.catalog import FUNCTIONS, Function

RAN: list[Any] = []


def rotate(event: Any, _: object) -> None:
    RAN.append(event)


def fail(_: Any, __: object) -> None:
    raise RuntimeError("the key is k3y")


def run_with(handler: str) -> None:
    """Ensures a key with a catalog in which `handler` of this module is the rotation."""
    functions = (*FUNCTIONS, Function(ROTATION, f"{__name__}.{handler}", "Rotates.", ()))
    local = Lambda(functions)
    ensure_signing_key(functions[-1:], lambda function: local.run(function, "", {}, "start"))


def test_the_providers_are_the_local_one_and_the_stand_in_for_github() -> None:
    document = json.loads(providers_document(IdentityProvider("http://127.0.0.1:9000", "s3cret")))

    assert document == {
        "providers": {
            "local": {
                "kind": "oidc",
                "title": "Local identity provider",
                "issuer": "http://127.0.0.1:9000",
                "client_id": "cygni",
                "client_secret": "s3cret",
            },
            "local-github": {
                "kind": "github",
                "title": "GitHub (local stand-in)",
                "client_id": "cygni",
                "client_secret": "s3cret",
                "authorize_url": "http://127.0.0.1:9000/github/login/oauth/authorize",
                "token_url": "http://127.0.0.1:9000/github/login/oauth/access_token",
                "api_url": "http://127.0.0.1:9000/github/api",
            },
        }
    }


def test_the_secret_is_in_nothing_that_is_printed() -> None:
    assert "s3cret" not in repr(IdentityProvider("http://127.0.0.1:9000", "s3cret"))


def test_the_rotation_of_signing_keys_runs_once_at_start() -> None:
    RAN.clear()

    run_with("rotate")

    assert RAN == [{}]


def test_a_catalog_without_the_rotation_starts_too() -> None:
    def run(_: Function) -> Any:
        raise AssertionError("there was nothing to run")

    ensure_signing_key([each for each in FUNCTIONS if each.name != ROTATION], run)


def test_a_rotation_that_fails_is_logged_by_its_name_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="cloud"):
        run_with("fail")

    told = [each.getMessage() for each in caplog.records if each.name == "cloud"]
    assert told == ["the signing keys could not be rotated: RuntimeError"]


@pytest.mark.parametrize(("idp", "issuer"), [(None, None), ("http://127.0.0.1:9000", "http://127.0.0.1:9000/actions")])
def test_the_control_plane_knows_its_own_address_and_the_issuer_of_workflows(
    monkeypatch: pytest.MonkeyPatch, idp: str | None, issuer: str | None
) -> None:
    for name in ("CYGNI_ISSUER", "CYGNI_ACTIONS_ISSUER"):
        monkeypatch.delenv(name, raising=False)
    given = argparse.Namespace(kubeconfig="k", gateway_metrics="m", apps_port=1, api_port=8787, idp_url=idp)

    found = environment(given)

    assert found["CYGNI_ISSUER"] == "http://127.0.0.1:8787"
    assert found.get("CYGNI_ACTIONS_ISSUER") == issuer

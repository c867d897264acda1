"""What providers differ in: how they take a client's secret, and where they put a person's name."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.identity import openid
from chalicelib.identity.es256 import load_private
from chalicelib.identity.openid import Secrets
from chalicelib.identity.providers import Provider, Providers, Web
from chalicelib.identity.users import Person
from chalicelib.platform.errors import ProviderRefused, ProviderUnavailable, Unauthenticated
from tests.chalicelib.identity.builders import spare_key
from tests.support.world import Clock

ISSUER = "https://idp.test"
PROVIDER = Provider("company", "Company", "oidc", "client:1", "s3cret+of/it", ISSUER)
HELD = Secrets("state", "nonce", "verifier", "https://api.cygni.test/v1/auth/callback")


@dataclass
class Idp:
    """A provider that answers as it is told; `claims` change what its ID token says, None leaves one out."""

    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | Exception = field(default_factory=dict)
    posted: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def person(self) -> Person:
        providers = Providers(lambda: None, Web(self._get, lambda *_: [], self._post), self.clock)
        return openid.person_of(PROVIDER, providers, "code", HELD, self.clock())

    def _get(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        self.asked.append(url)
        if url.endswith("/.well-known/openid-configuration"):
            ends = {f"{each}_endpoint": f"{ISSUER}/{each}" for each in ("authorization", "token", "userinfo")}
            return {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", **ends, **self.metadata}
        if url.endswith("/jwks"):
            return {"keys": [{**spare_key().public_jwk, "kid": "k"}]}
        if isinstance(self.userinfo, Exception):
            raise self.userinfo
        return self.userinfo

    def _post(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        import jwt

        self.posted.append((url, fields, headers))
        now = int(self.clock().timestamp())
        claims = {"iss": ISSUER, "aud": "client:1", "sub": "ada", "iat": now, "exp": now + 300, "nonce": "nonce"} | self.claims
        said = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(said, load_private(spare_key().private_pem), algorithm="ES256", headers={"kid": "k"})
        return {"id_token": token, "access_token": "at"}


def test_a_client_s_secret_goes_into_the_header_with_both_parts_encoded() -> None:
    idp = Idp()

    idp.person()

    ((url, form, headers),) = idp.posted
    assert url == f"{ISSUER}/token"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"client%3A1:s3cret%2Bof%2Fit"
    assert form == {
        "grant_type": "authorization_code",
        "code": "code",
        "redirect_uri": HELD.redirect_uri,
        "code_verifier": "verifier",
    }


def test_where_the_provider_takes_it_so_it_goes_into_the_form() -> None:
    idp = Idp({"token_endpoint_auth_methods_supported": ["client_secret_post"]})

    idp.person()

    ((_, form, headers),) = idp.posted
    assert (form["client_id"], form["client_secret"]) == ("client:1", "s3cret+of/it")
    assert "Authorization" not in headers


def test_a_name_in_the_id_token_spares_another_request() -> None:
    idp = Idp(claims={"name": "Ada", "email": "ada@example.test", "email_verified": True})

    assert idp.person() == Person("company", ISSUER, "ada", "Ada", "ada@example.test")
    assert f"{ISSUER}/userinfo" not in idp.asked


def test_a_provider_may_tell_the_name_at_its_userinfo_endpoint_alone() -> None:
    told = {"sub": "ada", "name": "Ada", "email": "ada@example.test", "email_verified": True}

    assert Idp(userinfo=told).person() == Person("company", ISSUER, "ada", "Ada", "ada@example.test")


@pytest.mark.parametrize("sub", ["mallory", None, ""])
def test_what_userinfo_says_of_somebody_else_is_not_taken(sub: str | None) -> None:
    assert Idp(userinfo={"sub": sub, "name": "Mallory"}).person().name == ""


@pytest.mark.parametrize("verified", [False, None])
def test_an_address_and_its_proof_come_from_one_hand(verified: bool | None) -> None:
    told = {"sub": "ada", "email": "other@example.test", "email_verified": True}
    idp = Idp(claims={"email": "ada@example.test", "email_verified": verified}, userinfo=told)

    assert idp.person().email == ""


def test_userinfo_that_is_away_keeps_nobody_out() -> None:
    assert Idp(userinfo=ProviderUnavailable("away")).person().subject == "ada"


def test_without_a_name_the_address_gives_one() -> None:
    assert Idp(claims={"email": "ada@example.test", "email_verified": True}).person().name == "ada"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.test"},
        {"aud": "another"},
        {"aud": ["client:1", "another"]},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"sub": 7},
        {"exp": 1},
    ],
)
def test_an_id_token_that_is_not_of_this_sign_in_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        Idp(claims=claims).person()


def test_a_provider_that_publishes_another_issuer_signs_nobody_in() -> None:
    idp = Idp({"issuer": "https://evil.test"})

    with pytest.raises(ProviderRefused):
        idp.person()
    assert idp.posted == []

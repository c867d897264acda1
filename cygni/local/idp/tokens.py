"""What an ID token and the userinfo endpoint say of a person, by the scopes that were granted."""

from __future__ import annotations

from typing import Any

from cygni.local.idp.authorization import SCOPES
from cygni.local.idp.codes import Grant
from cygni.local.idp.keys import ALGORITHM, at_hash

ID_TOKEN_SECONDS = 300


def profile(grant: Grant) -> dict[str, Any]:
    """The claims about the person (OpenID Connect Core, 5.1 and 5.4)."""
    person = grant.person
    claims: dict[str, Any] = {"sub": person.subject}
    if "email" in grant.scopes:
        claims |= {"email": person.email, "email_verified": person.verified}
    if "profile" in grant.scopes:
        claims |= {"name": person.name}
    return claims


def id_token_claims(grant: Grant, issuer: str, access_token: str, now: int) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core, 2). `now` is Unix time."""
    nonce = {} if grant.nonce is None else {"nonce": grant.nonce}
    return {
        "iss": issuer,
        "aud": grant.client_id,
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "auth_time": grant.signed_in_at,
        "at_hash": at_hash(access_token),
        **nonce,
        **profile(grant),
    }


def discovery(issuer: str) -> dict[str, Any]:
    """The provider's metadata (OpenID Connect Discovery, 3)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "scopes_supported": list(SCOPES),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "email", "email_verified", "name"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }

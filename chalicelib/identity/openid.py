"""Signing in at an OpenID provider (OpenID Connect Core 1.0, code flow with PKCE)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit, urlunsplit

from chalicelib.identity.jwks import check_id_token
from chalicelib.identity.providers import Provider, Providers
from chalicelib.identity.signin_rules import challenge_of, issuer_fits, shown_name, verified_email
from chalicelib.identity.users import Person
from chalicelib.platform.errors import CygniError, ProviderRefused

SCOPE = "openid email profile"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a sign-in is held together by, and where its answer goes."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


def address(provider: Provider, providers: Providers, held: Secrets) -> str:
    """Where the browser goes to sign in. Raises what `Providers.metadata` does."""
    asked = common_request(provider, held, SCOPE) | {"nonce": held.nonce}
    return with_query(providers.metadata(provider.issuer).authorization_endpoint, asked)


def answered_by(provider: Provider, providers: Providers, iss: str | None) -> bool:
    """Whether an answer in the browser comes from this provider, as far as it says (RFC 9207)."""
    return issuer_fits(iss, provider.issuer, required=providers.metadata(provider.issuer).names_itself)


def person_of(provider: Provider, providers: Providers, code: str, held: Secrets, now: datetime) -> Person:
    """Who signed in. Raises ProviderRefused, Unauthenticated for a token that is not right, and Transient."""
    metadata = providers.metadata(provider.issuer)
    form = code_request(code, held)
    headers: dict[str, str] = {}
    if metadata.secret_in_form:
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    else:
        headers["Authorization"] = _basic(provider)
    told = providers.web.post_form(metadata.token_endpoint, form, headers)
    token = told.get("id_token")
    if not isinstance(token, str):
        raise ProviderRefused("The provider sent no ID token.", remedy="Check that it is an OpenID provider.")
    claims = check_id_token(
        token,
        providers.keys_at(metadata.jwks_uri),
        issuer=provider.issuer,
        audience=provider.client_id,
        nonce=held.nonce,
        now=now,
    )
    more = _more(metadata.userinfo_endpoint, told, claims, providers)
    email = verified_email(claims if "email" in claims else more)  # the address and its proof from one hand
    return Person(
        provider=provider.name,
        issuer=provider.issuer,
        subject=str(claims["sub"]),
        name=shown_name({**more, **claims}, "name", "preferred_username") or email.partition("@")[0],
        email=email,
    )


def common_request(provider: Provider, held: Secrets, scope: str) -> dict[str, str]:
    """What every request to a provider's sign-in page has."""
    return {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": held.redirect_uri,
        "scope": scope,
        "state": held.state,
        "code_challenge": challenge_of(held.verifier),
        "code_challenge_method": "S256",
    }


def code_request(code: str, held: Secrets) -> dict[str, str]:
    """What every request for the tokens of a code has, but for the client's credentials."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": held.redirect_uri,
        "code_verifier": held.verifier,
    }


def with_query(url: str, added: Mapping[str, str]) -> str:
    """An address with more in its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(added))))))


def _basic(provider: Provider) -> str:
    """HTTP Basic with both parts encoded as a form first (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _more(url: str, told: Mapping[str, Any], claims: Mapping[str, Any], providers: Providers) -> Mapping[str, Any]:
    """What the provider says elsewhere, where its ID token has no name: many put it only there. Not having it is no fault."""
    token = told.get("access_token")
    if "name" in claims or not url or not isinstance(token, str):
        return {}
    try:
        found = providers.web.get_json(url, {"Authorization": f"Bearer {token}"})
    except CygniError:
        return {}
    return found if found.get("sub") == claims["sub"] else {}  # section 5.3.2: else it may be of somebody else

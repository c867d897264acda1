"""Signing in at GitHub, which speaks OAuth 2 and is no OpenID provider: who somebody is comes from its API."""

from __future__ import annotations

from typing import Any

from chalicelib.identity.openid import Secrets, code_request, common_request, with_query
from chalicelib.identity.providers import Provider, Providers
from chalicelib.identity.signin_rules import issuer_fits, shown_name, verified_email
from chalicelib.identity.users import Person
from chalicelib.platform.errors import ProviderRefused

SCOPE = "read:user user:email"
_API = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


def address(provider: Provider, held: Secrets) -> str:
    """Where the browser goes to sign in."""
    return with_query(provider.authorize_url, common_request(provider, held, SCOPE))


def answered_by(provider: Provider, iss: str | None) -> bool:
    """Whether an answer in the browser comes from GitHub, as far as it says: it need not name itself (RFC 9207)."""
    return issuer_fits(iss, provider.authorize_url.removesuffix("/authorize"), required=False)


def person_of(provider: Provider, providers: Providers, code: str, held: Secrets) -> Person:
    """Who signed in. Raises ProviderRefused, and Transient.

    An account is known by its number: names can be changed, and taken by others afterwards.
    """
    form = code_request(code, held) | {"client_id": provider.client_id, "client_secret": provider.client_secret}
    token = providers.web.post_form(provider.token_url, form, {}).get("access_token")
    if not isinstance(token, str) or not token:
        raise ProviderRefused("GitHub sent no access token.")
    headers = _API | {"Authorization": f"Bearer {token}"}
    account = providers.web.get_json(f"{provider.api_url}/user", headers)
    number = account.get("id")
    if type(number) is not int:
        raise ProviderRefused("GitHub did not say which account signed in.")
    return Person(
        provider=provider.name,
        issuer=provider.issuer,
        subject=str(number),
        name=shown_name(account, "name", "login"),
        email=_primary(providers.web.get_list(f"{provider.api_url}/user/emails", headers)),
    )


def _primary(addresses: list[Any]) -> str:
    """The account's primary address, if GitHub has verified it."""
    for each in addresses:
        if isinstance(each, dict) and each.get("primary") is True:
            return verified_email({"email": each.get("email"), "email_verified": each.get("verified") is True})
    return ""

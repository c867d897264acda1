"""Signing in in a browser: from our page to a provider's and back (OAuth 2 authorization code with PKCE)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.identity import github, openid
from chalicelib.identity.models_signin import SIGN_IN, SignInRecord, sign_in_pk
from chalicelib.identity.openid import Secrets
from chalicelib.identity.providers import Provider, Providers
from chalicelib.identity.signin_rules import CALLBACK, LIFE, SECRET_BYTES, is_secret, key_of, next_page, same_browser
from chalicelib.identity.users import MakeId, Profile, admit
from chalicelib.platform.errors import NotFound, ProviderRefused, Refused, SignInRefused
from chalicelib.platform.logs import log
from chalicelib.platform.store import Store
from chalicelib.platform.strict import encode_base64url
from chalicelib.platform.table import ConditionFailed, Put, Remove


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: where the browser goes, and what it must keep in its cookie."""

    address: str
    binding: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back from a provider. `binding` is its cookie."""

    state: str
    code: str = field(repr=False)
    error: str
    iss: str | None
    binding: str = field(repr=False)


def begin(provider: str, then: str | None, binding: str, *, issuer: str, providers: Providers, now: datetime) -> Begun:
    """Begins a sign-in that leads to the page `then`. `binding` is the browser's cookie, if it has one already.

    A browser may have several sign-ins under way, in several tabs. Raises NotFound, ProviderRefused and Transient.
    """
    chosen = providers.get(provider)
    held = Secrets(_random(), _random(), _random(), issuer + CALLBACK)
    kept = binding if is_secret(binding) else _random()
    address = github.address(chosen, held) if chosen.kind == "github" else openid.address(chosen, providers, held)
    key = key_of(held.state)
    record = SignInRecord(
        sign_in_pk(key),
        SIGN_IN,
        provider=chosen.name,
        verifier=held.verifier,
        nonce=held.nonce,
        binding=key_of(kept),
        then=next_page(then),
        expires_at=now + LIFE,
    )
    Store((sign_in_pk(key),)).commit([Put(record)])
    return Begun(address, kept)


def finish(returned: Returned, *, issuer: str, providers: Providers, now: datetime, make_id: MakeId) -> tuple[Profile, str]:
    """Who came back signed in, and the page they wanted to see.

    Raises SignInRefused, which does not say what was wrong with the sign-in, ProviderRefused and Transient.
    """
    record = _taken(returned, now)
    provider = _provider(record, providers)
    held = Secrets(returned.state, record.nonce, record.verifier, issuer + CALLBACK)
    if not _answered_by(provider, providers, returned.iss):
        _told("an answer of another provider than the one that was asked", provider)
        raise _refused()
    if returned.error or not returned.code:
        raise _said_no(returned.error)
    try:
        if provider.kind == "github":
            person = github.person_of(provider, providers, returned.code, held)
        else:
            person = openid.person_of(provider, providers, returned.code, held, now)
    except Refused as error:
        _told(error.message, provider)
        raise _refused() from None
    return admit(person, now, make_id), record.then


def _taken(returned: Returned, now: datetime) -> SignInRecord:
    """The sign-in that a state belongs to, taken: nobody gets it again. Another browser does not even use it up."""
    pk = sign_in_pk(key_of(returned.state))
    store = Store((pk,))
    record = store.fetch(SignInRecord, pk, SIGN_IN) if is_secret(returned.state) else None
    if record is None or now >= record.expires_at or not same_browser(returned.binding, record.binding):
        raise _refused()
    try:
        store.commit([Remove(SignInRecord, pk, SIGN_IN, SignInRecord.version == record.version)])
    except ConditionFailed:
        raise _refused() from None
    return record


def _provider(record: SignInRecord, providers: Providers) -> Provider:
    try:
        return providers.get(record.provider)
    except NotFound:
        raise _refused() from None


def _answered_by(provider: Provider, providers: Providers, iss: str | None) -> bool:
    if provider.kind == "github":
        return github.answered_by(provider, iss)
    return openid.answered_by(provider, providers, iss)


def _refused() -> SignInRefused:
    return SignInRefused("This sign-in cannot be finished here.")


def _said_no(error: str) -> ProviderRefused:
    """What the person reads. The provider's own sentence is not repeated: whoever made the link could have written it."""
    if error == "access_denied":
        return ProviderRefused("You did not allow the sign-in.", reason=error, remedy="Begin again if that was not meant.")
    return ProviderRefused("The provider did not sign you in.", remedy="Begin again, or choose another provider.")


def _told(what: str, provider: Provider) -> None:
    log().warning("a sign-in was refused", extra={"provider": provider.name, "reason": what})


def _random() -> str:
    return encode_base64url(secrets.token_bytes(SECRET_BYTES))

"""The token endpoint: what is given for a refresh token, an approved device, or the token of a CI job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from chalicelib.identity import devices, federation, sessions
from chalicelib.identity.asked import Asked
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.minting import Holder, Minter
from chalicelib.identity.providers import Providers
from chalicelib.identity.session_rules import REFRESH, Presented, judge, read_credential
from chalicelib.identity.sessions import SignedIn
from chalicelib.identity.standing import Standing
from chalicelib.identity.tokens import verify
from chalicelib.identity.users import MakeId
from chalicelib.platform.errors import FieldError, GrantRefused, Unauthenticated
from chalicelib.platform.settings import Settings

if TYPE_CHECKING:
    from chalicelib.identity.schemas import TokenRequest


@dataclass(frozen=True, slots=True)
class Issuing:
    """What tokens are made with."""

    settings: Settings
    keys: LiveKeys
    providers: Providers
    make_id: MakeId


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens. Federated callers get no refresh token: their job can show a token of its own again."""

    access_token: str = field(repr=False)
    team: str
    refresh_token: str | None = field(default=None, repr=False)


def issue(wanted: TokenRequest, request: Asked, issuing: Issuing) -> Issued:
    """The tokens for a request. Raises GrantRefused, WrongRegion, TooLarge and Transient."""
    return _GRANTS[wanted.grant_type](wanted, request, issuing)


def revoke(token: str, request: Asked, issuing: Issuing) -> None:
    """Ends the session that a token belongs to, whichever of its tokens it is (RFC 7009). What is no token changes nothing."""
    credential = read_credential(token, REFRESH)
    if credential is not None:
        record = sessions.find(credential.user, credential.session)
        if record is None or record.pepper is None:
            return
        if judge(sessions.chain_of(record), credential.secret, request.now) is not Presented.STRANGE:
            sessions.end(record, "revoke_token", request)
        return
    settings = issuing.settings
    try:
        claims = verify(token, issuing.keys, issuer=settings.issuer, audience=settings.audience, now=request.now)
    except Unauthenticated:
        return
    record = sessions.find(claims.subject, claims.session) if claims.session else None
    if record is not None:
        sessions.end(record, "revoke_token", request)


def _refreshed(wanted: TokenRequest, request: Asked, issuing: Issuing) -> Issued:
    token = _needed(wanted, "refresh_token")
    issuing.keys.signer()  # nothing is used up while there is no key to sign with
    return _of_session(sessions.refresh(token, wanted.team, request, issuing.settings), request, issuing)


def _approved(wanted: TokenRequest, request: Asked, issuing: Issuing) -> Issued:
    code = _needed(wanted, "device_code")
    if wanted.team is not None:
        raise _invalid("team", "A device's session begins in the person's first team; choose another with its refresh token.")
    issuing.keys.signer()
    return _of_session(devices.redeem(code, request, issuing.make_id, issuing.settings), request, issuing)


def _of_session(found: SignedIn, request: Asked, issuing: Issuing) -> Issued:
    holder = Holder(found.user, "user", found.name, found.session)
    return replace(_minted(holder, found.standing, request, issuing), refresh_token=found.refresh_token)


def _exchanged(wanted: TokenRequest, request: Asked, issuing: Issuing) -> Issued:
    token, team = _needed(wanted, "subject_token"), _needed(wanted, "team")
    _needed(wanted, "subject_token_type")
    holder, standing = federation.exchange(token, team, issuing.settings, issuing.providers, request)
    return _minted(holder, standing, request, issuing)


_GRANTS: dict[str, Callable[[TokenRequest, Asked, Issuing], Issued]] = {
    "refresh_token": _refreshed,
    "urn:ietf:params:oauth:grant-type:device_code": _approved,
    "urn:ietf:params:oauth:grant-type:token-exchange": _exchanged,
}


def _minted(holder: Holder, standing: Standing, request: Asked, issuing: Issuing) -> Issued:
    settings = issuing.settings
    minter = Minter(issuing.keys, settings.issuer, settings.audience)
    token = minter.access_token(holder, standing, request.now, issuing.make_id("tok", request.now))
    return Issued(token, standing.team)


def _needed(wanted: TokenRequest, name: str) -> str:
    value: str | None = getattr(wanted, name)
    if not value:
        raise _invalid(name, "This grant needs it.")
    return value


def _invalid(name: str, sentence: str) -> GrantRefused:
    fields = [FieldError(f"body.{name}", sentence)]
    return GrantRefused(
        f"The request's {name} is missing or does not belong here.",
        reason="invalid_request",
        remedy="Correct the named field and send the request again.",
        fields=fields,
    )

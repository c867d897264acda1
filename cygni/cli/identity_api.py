"""The API's operations on people, teams, credentials and the audit trail; those on applications are in api.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from cygni.cli.client import Client
from cygni.cli.identity_shapes import (
    ApiKey,
    Device,
    Head,
    Invitation,
    IssuedApiKey,
    IssuedInvitation,
    Line,
    Member,
    MyTeam,
    Offer,
    Person,
    Provider,
    SignIn,
    Team,
    Tokens,
    Trust,
    WantedScope,
    Whoami,
)
from cygni.cli.shapes import Page

CLIENT = "cygni-cli"
LOGIN_PAGE = "/v1/auth/login"
"""Where a browser is sent to one provider; `next` is where it comes back to."""
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"


@dataclass(frozen=True, slots=True)
class TokenApi:
    """The operations that give tokens: they need none. Each raises Problem, with OAuth's code in it, or Unreachable."""

    client: Client

    def providers(self) -> list[Provider]:
        """The providers that people sign in with."""
        return cast("list[Provider]", self.client.request("GET", "/v1/auth/providers", public=True).body["items"])

    def begin_device(self, device_name: str) -> Device:
        """Begin to sign in this device."""
        body = {"client_id": CLIENT, "device_name": device_name}
        return cast(Device, self.client.request("POST", "/v1/auth/device", body=body, public=True).body)

    def redeem_device(self, device_code: str) -> Tokens:
        """The tokens of a device once it is approved. Asked once: whoever waits asks again anyway."""
        return self._token({"grant_type": _DEVICE_GRANT, "device_code": device_code}, patient=False)

    def refresh(self, refresh_token: str, team: str | None = None) -> Tokens:
        """New tokens of a login, for a team if one is named. The refresh token that was sent is used up."""
        body = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._token(body | ({"team": team} if team else {}))

    def exchange(self, id_token: str, team: str) -> Tokens:
        """An access token for a job's token."""
        body = {"grant_type": _EXCHANGE_GRANT, "subject_token": id_token, "subject_token_type": _JWT, "team": team}
        return self._token(body)

    def whoami_by(self, token: str) -> Whoami:
        """Whom an access token belongs to, and what it grants."""
        signed = {"Authorization": f"Bearer {token}"}
        return cast(Whoami, self.client.request("GET", "/v1/whoami", headers=signed, public=True).body)

    def revoke(self, token: str) -> None:
        """End the session that a token belongs to."""
        self.client.request("POST", "/v1/auth/revoke", body={"token": token, "client_id": CLIENT}, public=True)

    def _token(self, body: Mapping[str, str], *, patient: bool = True) -> Tokens:
        sent = {**body, "client_id": CLIENT}
        return cast(Tokens, self.client.request("POST", "/v1/auth/token", body=sent, public=True, patient=patient).body)


@dataclass(frozen=True, slots=True)
class IdentityApi:
    """The operations. Each raises Problem, NotSignedIn or Unreachable, and returns what the API sent."""

    client: Client

    # --- oneself

    def whoami(self) -> Whoami:
        """Whom the credential belongs to."""
        return cast(Whoami, self._get("/v1/whoami"))

    def sessions(self, *, cursor: str | None = None) -> Page[SignIn]:
        """A page of the caller's sign-ins."""
        return cast("Page[SignIn]", self._get("/v1/me/sessions", cursor=cursor, limit=100))

    def revoke_session(self, session: str) -> None:
        """End one of the caller's sign-ins."""
        self._delete(f"/v1/me/sessions/{quote(session, safe='')}")

    def export_me(self, *, cursor: str | None = None) -> Person:
        """A page of all that is kept of the caller."""
        return cast(Person, self._get("/v1/me/export", cursor=cursor))

    def erase_me(self) -> None:
        """Erase the caller."""
        self._delete("/v1/me")

    def teams(self, *, cursor: str | None = None) -> Page[MyTeam]:
        """A page of the caller's teams."""
        return cast("Page[MyTeam]", self._get("/v1/teams", cursor=cursor, limit=100))

    def create_team(self, name: str, *, region: str | None) -> Team:
        """Create a team, which the caller owns."""
        return cast(Team, self._post("/v1/teams", {"name": name, "region": region}))

    def leave_team(self) -> None:
        """Leave the current team."""
        self._post("/v1/team/leave", None)

    def offer(self, token: str) -> Offer:
        """What an invitation offers."""
        return cast(Offer, self._post("/v1/invitations/show", {"token": token}))

    def accept(self, token: str) -> MyTeam:
        """Accept an invitation."""
        return cast(MyTeam, self._post("/v1/invitations/accept", {"token": token}))

    # --- the current team

    def team(self) -> Team:
        """The current team."""
        return cast(Team, self._get("/v1/team"))

    def change_team(self, team: Team, *, name: str | None = None, retention: int | None = None) -> Team:
        """Change the team, if it is still as it was read."""
        body = {"name": name or team["name"], "audit_retention_days": retention}
        seen = {"If-Match": f'"{team["version"]}"'}
        return cast(Team, self.client.request("PUT", "/v1/team", body=body, headers=seen).body)

    def delete_team(self) -> None:
        """Delete the team."""
        self._delete("/v1/team")

    def transfer_team(self, user: str) -> Member:
        """Make a member an Owner, and the caller an Admin."""
        return cast(Member, self._post("/v1/team/transfer", {"user": user}))

    def members(self, *, cursor: str | None = None) -> Page[Member]:
        """A page of members."""
        return cast("Page[Member]", self._get("/v1/team/members", cursor=cursor, limit=100))

    def change_member(self, member: Member, *, role: str, scopes: Sequence[WantedScope]) -> Member:
        """Give a member another role, if theirs is still as it was read."""
        path = f"/v1/team/members/{quote(member['user'], safe='')}"
        seen = {"If-Match": f'"{member["version"]}"'}
        return cast(Member, self.client.request("PUT", path, body={"role": role, "scopes": list(scopes)}, headers=seen).body)

    def remove_member(self, user: str) -> None:
        """Take a member out of the team."""
        self._delete(f"/v1/team/members/{quote(user, safe='')}")

    def invite(self, *, role: str, scopes: Sequence[WantedScope], note: str, hours: int) -> IssuedInvitation:
        """Make an invitation."""
        body = {"role": role, "scopes": list(scopes), "note": note, "expires_in_hours": hours}
        return cast(IssuedInvitation, self._post("/v1/team/invitations", body))

    def invitations(self, *, cursor: str | None = None) -> Page[Invitation]:
        """A page of invitations that may still be accepted."""
        return cast("Page[Invitation]", self._get("/v1/team/invitations", cursor=cursor, limit=100))

    def revoke_invitation(self, invitation: str) -> None:
        """Withdraw an invitation."""
        self._delete(f"/v1/team/invitations/{quote(invitation, safe='')}")

    # --- machines

    def create_key(self, name: str, *, role: str, scopes: Sequence[WantedScope], days: int) -> IssuedApiKey:
        """Make an API key."""
        body = {"name": name, "role": role, "scopes": list(scopes), "expires_in_days": days}
        return cast(IssuedApiKey, self._post("/v1/team/keys", body))

    def keys(self, *, cursor: str | None = None) -> Page[ApiKey]:
        """A page of API keys."""
        return cast("Page[ApiKey]", self._get("/v1/team/keys", cursor=cursor, limit=100))

    def rotate_key(self, key: str, *, hours: int) -> IssuedApiKey:
        """Give a key a new secret; the old one stays valid for so many hours."""
        return cast(IssuedApiKey, self._post(f"/v1/team/keys/{quote(key, safe='')}/rotate", {"overlap_hours": hours}))

    def revoke_key(self, key: str) -> None:
        """Delete a key."""
        self._delete(f"/v1/team/keys/{quote(key, safe='')}")

    def create_trust(self, body: Mapping[str, Any]) -> Trust:
        """Trust workflows."""
        return cast(Trust, self._post("/v1/team/trusts", body))

    def trusts(self, *, cursor: str | None = None) -> Page[Trust]:
        """A page of trusts."""
        return cast("Page[Trust]", self._get("/v1/team/trusts", cursor=cursor, limit=100))

    def revoke_trust(self, trust: str) -> None:
        """Trust workflows no more."""
        self._delete(f"/v1/team/trusts/{quote(trust, safe='')}")

    # --- the audit trail

    def audit(self, wanted: Mapping[str, str | int | None], *, cursor: str | None = None) -> Page[Line]:
        """A page of lines, newest first."""
        return cast("Page[Line]", self._get("/v1/audit", **wanted, cursor=cursor))

    def audit_export(self, wanted: Mapping[str, str | int | None], *, cursor: str | None = None) -> Page[Line]:
        """A long page of lines, newest first."""
        return cast("Page[Line]", self._get("/v1/audit/export", **wanted, format="json", limit=1000, cursor=cursor))

    def audit_head(self) -> Head:
        """The newest line's number and digest."""
        return cast(Head, self._get("/v1/audit/head"))

    def _get(self, path: str, **query: str | int | None) -> Any:
        return self.client.request("GET", path, query=query).body

    def _post(self, path: str, body: Any) -> Any:
        return self.client.request("POST", path, body=body).body

    def _delete(self, path: str) -> None:
        self.client.request("DELETE", path)

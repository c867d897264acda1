"""The fake control plane's sign-in: devices, sessions whose refresh tokens are used once, access tokens, and who a token is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.identity.rules import Grant, Role
from chalicelib.platform.errors import GrantRefused, Unauthenticated

TOKEN = "key-of-the-tests"
OPERATORS = "team_" + "0" * 26
REPEATS = timedelta(seconds=10)


@dataclass(frozen=True)
class Caller:
    """Who asks, for which team, as what."""

    subject: str
    kind: str
    name: str
    team: str
    grant: Grant | None
    session: str = ""


@dataclass
class Session:
    """A login. `used` are refresh tokens that were used up, the last of them at `renewed_at`."""

    id: str
    user: str
    team: str
    device_name: str
    refresh_token: str
    renewed_at: datetime
    used: list[str] = field(default_factory=list)


@dataclass
class Device:
    """A device that wants to sign in; `user` is set once it is approved, and `denied` once it is not."""

    user_code: str
    device_name: str
    user: str = ""
    denied: bool = False
    expired: bool = False
    slow_downs: int = 0
    polls: int = 0


@dataclass
class FakeSignIn:
    """State of sign-ins. `life` is seconds of an access token; `jobs` the tokens of CI jobs: which trust each stands for."""

    members_of: Callable[[str, str], Grant | None]
    first_team: Callable[[str], str]
    life: int = 900
    interval: int = 5
    devices: dict[str, Device] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    access: dict[str, Caller] = field(default_factory=dict)
    people: dict[str, tuple[str, str]] = field(default_factory=dict)
    jobs: dict[str, Caller] = field(default_factory=dict)
    keys: dict[str, Caller] = field(default_factory=dict)
    reused: list[str] = field(default_factory=list)
    exchanged: list[str] = field(default_factory=list)
    approve: Callable[[Device], None] = lambda device: None
    _made: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def make(self, prefix: str) -> str:
        """A new id."""
        with self._lock:
            self._made += 1
            return f"{prefix}_{self._made:026d}"

    def caller(self, authorization: str) -> Caller:
        """Who a header proves. Raises Unauthenticated."""
        token = authorization.removeprefix("Bearer ")
        if token == TOKEN:
            return Caller("admin", "operator", "operator", OPERATORS, Grant(Role.OWNER))
        if token in self.keys:
            return self.keys[token]
        if token not in self.access:
            if token.startswith("at_"):
                raise Unauthenticated("The access token is not valid here.", remedy="Get a new one with the refresh token.")
            raise Unauthenticated("The API key is not valid.")
        return self.access[token]

    def end_access(self) -> None:
        """Every access token is refused from now on, as if it had expired."""
        self.access.clear()

    def open(self, user: str, team: str | None = None, device_name: str = "a laptop") -> Session:
        """A session of a person, as if they had signed in."""
        made = self.make("ses")
        standing = team if team is not None else self.first_team(user)
        self.sessions[made] = Session(made, user, standing, device_name, self.make("cyr"), datetime.now(UTC))
        return self.sessions[made]

    # --- the token endpoint

    def begin(self, device_name: str, url: str) -> dict[str, Any]:
        """A device begins."""
        code, user_code = self.make("dc"), f"WDJB-{len(self.devices):04d}".replace("0", "B")
        self.devices[code] = Device(user_code, device_name)
        page = f"{url}/v1/auth/device"
        return {
            "device_code": code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": 600,
            "interval": self.interval,
        }

    def issue(self, wanted: Any) -> dict[str, Any]:
        """Tokens for a request of the token endpoint. Raises GrantRefused."""
        with self._lock:
            if wanted.grant_type == "refresh_token":
                return self._refresh(wanted.refresh_token, wanted.team)
            if wanted.grant_type.endswith("device_code"):
                return self._redeem(wanted.device_code)
            return self._exchange(wanted.subject_token, wanted.team)

    def revoke(self, token: str) -> None:
        """End the session of a refresh token."""
        for session in list(self.sessions.values()):
            if token in (session.refresh_token, *session.used):
                self.end(session.id)

    def end(self, session: str) -> None:
        """End a session and its access tokens."""
        self.sessions.pop(session, None)
        self.access = {token: each for token, each in self.access.items() if each.session != session}

    def _redeem(self, device_code: str) -> dict[str, Any]:
        device = self.devices.get(device_code)
        if device is None:
            raise GrantRefused("The device code is not valid here.", reason="invalid_grant")
        device.polls += 1
        if device.slow_downs:
            device.slow_downs -= 1
            raise GrantRefused("This device asks too often.", reason="slow_down")
        self.approve(device)
        if device.denied:
            raise GrantRefused("The sign-in was denied in the browser.", reason="access_denied")
        if device.expired:
            raise GrantRefused("The code was not approved in time.", reason="expired_token")
        if not device.user:
            raise GrantRefused("Nobody has approved this device yet.", reason="authorization_pending")
        del self.devices[device_code]
        return self._tokens(self.open(device.user, device_name=device.device_name))

    def _refresh(self, token: str, team: str | None) -> dict[str, Any]:
        now = datetime.now(UTC)
        for session in list(self.sessions.values()):
            repeated = bool(session.used) and token == session.used[-1] and now - session.renewed_at <= REPEATS
            if token != session.refresh_token and not repeated:
                if token in session.used:
                    self.reused.append(token)
                    self.end(session.id)
                    break
                continue
            if team and self.members_of(team, session.user) is None:
                raise GrantRefused("You are not a member of that team, or there is none.", reason="invalid_target")
            if not repeated:
                session.used.append(token)
                session.refresh_token, session.renewed_at = self.make("cyr"), now
            session.team = team or (session.team if self.members_of(session.team, session.user) else "")
            return self._tokens(session)
        raise GrantRefused(
            "The refresh token is not valid here.", reason="invalid_grant", remedy="Sign in again: `cygni login`."
        )

    def _exchange(self, job: str, team: str) -> dict[str, Any]:
        known = self.jobs.get(job)
        if known is None or known.team != team:
            raise GrantRefused(
                "The job's token is not taken for this team.", reason="invalid_grant", remedy="Check which it trusts."
            )
        self.exchanged.append(job)
        token = self.make("at")
        self.access[token] = known
        return {"access_token": token, "expires_in": self.life, "refresh_token": None, "team": team}

    def _tokens(self, session: Session) -> dict[str, Any]:
        token, name = self.make("at"), self.people[session.user][0]
        grant = self.members_of(session.team, session.user) if session.team else None
        self.access[token] = Caller(session.user, "user", name, session.team, grant, session.id)
        return {
            "access_token": token,
            "expires_in": self.life,
            "refresh_token": session.refresh_token,
            "team": session.team,
        }

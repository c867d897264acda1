"""What signs requests in where no token was written down: a login that renews itself, or a job of GitHub Actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cygni.cli.client import Policy
from cygni.cli.credentials import Credentials, Login
from cygni.cli.errors import CliError, NotSignedIn, Problem
from cygni.cli.identity_api import TokenApi
from cygni.cli.identity_shapes import Tokens
from cygni.cli.runner import Runner
from cygni.cli.settings import Context

EARLY = 60.0
"""Seconds before its end at which an access token is renewed."""

TOKEN_POLICY = Policy(attempts=3, longest_pause=0.5, connect_timeout=3.0, read_timeout=4.0)
"""The API answers a used refresh token alike for 10 s, and ends the session after that: what got lost is asked again sooner."""


def renewal_time(tokens: Tokens, now: datetime) -> float:
    """When an access token should be renewed, in Unix seconds; one that is short-lived at half its life."""
    return now.timestamp() + max(tokens["expires_in"] - EARLY, tokens["expires_in"] / 2)


def login_of(tokens: Tokens, now: datetime) -> Login:
    """Tokens as they are kept."""
    return Login(tokens["access_token"], tokens["refresh_token"] or "", renewal_time(tokens, now), tokens["team"])


@dataclass(slots=True)
class LoginBearer:
    """A login. Its access token is renewed before it ends or when the API does not take it, by one command at a time: the
    others take what that one got, since a refresh token that is used a second time ends the session."""

    context: Context
    credentials: Credentials
    api: TokenApi
    now: Callable[[], datetime]
    _login: Login | None = field(default=None, repr=False)
    _looked: bool = False

    def token(self) -> str:
        """The access token, renewed if it is about to end. Raises NotSignedIn, Unreachable."""
        login = self._login or self._read()
        if not self._is_fresh(login):
            login = self._renew(login.access_token)
        self._login = login
        return login.access_token

    def renewed(self, refused: str) -> str | None:
        """A new access token for one that was refused. Raises NotSignedIn, Unreachable."""
        self._login = self._renew(refused)
        return self._login.access_token

    def regranted(self, refused: str) -> str | None:
        """A token by the rights of now, once a run: those in the refused one are of when it was given out.

        Only where they differ: a refusal is written into the team's audit trail, and asking in vain would write another.
        """
        if self._looked:
            return None
        self._looked = True
        try:
            before = self.api.whoami_by(refused)
            token = self.renewed(refused)
            return token if token is not None and self.api.whoami_by(token) != before else None
        except CliError:  # the refusal itself is what has to be told
            return None

    def switch(self, team: str | None) -> Tokens:
        """Renew the login for a team, or for where the person stands by now. Raises Problem for a team they are not in."""
        with self.credentials.locked():
            return self._refresh(self._read(), team)

    def remedy(self, advice: str) -> str:  # noqa: ARG002 - it speaks of tokens, which are the command's business
        """To sign in again."""
        return f"Sign in again: `{self.context.sign_in}`."

    def _renew(self, refused: str) -> Login:
        with self.credentials.locked():
            login = self._read()
            if login.access_token != refused and self._is_fresh(login):
                return login
            try:
                self._refresh(login, None)
            except Problem as problem:
                if problem.status in (400, 401):
                    raise NotSignedIn(
                        f"Your login at {self.context.url} has ended.", remedy=f"Sign in again: `{self.context.sign_in}`."
                    ) from None
                raise
        return self._login or login

    def _refresh(self, login: Login, team: str | None) -> Tokens:
        """Renew and keep. What was renewed is kept before anybody uses it: the refresh token before is worth nothing now."""
        tokens = self.api.refresh(login.refresh_token, team)
        self._login = login_of(tokens, self.now())
        self.credentials.keep(self.context, self._login)
        return tokens

    def _read(self) -> Login:
        login = self.credentials.read(self.context)
        if login is None:
            raise NotSignedIn(
                f"You are not signed in at {self.context.url} (any more).", remedy=f"Sign in with `{self.context.sign_in}`."
            )
        return login

    def _is_fresh(self, login: Login) -> bool:
        return self.now().timestamp() < login.renew_at


@dataclass(slots=True)
class JobBearer:
    """A job of GitHub Actions: its runner's token is exchanged for an access token, again when that runs out; none is kept."""

    context: Context
    runner: Runner
    api: TokenApi
    now: Callable[[], datetime]
    _token: str = field(default="", repr=False)
    _renew_at: float = 0.0

    def token(self) -> str:
        """The access token. Raises NotSignedIn, Unreachable."""
        if not self._token or self.now().timestamp() >= self._renew_at:
            self._exchange()
        return self._token

    def renewed(self, refused: str) -> str | None:  # noqa: ARG002 - whichever it was
        """Another access token. Raises NotSignedIn, Unreachable."""
        self._exchange()
        return self._token

    def regranted(self, refused: str) -> str | None:  # noqa: ARG002 - the token is as old as the command
        """None."""
        return None

    def remedy(self, advice: str) -> str:
        """What has to be so for a job to sign in."""
        return f"{advice} Check `cygni ci list`, and that CYGNI_TEAM is the team's id.".strip()

    def _exchange(self) -> None:
        try:
            tokens = self.api.exchange(self.runner.id_token(self.context.url.rstrip("/")), self.context.team)
        except Problem as problem:
            if problem.status not in (400, 401):
                raise
            raise NotSignedIn(problem.message, remedy=self.remedy(problem.remedy)) from None
        self._token, self._renew_at = tokens["access_token"], renewal_time(tokens, self.now())

"""The HTTP client: one place for time-outs, retries, the user agent, and turning refusals into errors.

What may be sent twice: reads, replacements, merges and deletions, and a POST with an Idempotency-Key, since the API answers the
second with the first's result. Those are tried again after a connection error or a 429, 502, 503 or 504, with a pause that
doubles up to a cap, shortened by chance so that many clients do not come back at once; `Retry-After` is obeyed up to a limit.

A 401 is answered once by what renews the credential, if anything does; a 403 by a credential whose rights have grown since it
was given out. Then they are told.
"""

from __future__ import annotations

import json
import platform
import random
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Protocol

import httpx

from cygni import __version__
from cygni.cli.errors import Unreachable, from_problem, with_sign_in
from cygni.cli.settings import Context

USER_AGENT = f"cygni/{__version__} (python {platform.python_version()}; {platform.system().lower()})"
_AGAIN = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})  # what the API does for them twice is what it does once


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the client is. All times are seconds."""

    attempts: int = 5
    first_pause: float = 0.2
    longest_pause: float = 5.0
    longest_retry_after: float = 30.0
    connect_timeout: float = 5.0
    read_timeout: float = 30.0

    def pause(self, attempt: int, retry_after: float | None, chance: float) -> float:
        """How long to wait after failed attempt number `attempt` (from 1); `chance` is in [0, 1)."""
        if retry_after is not None:
            return min(retry_after, self.longest_retry_after)
        return float(min(self.first_pause * 2 ** (attempt - 1), self.longest_pause) * (0.5 + chance / 2))

    def within(self, other: Policy) -> Policy:
        """As patient as this policy and no more patient than the other."""
        return Policy(*(min(getattr(self, each.name), getattr(other, each.name)) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer below 400: the parsed JSON (None when there is no body) and its headers, names in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Bearer(Protocol):
    """What requests are authorized with."""

    def token(self) -> str:
        """The token to send. Raises NotSignedIn, Unreachable."""

    def renewed(self, refused: str) -> str | None:
        """Another token after one was refused; None where there is no way to get one. Raises NotSignedIn, Unreachable."""

    def regranted(self, refused: str) -> str | None:
        """Another token after one did not grant enough, if it grants something else; None where it does not."""

    def remedy(self, advice: str) -> str:
        """What to do when the API takes none of them; `advice` is its own."""


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that somebody wrote down: an API key. `source` is where."""

    value: str = field(repr=False)
    source: str = ""

    def token(self) -> str:
        """It."""
        return self.value

    def renewed(self, refused: str) -> str | None:  # noqa: ARG002 - there is only the one
        """None."""
        return None

    def regranted(self, refused: str) -> str | None:  # noqa: ARG002 - a key's rights are looked up at each request
        """None."""
        return None

    def remedy(self, advice: str) -> str:
        """The API's advice, and where the token comes from."""
        if not self.source:
            return with_sign_in(advice)
        return with_sign_in(f"{advice} The token comes from {self.source}.".strip())


@dataclass(slots=True)
class Client:
    """Speaks to one control plane. Close it after use; `sleep` and `chance` are arguments so that tests need not wait.

    `bearer` is what signs its requests in; without one it is the context's token.
    """

    context: Context
    policy: Policy = field(default_factory=Policy)
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    bearer: Bearer | None = None
    _http: httpx.Client | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str | float | None] | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        patient: bool = True,
        public: bool = False,
    ) -> Answer:
        """Call the API. A POST gets an Idempotency-Key (`key`, or a fresh one). Raises Problem, NotSignedIn or Unreachable.

        Not `patient`: one attempt only, for a reading that is soon taken again. `public`: no token goes along.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if method == "POST":
            sent["Idempotency-Key"] = key or str(uuid.uuid4())
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False).encode()
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = self.context.url.rstrip("/") + path

        def call(token: str) -> httpx.Response:
            signed = {**sent, "Authorization": f"Bearer {token}"} if token else sent
            return self._send(
                lambda http: http.request(method, url, headers=signed, content=content, params=given),
                repeatable=method in _REPEATABLE or "Idempotency-Key" in sent,
                attempts=self.policy.attempts if patient else 1,
            )

        bearer = self._bearer()
        token = "" if public else bearer.token()
        response = call(token)
        if response.status_code == 401 and token and (renewed := bearer.renewed(token)) is not None:
            response = call(renewed)
        if response.status_code == 403 and token and (regranted := bearer.regranted(token)) is not None:
            response = call(regranted)
        return _answer(response, f"{method} {path}", bearer)

    def upload(
        self, method: str, url: str, headers: Mapping[str, str], content: Callable[[], Iterable[bytes]], size: int
    ) -> None:
        """Send an archive where a signed request says; `content` begins anew at each attempt. The token is not sent there."""
        sent = {**headers, "Content-Length": str(size)}
        response = self._send(
            lambda http: http.request(method, url, headers=sent, content=content()),
            repeatable=True,
            attempts=self.policy.attempts,
        )
        if response.is_error:
            raise from_problem(response.status_code, None, where="The upload of the source")

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()

    def _send(self, call: Callable[[httpx.Client], httpx.Response], *, repeatable: bool, attempts: int) -> httpx.Response:
        for attempt in range(1, attempts + 1):
            retry_after: float | None = None
            try:
                response = call(self._connection())
            except httpx.ConnectError as error:  # never left this machine: safe to repeat, whatever it was
                if attempt == attempts:
                    raise self._unreachable(error) from None
            except httpx.TransportError as error:
                if attempt == attempts or not repeatable:
                    raise self._unreachable(error) from None
            else:
                if response.status_code not in _AGAIN or not repeatable or attempt == attempts:
                    return response
                retry_after = _retry_after(response.headers.get("retry-after"))
            self.sleep(self.policy.pause(attempt, retry_after, self.chance()))
        raise AssertionError("the last attempt returns or raises")

    def _bearer(self) -> Bearer:
        return FixedToken(self.context.token, self.context.source) if self.bearer is None else self.bearer

    def _connection(self) -> httpx.Client:
        if self._http is None:
            policy = self.policy
            self._http = httpx.Client(
                headers={"User-Agent": USER_AGENT},
                verify=_trusted(),
                timeout=httpx.Timeout(policy.read_timeout, connect=policy.connect_timeout),
                follow_redirects=False,
            )
        return self._http

    def _unreachable(self, error: Exception) -> Unreachable:
        # What cannot be sent is quoted in full by the library: a header among it, with the token.
        unsendable = isinstance(error, httpx.LocalProtocolError)
        what = "the request cannot be sent" if unsendable else str(error) or type(error).__name__
        return Unreachable(
            f"The API at {self.context.url} did not answer: {what}",
            remedy="Check that the control plane runs (`make up` starts a local one) and its address: `cygni doctor`.",
        )


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed: read once, which takes longer than a request."""
    return httpx.create_ssl_context()


def _answer(response: httpx.Response, where: str, bearer: Bearer) -> Answer:
    body: Any = None
    if response.content:
        try:
            body = response.json()
        except ValueError:
            if not response.is_error:
                raise from_problem(500, {"detail": f"{where} answered something that is not JSON."}, where=where) from None
    if response.status_code >= 300:
        raise from_problem(response.status_code, body, where=where, sign_in=bearer.remedy)
    return Answer(response.status_code, body, dict(response.headers))


def _retry_after(value: str | None) -> float | None:
    """Seconds of a `Retry-After` header, which is a number or a date; None when absent or unreadable."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None

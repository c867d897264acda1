"""What a job of GitHub Actions can show of itself: a token of GitHub's issuer, asked for at the runner it runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cygni.cli.errors import NotSignedIn, Unreachable

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Runner:
    """Where the job's runner gives out tokens, and what it wants to see for them."""

    url: str
    secret: str = field(repr=False)

    def id_token(self, audience: str) -> str:
        """A token that says which workflow this is, for one audience. Raises NotSignedIn when it gives none, Unreachable."""
        headers = {"Authorization": f"Bearer {self.secret}", "Accept": "application/json"}
        answer = self._ask(headers, audience)
        try:
            value = answer.json()["value"] if answer.is_success else None
        except (ValueError, KeyError, TypeError):
            value = None
        if not isinstance(value, str) or not value:
            raise NotSignedIn(
                f"The runner of GitHub Actions gave no token (status {answer.status_code}).",
                remedy="Give the job `permissions: id-token: write`; a workflow for a pull request from a fork never has it.",
            )
        return value

    def _ask(self, headers: Mapping[str, str], audience: str) -> httpx.Response:
        import httpx  # slow to load, and whoever only asks whether this is a job has no use for it

        parts = urlsplit(self.url)
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("audience", audience)])
        address = urlunsplit(parts._replace(query=query))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = httpx.get(address, headers=dict(headers), timeout=SECONDS)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                unsendable = isinstance(error, httpx.LocalProtocolError)  # quoted in full, the secret among it
                reason = "" if unsendable else str(error)
                if attempt == ATTEMPTS:
                    raise Unreachable(
                        f"The runner of GitHub Actions did not answer: {reason or type(error).__name__}",
                        remedy="Run the job again.",
                    ) from None
                continue
            if answer.status_code < 500 or attempt == ATTEMPTS:
                return answer
        raise AssertionError("the last attempt returns or raises")


def in_actions(environ: Mapping[str, str]) -> bool:
    """Whether this runs in a job of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true" or runner_of(environ) is not None


def runner_of(environ: Mapping[str, str]) -> Runner | None:
    """The runner of this job, if the job may ask it for tokens."""
    url, secret = environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", ""), environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    return Runner(url, secret) if url and secret else None

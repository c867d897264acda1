"""The doctor's examinations: each looks at one thing and says how it is and what would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

import httpx

from cygni.cli.appfile import FILE_NAME, find_app_file
from cygni.cli.client import USER_AGENT
from cygni.cli.errors import CliError
from cygni.cli.git import git_root, read_commit
from cygni.cli.grants import grant_words
from cygni.cli.session import Session
from cygni.cli.settings import Kept, Means, config_path

Level = Literal["ok", "note", "fault"]
MOST_SKEW = 60.0
"""Seconds by which this machine's clock may differ: signed uploads and tokens allow for little more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found. A note is worth knowing, a fault must be mended."""

    name: str
    level: Level
    detail: str
    remedy: str = ""

    def document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def examine(session: Session, check_app_file: Callable[[], str]) -> Iterator[Finding]:
    """All findings in order. What cannot be looked at, since something before it failed, is left out."""
    configured = _attempt("configuration", lambda: _configuration(session))
    yield configured
    if configured.level != "fault":
        reached, skew = _reach(session)
        yield reached
        if reached.level == "ok":
            yield clock_finding(skew)
            token = _attempt("token", lambda: _token(session))
            yield token
            if token.level == "ok":
                yield from _project(session, check_app_file)
    yield _git(session)


def clock_finding(skew: float | None) -> Finding:
    """What a difference of so many seconds between this clock and the API's means; None: the API did not tell its time."""
    if skew is None:
        return Finding("clock", "note", "the API did not say what time it is")
    if abs(skew) > MOST_SKEW:
        way = "ahead of" if skew > 0 else "behind"
        return Finding(
            "clock", "fault", f"{abs(skew):.0f} s {way} the API's", "Set this machine's clock by a time server (NTP)."
        )
    return Finding("clock", "ok", f"within {MOST_SKEW:.0f} s of the API's")


def _attempt(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", look())
    except CliError as error:
        details = "\n".join(filter(None, (error.message, error.detail)))
        return Finding(name, "fault", details, error.remedy)


def _configuration(session: Session) -> str:
    context = session.context
    environment = context.means is Means.ACTIONS or context.name == "environment"
    where = "CYGNI_ENDPOINT" if environment else str(config_path(session.runtime.environ))
    return f"context {context.name}, {context.url}, from {where}, signed in by {_MEANS[context.means]}{_kept(session)}"


_MEANS = {Means.TOKEN: "a token", Means.LOGIN: "a login", Means.ACTIONS: "this job of GitHub Actions"}


def _kept(session: Session) -> str:
    if session.context.kept is Kept.KEYRING:
        return " in the system's keyring"
    return f" in {session.credentials.file}" if session.context.kept is Kept.FILE else ""


def _reach(session: Session) -> tuple[Finding, float | None]:
    try:
        answer = session.api.health()
    except CliError as error:
        return Finding("api", "fault", error.message, error.remedy), None
    version = answer.body.get("version", "unknown") if isinstance(answer.body, dict) else "unknown"
    return Finding("api", "ok", f"answers, version {version}"), _skew(answer.headers.get("date"), session.runtime.now())


def _skew(date: str | None, now: datetime) -> float | None:
    try:
        there = parsedate_to_datetime(date) if date else None
    except ValueError:
        return None
    return (now - there.astimezone(UTC)).total_seconds() if there else None


def _token(session: Session) -> str:
    found = session.identity.whoami()
    who = f"is for {found['name'] or found['subject']}"
    return f"{who}, {grant_words(found['role'], found['scopes'])} in {found['team']}" if found["team"] else f"{who}, in no team"


def _project(session: Session, check_app_file: Callable[[], str]) -> Iterator[Finding]:
    if find_app_file(session.runtime.folder) is None:
        yield Finding("app file", "note", f"there is no {FILE_NAME} here", "Write one with `cygni init`.")
    else:
        checked = _attempt("app file", check_app_file)
        yield checked
        if checked.level == "fault":
            return
    if session.app_file is not None or session.asked.project is not None:
        yield _app(session)


def _app(session: Session) -> Finding:
    try:
        place = session.place
        service = session.api.service(place)
    except CliError as error:
        if error.code == "not-found":
            return Finding("application", "note", "is not deployed yet", "Deploy it with `cygni deploy`.")
        return Finding("application", "fault", error.message, error.remedy)
    if service["live_release"] is None:
        return Finding("application", "note", f"{place} has no live release", "Deploy it with `cygni deploy`.")
    return probe(service["url"])


def probe(url: str) -> Finding:
    """Whether the application answers at its address with anything below 500."""
    target, host = _dial(url)
    try:
        answer = httpx.get(target, headers={"Host": host, "User-Agent": USER_AGENT}, timeout=5.0)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        remedy = "Check that the gateway runs and that its name resolves to it."
        return Finding("application", "fault", f"{url} does not answer: {reason}", remedy)
    if answer.status_code >= 500:
        return Finding(
            "application", "fault", f"{url} answers {answer.status_code}", "Read `cygni logs`, or return with `cygni rollback`."
        )
    return Finding("application", "ok", f"{url} answers {answer.status_code}")


def _dial(url: str) -> tuple[str, str]:
    """Where to connect and which Host to say. Names under .localhost are this machine (RFC 6761); few resolvers know it."""
    parts = urlsplit(url)
    if (parts.hostname or "").endswith(".localhost"):
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit((parts.scheme, f"127.0.0.1{port}", parts.path or "/", parts.query, "")), parts.netloc
    return url, parts.netloc


def _git(session: Session) -> Finding:
    folder = session.runtime.folder
    if git_root(folder) is None:
        return Finding("git", "note", "this folder is in no repository: deployments will not say which commit they are of")
    commit = read_commit(folder)
    if commit is None:
        return Finding("git", "note", "git is missing, or there is no commit yet: deployments will not say which they are of")
    return Finding(
        "git", "ok", f"{commit.sha[:8]} {commit.subject}{', with changes that are not committed' if commit.dirty else ''}"
    )

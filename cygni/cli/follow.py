"""Follows a deployment to its end by polling: what happened, as a sequence of items. How they are shown is elsewhere.

Order: each timeline event once, oldest first; build log lines after the event that the build began; a Progress while traffic
shifts; Ended last, or Awaiting where somebody has to approve first. A lost connection is no end: it is tried again for about a
minute, with a Lost item for the first failure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from cygni.cli.api import Api, Place
from cygni.cli.errors import CliError, Problem, Unreachable
from cygni.cli.exits import Exit
from cygni.cli.shapes import Deployment, Event, Timeline, Traffic

_BEFORE_BUILD_LOG = frozenset({"queued", "approval_needed", "approved", "building"})
_BEFORE_BUILD = frozenset({"awaiting_approval", "queued"})
_PATIENCE = 10  # looks at a rollout in which nothing happens before the pauses grow
_SLOWEST = 5  # times the first pause
_FAILURES = 20  # polls in a row that may fail; with the client's own retries about a minute


@dataclass(frozen=True, slots=True)
class BuildLine:
    """One line of the build's log."""

    text: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of the timeline."""

    event: Event


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the rollout stands now; `traffic` is None while there is nothing to read."""

    deployment: Deployment
    traffic: Traffic | None


@dataclass(frozen=True, slots=True)
class Lost:
    """The API did not answer; following goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The deployment has ended."""

    deployment: Deployment


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The deployment goes on when somebody has approved it, which may take days: that is not waited for."""

    deployment: Deployment


Item = BuildLine | Happened | Progress | Lost | Ended | Awaiting


def pause(poll: float, quiet: int) -> float:
    """Seconds until the next look after so many at which nothing had happened: a canary that is watched for an hour is looked
    at less often than one that has just moved, so that followers do not use up what their address and their key may ask."""
    return poll * min(_SLOWEST, max(1, quiet - _PATIENCE + 1))


@dataclass(slots=True)
class Follower:
    """One following of one deployment. `poll` is seconds between two looks, while something happens."""

    api: Api
    place: Place
    deployment: Deployment
    sleep: Callable[[float], None]
    poll: float
    _cursor: str | None = None
    _log_cursor: str | None = None
    _log_complete: bool = field(default=False)
    _quiet: int = 0

    def items(self) -> Iterator[Item]:
        """Everything until the end. Raises Problem when the API refuses, Unreachable when it is gone for good."""
        self._log_complete = self.deployment["kind"] != "deploy"
        failures = 0
        while True:
            try:
                ended = yield from self._look()
                failures = 0
            except CliError as error:
                if error.exit_code is not Exit.UNREACHABLE or failures == _FAILURES:
                    raise
                failures += 1
                ended = False
                if failures == 1:
                    yield Lost(error.message)
            if ended:
                return
            self.sleep(pause(self.poll, self._quiet))

    def _look(self) -> Generator[Item, None, bool]:
        """One look: what is new since the last. Its return value says whether that was all."""
        timeline = self.api.timeline(self.place, self.deployment["id"], cursor=self._cursor)
        early = [each for each in timeline["items"] if each["kind"] in _BEFORE_BUILD_LOG]
        later = [each for each in timeline["items"] if each["kind"] not in _BEFORE_BUILD_LOG]
        yield from map(Happened, early)
        yield from self._build_lines(timeline)
        yield from map(Happened, later)
        self._quiet = self._quiet + 1 if timeline["state"] == "rolling_out" and not timeline["items"] else 0
        self._cursor = timeline["next_cursor"]
        if timeline["ended"]:
            yield from self._rest()
            yield Ended(self.api.deployment(self.place, self.deployment["id"]))
            return True
        if timeline["state"] == "awaiting_approval":
            yield Awaiting(self.api.deployment(self.place, self.deployment["id"]))
            return True
        if timeline["state"] == "rolling_out":
            deployment = self.api.deployment(self.place, self.deployment["id"])
            yield Progress(deployment, self._traffic())
        return False

    def _rest(self) -> Iterator[Item]:
        """Events that did not fit into the page that said it was the end."""
        while events := (page := self.api.timeline(self.place, self.deployment["id"], cursor=self._cursor))["items"]:
            yield from map(Happened, events)
            self._cursor = page["next_cursor"]

    def _build_lines(self, timeline: Timeline) -> Iterator[Item]:
        if self._log_complete or timeline["state"] in _BEFORE_BUILD:
            return
        over = timeline["state"] != "building"
        while True:
            try:
                log = self.api.build_log(self.place, self.deployment["id"], cursor=self._log_cursor)
            except Problem as problem:
                if problem.status != 404:  # a deployment that never came to build has no log
                    raise
                self._log_complete = over
                return
            yield from map(BuildLine, log["lines"])
            self._log_cursor = log["next_cursor"]
            self._log_complete = log["complete"] or (over and not log["lines"])
            if self._log_complete or not log["lines"]:
                return

    def _traffic(self) -> Traffic | None:
        try:
            return self.api.traffic(self.place, self.deployment["id"])
        except Unreachable:
            raise
        except CliError:  # between two steps, or while metrics are not readable, there is nothing to show
            return None

"""Plays the demo: acts one after another, through the HTTP API, under steady traffic."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cygni.local.demo import tally
from cygni.local.demo.acts import ACTS, LATENCY_GATE, Act, Ending, Explained, expected_stable
from cygni.local.demo.children import CommandFailed, cygni_document, cygni_stream
from cygni.local.demo.load import Load
from cygni.local.demo.show import Stage

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
_ACT_DEADLINE = 300.0  # seconds a deployment may take: several times what it does take
_LAST_LOOK = 2.0  # seconds of traffic that must all be answered by the stable release at the end
_LAST_LOOK_DEADLINE = 30.0


@dataclass
class Play:
    """One run of the demo. `endings`, `last_answers` and `seen()` are what is judged, complete or not.

    `explained` is why the first bad version was rolled back.
    """

    folder: Path
    environ: Mapping[str, str]
    load: Load | None = None
    endings: list[Ending] = field(default_factory=list)
    last_answers: Counter[str] = field(default_factory=Counter)
    explained: Explained | None = None

    def seen(self) -> list[tally.Seen]:
        """All requests so far."""
        return self.load.seen() if self.load else []

    def run(self, stage: Stage) -> None:
        """Play all acts, then look who answers. Raises CommandFailed when a command cannot do its work."""
        for act in ACTS:
            stage.begin(act)
            copy_example(act.example, self.folder)
            ended = self._deploy(stage)
            if self.load is None:
                stage.say(f"{ended['url']} answers; sending steady traffic to it")
                self.load = Load(ended["url"])
                self.load.start()
            self.endings.append(self._ending(act, ended))
            stage.end(self.endings[-1])
            if act.bad and self.explained is None:
                self.explained = Explained(ended, cygni_document(["explain", ended["id"]], self.environ, self.folder))
            if not self.endings[-1].as_expected:
                return
        stage.say("Looking who answers now")
        self._look_last()

    def stop(self) -> None:
        """End the traffic, and count the endings' requests once more: over the whole demo, late answers too."""
        if self.load is not None:
            self.load.stop()
        self.endings = [counted(each, self.seen()) for each in self.endings]

    def _deploy(self, stage: Stage) -> dict[str, Any]:
        """Deploy what is in the folder and follow it to its end; the deployment with the times of its events."""
        made = cygni_document(["deploy", "--detach"], self.environ, self.folder)
        times: dict[str, float] = {}
        deadline = time.monotonic() + _ACT_DEADLINE
        for item in cygni_stream(["follow", made["id"]], self.environ, self.folder):
            stage.item(item)
            if item["type"] == "event":
                times.setdefault(item["kind"], datetime.fromisoformat(item["at"]).timestamp())
            if item["type"] == "ended":
                return {**item["deployment"], "times": times}
            if time.monotonic() > deadline:
                raise CommandFailed(f"The deployment {made['id']} did not end within {_ACT_DEADLINE:.0f} s.")
        raise CommandFailed(f"cygni follow {made['id']} ended before the deployment did.")

    def _ending(self, act: Act, ended: dict[str, Any]) -> Ending:
        times = ended["times"]
        if act.bad:
            seconds = tally.time_to_zero(self.seen(), f"r{ended['release']}", slow=LATENCY_GATE)
        else:
            seconds = times["promoted"] - times["rolling_out"] if {"promoted", "rolling_out"} <= times.keys() else None
        return Ending(act, ended["release"], ended["state"], ended["outcome"] or "", seconds, requests=0, failed=0)

    def _look_last(self) -> None:
        """Watch until a stretch of traffic was answered by the stable release alone, or the deadline."""
        stable, deadline = expected_stable(self.endings), time.monotonic() + _LAST_LOOK_DEADLINE
        while True:
            since = time.time()
            time.sleep(_LAST_LOOK)
            self.last_answers = tally.who_answers(self.seen(), since)
            if set(self.last_answers) == {stable} or time.monotonic() > deadline:
                return


def counted(ending: Ending, seen: Sequence[tally.Seen]) -> Ending:
    """An ending with the requests that its release answered, and how many of them failed."""
    revision = f"r{ending.release}"
    return replace(ending, requests=tally.requests_of(seen, revision), failed=tally.failures_of(seen, revision))


def copy_example(name: str, folder: Path) -> None:
    """Put an example's files into the folder that is deployed, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("__pycache__"))

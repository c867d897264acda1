"""`python -m tools.failover_drill`: loses a region in the middle of a rollout, fails over, and says what that took.

Two embedded clouds stand for two regions over one cluster, as a user's cluster outlives the region of Cygni's control plane.
What AWS copies between regions (global tables, secrets, the bucket) is copied here by this script, a moment late as there. Exit
code 0: the rollout went on in the other region and came to its end, no request of the application failed, and the lost region,
when it came back, did nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tools.drilled.copying import Copier
from tools.drilled.region import HOME, STANDBY, Region, data_plane
from tools.drilled.visitors import Visitors


class DrillFailed(Exception):
    """What did not come out as it should."""


@dataclass
class Drill:
    """Both regions, what copies between them, and who uses the application meanwhile. `times` are seconds from the loss on."""

    home: Region
    standby: Region
    copier: Copier
    visitors: Visitors
    say: Callable[[str], None]
    times: dict[str, float] = field(default_factory=dict)
    lost_at: float = 0.0

    def run(self) -> dict[str, Any]:
        """Goes through it; the report. Raises DrillFailed."""
        self.say(f"{self.home.name} acts, {self.standby.name} stands by. Version 1 is deployed.")
        self.home.deploy("hello")
        self.visitors.begin()
        deployment = self.home.deploy("hello-v2", wait=False)
        self._until(lambda: self.home.weight(deployment) > 0, "the rollout to have a share of the traffic")
        self.copier.stop()
        self.home.describe("written after the last copy")
        self._lose()
        self._fail_over()
        self._until(lambda: self.standby.state(deployment) == "promoted", "the rollout to end", seconds=300)
        self._mark("rollout promoted")
        lost = int(self.standby.description() != "written after the last copy")
        self._come_back(deployment)
        self.visitors.end()
        return self._report(deployment, lost)

    def _lose(self) -> None:
        self.say(f"{self.home.name} is lost in the middle of the rollout of version 2.")
        self.home.kill()
        self.lost_at = time.monotonic()
        self._expect(self.standby.ready() == 503, "the region that stands by must not act before it is told to")

    def _fail_over(self) -> None:
        told = self.standby.invoke("cygni-fail-over", {"to": self.standby.name})
        self._expect("errorType" in told, "a region that gives no answer must not be relieved unless it is said to be lost")
        self.say(f"{self.standby.name} is told to take over.")
        answer = self.standby.invoke("cygni-fail-over", {"to": self.standby.name, "lost": True})
        self._expect(answer.get("acts") == self.standby.name, f"the work must be moved, and not {answer}")
        self._until(lambda: self.standby.ready() == 200, "the standby region to act")
        self._mark("acts (its name would lead there)")
        self.standby.invoke("cygni-sweep", {})  # as its schedule does within a minute
        self._mark("workflow runs on")

    def _come_back(self, deployment: str) -> None:
        self.say(f"{self.home.name} comes back with what it knew.")
        self.home.start()
        self._expect(self.home.ready() == 503, "a region that comes back must learn that it is relieved")
        self._expect("passive" in self.home.invoke("cygni-sweep", {}), "its schedules must do nothing")
        self._expect(self.home.refuses_writes(), "its API must refuse what it is asked to change")
        self._expect(self.standby.releases() == 2, "no release may be made twice")
        self._expect(self.standby.state(deployment) == "promoted", "what had ended must stay so")

    def _report(self, deployment: str, lost: int) -> dict[str, Any]:
        failed = self.visitors.failed
        self._expect(failed == 0, f"{failed} of {self.visitors.sent} requests of the application failed")
        return {
            "deployment": deployment,
            "seconds": {name: round(value, 1) for name, value in self.times.items()},
            "acknowledged_writes_lost": lost,
            "copied_last_seconds_before": round(self.lost_at - self.copier.copied_at, 1),
            "application_requests": self.visitors.sent,
            "application_failures": failed,
        }

    def _mark(self, what: str) -> None:
        self.times[what] = time.monotonic() - self.lost_at

    def _until(self, what: Callable[[], bool], wanted: str, *, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            self._expect(time.monotonic() < deadline, f"waited {seconds:.0f} s for {wanted}")
            time.sleep(0.25)

    def _expect(self, held: bool, sentence: str) -> None:
        if not held:
            raise DrillFailed(sentence)


@contextmanager
def drill(folder: Path, say: Callable[[str], None]) -> Iterator[Drill]:
    """Both regions and the data plane, running; all of it ends with the context."""
    with data_plane(folder) as plane:
        home, standby = Region.pair(folder, plane)
        copier = Copier(home.aws, standby.aws)
        visitors = Visitors(plane.apps_port, threading.Event())
        try:
            home.start()
            standby.start()
            copier.start()
            yield Drill(home, standby, copier, visitors, say)
        finally:
            visitors.end()
            copier.stop()
            for each in (home, standby):
                each.kill()


def table(report: dict[str, Any]) -> Table:
    """What a failover took, for people."""
    drawn = Table("what", "measured", title=f"{HOME} lost, {STANDBY} acts")
    for name, seconds in report["seconds"].items():
        drawn.add_row(f"{name}, after the loss", f"{seconds} s")
    drawn.add_row("acknowledged writes lost", f"{report['acknowledged_writes_lost']}")
    drawn.add_row("last copy, before the loss", f"{report['copied_last_seconds_before']} s")
    drawn.add_row("requests of the application", f"{report['application_requests']}, {report['application_failures']} failed")
    return drawn


def main() -> int:
    """The drill; prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m tools.failover_drill", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args()
    console = Console(stderr=given.json)
    with tempfile.TemporaryDirectory(prefix="cygni-drill-") as folder:
        try:
            with drill(Path(folder), console.print) as going:
                report = going.run()
        except DrillFailed as failed:
            sys.stderr.write(f"The drill failed: {failed}.\n")
            return 1
    if given.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        console.print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())

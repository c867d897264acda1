"""`python -m cygni.local.demo`: what `make demo` runs.

Exit code 0: versions 1 and 2 were promoted, 3 and 4 rolled back, version 2 has all the traffic, and no request failed but those
that the bad canaries failed themselves. 1: something of that is not so. 130: interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from cygni.local.controlplane.binaries import BuildFailed, Unavailable, ensure
from cygni.local.demo import tally
from cygni.local.demo.acts import ACTS, complaints
from cygni.local.demo.children import Cloud, CloudFailed, CommandFailed, Interrupts
from cygni.local.demo.people import TEAM, bring_in, endpoint_of, person
from cygni.local.demo.play import Play
from cygni.local.demo.report import closing, document
from cygni.local.demo.show import Stage

READY_SECONDS = 180.0
_LAST_LINES = 12


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; the exit code says how it went."""
    options = _parse(arguments)
    interrupts = Interrupts()
    console = _console(sys.stderr if options.json else sys.stdout)
    home = Path(tempfile.mkdtemp(prefix="cygni-demo-"))
    try:
        code = _perform(home, console, interrupts, cluster=options.cluster, as_json=options.json)
        keep = options.keep or code != 0
    except (Unavailable, BuildFailed) as error:
        console.print(Text(str(error)))
        keep, code = False, 1
    except KeyboardInterrupt:
        console.print(Text("Interrupted; everything is stopped."))
        keep, code = options.keep, 130
    if keep:
        console.print(Text(f"State and logs are kept in {home}"))
    else:
        shutil.rmtree(home, ignore_errors=True)
    return code


def _perform(home: Path, console: Console, interrupts: Interrupts, *, cluster: str, as_json: bool) -> int:
    if cluster == "real":
        ensure(os.environ, console.print)
    begun = time.monotonic()
    cloud = Cloud(home)
    ada, grace = (person(name, home, cloud.environ, home / "app") for name in ("Ada", "Grace"))
    play = Play(home / "app", ada.environ)
    broken, watched = "", None
    try:
        with Stage(console, play.seen) as stage:
            stage.say("Starting the embedded cloud" + (" on a real Kubernetes control plane" if cluster == "real" else ""))
            cloud.start(("--cluster", cluster))
            cloud.wait_ready(READY_SECONDS)
            stage.say("Ada signs in at the local identity provider, and makes a team")
            ada.sign_in(endpoint_of(cloud.state))
            ada.run("team", "create", TEAM)
            play.run(stage)
            stage.say("Grace is invited as a Viewer")
            watched = bring_in(grace, ada, endpoint_of(cloud.state))
            cloud.check()
    except (CloudFailed, CommandFailed) as error:
        broken = str(error)
    finally:
        interrupts.stopping()
        play.stop()
        cloud.stop()
    seen = play.seen()
    may_fail = frozenset(f"r{each.release}" for each in play.endings if each.act.bad)
    found = [broken] if broken else []
    found += complaints(play.endings, play.last_answers, tally.blemish(seen, may_fail))
    seconds = time.monotonic() - begun
    told: dict[str, Any] = {"total": len(seen), "seconds": seconds, "watched": watched, "explained": play.explained}
    console.print(closing(play.endings, found, **told))
    if as_json:
        print(json.dumps(document(play.endings, found, **told)))  # noqa: T201 - the answer for machines
    if found:
        _print_logs(home, console)
    return 1 if found else 0


def _console(stream: TextIO) -> Console:
    """A console for people; in a file or a pipe its lines are long rather than wrapped, unless COLUMNS says how wide."""
    width = None if stream.isatty() or "COLUMNS" in os.environ else 160
    return Console(file=stream, width=width, highlight=False, markup=False)


def _print_logs(home: Path, console: Console) -> None:
    """The last lines of every log, those of the cloud itself first."""
    for path in [home / "up.log", *sorted((home / "state").rglob("*.log"))]:
        if not path.is_file():
            continue
        with path.open("r", errors="replace") as file:
            lines = deque(file, _LAST_LINES)
        if lines:
            console.print(Text(f"\nLast lines of {path}:", style="bold"))
            console.print(Text("".join(lines).rstrip(), style="dim"))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m cygni.local.demo",
        description=f"Deploys {len(ACTS)} versions of an application under live traffic: two are kept, two are caught.",
    )
    parser.add_argument(
        "--cluster",
        choices=("embedded", "real"),
        default="embedded",
        help="which Kubernetes API server runs (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout; progress goes to stderr")
    parser.add_argument("--keep", action="store_true", help="leave state and logs for inspection; a failed demo always does")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

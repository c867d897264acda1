"""What a newcomer waits for: the embedded cloud until an app answers, and a bad version until it has no traffic.

Both run as a newcomer runs them, by their commands and with processes of their own, on free ports and in a folder of its own.

usage: python -m bench.demo
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.figures import verdict
from cygni.local.demo.children import Cloud, cygni_document
from cygni.local.demo.play import copy_example

VERDICT_SECONDS, UP_SECONDS = 20, 15
BROKEN = "hello-broken"
_DEADLINE = 60.0


def first_answer() -> tuple[float, float]:
    """Seconds from starting the cloud until it is up, and until an app that was deployed to it at once answers 200."""
    with tempfile.TemporaryDirectory(prefix="cygni-bench-") as home:
        cloud = Cloud(Path(home))
        begun = time.monotonic()
        cloud.start()
        try:
            cloud.wait_ready(_DEADLINE)
            ready = time.monotonic() - begun
            copy_example("hello", Path(home) / "app")
            made = cygni_document(["deploy", "--detach"], cloud.environ, Path(home) / "app")
            while not answers(made["url"]):
                if time.monotonic() - begun > _DEADLINE:
                    raise SystemExit(f"{made['url']} did not answer within {_DEADLINE:.0f} s")
                time.sleep(0.05)
            return ready, time.monotonic() - begun
        finally:
            cloud.stop()


def answers(url: str) -> bool:
    """Whether an app answers 200 now. Names below localhost are this machine's, also where no resolver says so."""
    named = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", named.port or 80, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": named.netloc})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def play() -> dict[str, Any]:
    """The demo's own account of how it went."""
    done = subprocess.run([sys.executable, "-m", "cygni.local.demo", "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise SystemExit("the demo said nothing")
    return dict(json.loads(done.stdout))


def lines(told: Mapping[str, Any]) -> list[str]:
    """The demo's account as lines, with the verdict on the broken version beside its aim."""
    found = []
    for each in told["releases"]:
        seconds = each["seconds_to_verdict"]
        name = f"{each['example']}: {each['state']}, seconds to verdict"
        if each["example"] == BROKEN:
            found.append(verdict(name, float("inf") if seconds is None else seconds, VERDICT_SECONDS))
        else:
            found.append(f"{name}: {'unknown' if seconds is None else format(seconds, '.2f')}")
    found.append(f"the whole demo: {told['seconds']:.0f} s, {told['requests']:,} requests")
    return [*found, *(f"complaint: {each}" for each in told["complaints"])]


def main() -> None:
    """First the answer, then the demo; exit code 1 when the demo did not go as it should."""
    ready, answered = first_answer()
    print(f"`up` until the API answers: {ready:.1f} s")
    print(verdict("`up` and `cygni deploy` until the app answers 200, seconds", answered, UP_SECONDS))
    told = play()
    print("\n".join(lines(told)))
    sys.exit(0 if told["ok"] else 1)


if __name__ == "__main__":
    main()

"""Steady traffic: requests at a fixed rate over kept-alive connections, each remembered. Nothing is sent twice.

The rate is kept open-loop: a slow answer does not hold the next request back, as long as a worker is free.
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from cygni.local.demo.tally import Seen

_TIMEOUT = 30.0


@dataclass
class Load:
    """Traffic to one URL at `rate` requests a second, from `workers` connections, until it is stopped.

    Names under .localhost are dialled on loopback (RFC 6761), though few resolvers know them.
    """

    url: str
    rate: float = 50.0
    workers: int = 48
    _seen: list[Seen] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to send."""
        tickets, begun = count(), time.monotonic()
        for _ in range(self.workers):
            thread = threading.Thread(target=self._work, args=(tickets, begun), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Send no more, and wait for the answers under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(_TIMEOUT + 1)

    def seen(self) -> list[Seen]:
        """Everything seen so far, in the order of the answers."""
        return list(self._seen)

    def _work(self, tickets: count[int], begun: float) -> None:
        parts = urlsplit(self.url)
        name = parts.hostname or "localhost"
        dialled = "127.0.0.1" if name == "localhost" or name.endswith(".localhost") else name
        connection = http.client.HTTPConnection(dialled, parts.port or 80, timeout=_TIMEOUT)
        try:
            while True:
                due = begun + next(tickets) / self.rate  # next() of a count is one step for the interpreter: no lock needed
                if self._stopped.wait(max(0.0, due - time.monotonic())):
                    return
                self._seen.append(_ask(connection, parts.path or "/", parts.netloc))
        finally:
            connection.close()


def _ask(connection: http.client.HTTPConnection, path: str, host: str) -> Seen:
    sent, begun = time.time(), time.monotonic()
    try:
        connection.request("GET", path, headers={"Host": host, "User-Agent": "cygni-demo"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()  # the next request opens it anew
        return Seen(sent, time.monotonic() - begun, 0, "", f"{type(error).__name__}: {error}")
    return Seen(sent, time.monotonic() - begun, answer.status, answer.headers.get("X-Cygni-Revision", ""))

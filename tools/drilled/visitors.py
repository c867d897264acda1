"""People who use the application all the time: a request every tenth of a second through the gateway."""

from __future__ import annotations

import http.client
import threading


class Visitors:
    """Counts what was `sent` and what `failed`; anything but a 200 is a failure."""

    def __init__(self, port: int, ended: threading.Event) -> None:
        self.sent = self.failed = 0
        self._port, self._ended = port, ended
        self._thread = threading.Thread(target=self._visit, name="visitors", daemon=True)

    def begin(self) -> None:
        """From now on."""
        self._thread.start()

    def end(self) -> None:
        """Until now. Ending twice, or without having begun, is no error."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(15)

    def _visit(self) -> None:
        while not self._ended.wait(0.1):
            self.sent += 1
            self.failed += self._status() != 200

    def _status(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", "/", headers={"Host": "hello.localhost"})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

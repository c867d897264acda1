"""A small control plane over real HTTP on loopback. Its state: control_plane.py; its rollouts: rollout_script.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from chalicelib.api import problems
from chalicelib.platform.errors import CygniError
from tests.fakes.control_plane import FakeApi, Fault, Seen
from tests.fakes.rollout_script import Frame, ended, promoted, proposed, rolled_back
from tests.fakes.sign_in import TOKEN


@contextmanager
def serve() -> Iterator[FakeApi]:
    """A fake control plane on a free port, until the block ends."""
    fake = FakeApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    server.daemon_threads = True
    fake.url = fake.identity.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        upload = parts.path.startswith("/uploads/")
        seen = Seen(self.command, parts.path, query, headers, json.loads(raw) if raw and not upload else None)
        self.fake.requests.append(seen)
        fault = self.fake.next_fault(seen)
        if fault is not None:
            self._send(fault.status, fault.body, fault.headers)
        elif upload:
            self.fake.uploads[parts.path.removeprefix("/uploads/")] = raw
            self._send(200, b"", {})
        else:
            self._respond(seen)

    def _respond(self, seen: Seen) -> None:
        try:
            status, body = self.fake.answer(seen)
            if seen.path in self.fake.gates:
                self.fake.gates[seen.path].wait(90)
        except ValidationError as error:
            self._refuse(problems.invalid("body", error))
        except CygniError as error:
            self._refuse(error)
        else:
            raw = b"" if body is None else json.dumps(body).encode()
            self._send(status, raw, {"Content-Type": "application/json"})

    def _refuse(self, error: CygniError) -> None:
        problem = problems.problem_of(error, "request-1")
        self._send(problem.status, problem.model_dump_json(exclude_none=True).encode(), problems.headers_of(error))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.fake.clock_ahead, usegmt=True))
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve


__all__ = ["TOKEN", "FakeApi", "Fault", "Frame", "ended", "promoted", "proposed", "rolled_back", "serve"]

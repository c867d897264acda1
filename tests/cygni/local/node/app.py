"""The application that the tests' pods run: behaves as the MODE variable says. Reads nothing else of the repository."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import time

MODE = os.environ.get("MODE", "serve")
PORT = int(os.environ.get("PORT", "0"))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 200, with the variables as text; 500 on /sick; writes a file on /touch."""

    def do_GET(self) -> None:
        if self.path == "/touch":
            open("touched", "w").close()
        self.send_response(500 if self.path == "/sick" or (self.path == "/live" and os.path.exists("touched")) else 200)
        self.end_headers()
        self.wfile.write("\n".join(f"{name}={value}" for name, value in os.environ.items()).encode())

    def log_message(self, *_: object) -> None:
        pass


def serve(host: str, port: int) -> None:
    """Listens and answers until it is ended."""
    with http.server.ThreadingHTTPServer((host, port), Handler) as server:
        print(f"listening on {port}", flush=True)
        server.serve_forever()


def main() -> None:
    """What MODE says."""
    if MODE == "crash":
        print("about to fail", flush=True)
        sys.exit("no database")
    if MODE == "done":
        print("all done")
        return
    if MODE == "hog":
        held = bytearray(200 * 2**20)
        time.sleep(60)
        del held
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if MODE == "polite":
        signal.signal(signal.SIGTERM, lambda *_: (print("goodbye", flush=True), os._exit(0)))
    if MODE == "family":
        subprocess.Popen(["sh", "-c", "sleep 300 & exec sleep 301"])
        subprocess.Popen(["sleep", "302"], start_new_session=True)
    if MODE == "spin":
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            pass
    host, port = {"loopback": ("127.0.0.1", PORT), "wrong": ("0.0.0.0", 0)}.get(MODE, ("0.0.0.0", PORT))
    serve(host, port)


main()

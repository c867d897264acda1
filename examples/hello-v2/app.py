"""Hello: a web service in one file, on the standard library alone. `release.py` holds what differs between its versions."""

import html
import os
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle

import release

GREETING = os.environ.get("GREETING", release.GREETING)
PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Hello</title><style>
body {{ display: grid; place-content: center; min-height: 95vh; text-align: center; font: 1.2rem system-ui; color: #1b2440;
background: linear-gradient(160deg, #fff, {release.COLOUR}) }} h1 {{ font-size: 3.5rem; margin: 0.2em }}
</style><h1>{html.escape(GREETING)}</h1><p>version {release.VERSION}</p>""".encode()
TEXT = f"{GREETING} (version {release.VERSION})\n".encode()
TURNS = zip(cycle(release.FAILS), cycle(release.DELAYS))  # one after another, whichever thread asks
BUSY = set()


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # headers and body leave in one packet

    def do_GET(self):
        BUSY.add(self)
        fails, delay = (False, 0) if self.path == "/healthz" else next(TURNS)
        time.sleep(delay)
        try:
            if "text/html" in self.headers.get("Accept", ""):
                self.answer(500 if fails else 200, "text/html", b"<h1>Something went wrong</h1>" if fails else PAGE)
            else:
                self.answer(500 if fails else 200, "text/plain", b"Something went wrong\n" if fails else TEXT)
        finally:
            BUSY.discard(self)

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        """The gateway counts requests; the log is for what is news."""


ThreadingHTTPServer.request_queue_size = 256
server = ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Hello)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print(f"hello, version {release.VERSION}, listens on port {server.server_port}", flush=True)
server.serve_forever(poll_interval=0.1)
while BUSY:  # what is under way is answered before the end
    time.sleep(0.02)
print("stopped", flush=True)

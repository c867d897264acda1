"""Serves a folder of files over HTTP. Stands alone: it is copied into the image of every static site, and imports no more
than the standard library.

    python3 static_server.py FOLDER        listens on $PORT (8080), on all interfaces

A folder answers with its index.html, `/about` also with about.html, and what is not there with 404.html if the site has
one. Names that begin with a dot are not served (but for .well-known), nor is anything outside of the folder, whether by
`..` or by a symbolic link. Answers carry an ETag, so that a browser asks again cheaply; files whose name holds a hash
(`app.3f2a9c1b.js`) may be kept for a year.
"""

from __future__ import annotations

import mimetypes
import os
import re
import signal
import sys
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".csv": "text/csv",
    ".gif": "image/gif",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mp4": "video/mp4",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
"""Not left to the machine's own table, which differs from one to the next."""

HASHED = re.compile(r"[.-][0-9A-Za-z_-]{8,}\.(?:css|js|mjs|woff2?|png|jpe?g|svg|webp|avif)$")


def find(root: Path, target: str) -> Path | None:
    """The file that a request's path stands for, or None. `root` is absolute and without symbolic links."""
    try:
        parts = [part for part in unquote(urlsplit(target).path, errors="strict").split("/") if part]
    except (UnicodeDecodeError, ValueError):
        return None
    if any((part.startswith(".") and part != ".well-known") or "\0" in part or "\\" in part for part in parts):
        return None
    named = root.joinpath(*parts)
    for candidate in (named / "index.html" if named.is_dir() else named, named.with_name(named.name + ".html")):
        real = candidate.resolve()
        if real.is_file() and real.is_relative_to(root):
            return real
    return None


def content_type(path: Path) -> str:
    """The media type by the name's ending; text is UTF-8."""
    kind = TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


class Handler(BaseHTTPRequestHandler):
    """One connection. `root` is the folder that is served, set once at the start."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True
    root = Path()

    def do_GET(self) -> None:
        """Sends a file, or what stands for a missing one."""
        path = find(self.root, self.path)
        location = urlsplit(self.path).path
        if path is not None and path.name == "index.html" and not location.endswith(("/", "index.html")):
            self._answer(301, b"", "text/plain", {"Location": quote("/" + unquote(location).strip("/") + "/")})
            return
        if path is None:
            page = find(self.root, "/404.html")
            self._answer(
                404, page.read_bytes() if page else b"Not found\n", "text/html; charset=utf-8" if page else "text/plain"
            )
            return
        self._file(path)

    do_HEAD = do_GET  # noqa: N815 - the base class calls it so

    def _file(self, path: Path) -> None:
        facts = path.stat()
        tag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        keep = "public, max-age=31536000, immutable" if HASHED.search(path.name) else "no-cache"
        headers = {"ETag": tag, "Last-Modified": formatdate(facts.st_mtime, usegmt=True), "Cache-Control": keep}
        if self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            return
        self._answer(200, path.read_bytes(), content_type(path), headers)

    def _answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Names no versions."""
        return "cygni-static"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Silent: the gateway counts requests."""


def serve(folder: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT."""
    Handler.root = Path(folder).resolve()
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)  # noqa: S104 - a service is reached from outside of its pod
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serving {Handler.root} on port {port}", flush=True)  # noqa: T201 - the service's log
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    serve(sys.argv[1] if len(sys.argv) > 1 else ".", int(os.environ.get("PORT", "8080")))

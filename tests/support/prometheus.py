"""A real Prometheus server for tests: the program `prometheus` of the path (Debian's package of that name), on loopback."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from cygni.local.freeports import free_port

PROGRAM = shutil.which("prometheus")
ABSENT = "there is no prometheus on the path (Debian: apt-get install prometheus)"


@contextmanager
def prometheus(folder: Path, pages: Sequence[str], host: str = "127.0.0.1") -> Iterator[str]:
    """Runs a server that scrapes these pages (`127.0.0.1:1234/metrics`) each second; the value is its address."""
    jobs = [
        {"job_name": f"page-{number}", "metrics_path": f"/{path}", "static_configs": [{"targets": [target]}]}
        for number, (target, _, path) in enumerate(page.partition("/") for page in pages)
    ]
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [PROGRAM or "prometheus", f"--config.file={folder / 'prometheus.yml'}", "--log.level=warn"]
    command += [f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={host}:{port}"]
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _await_ready(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _await_ready(base: str, process: subprocess.Popen[bytes], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "prometheus ended by itself"
        try:
            with urllib.request.urlopen(f"{base}/-/ready", timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError("prometheus was not ready in time")

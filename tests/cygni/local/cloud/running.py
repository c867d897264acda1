"""A cloud process for tests: started on a state folder, asked over HTTP, stopped or killed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import httpx

from cygni.local.freeports import free_port

KEY = "cyg_" + "t" * 43
IDP = "http://127.0.0.1:1"
"""Where the identity provider would be; the process does not ask it for anything at start."""
ROOT = Path(__file__).resolve().parents[4]


class RunningCloud:
    """One process over a folder; `start` may be called again after `stop` or `kill`. Ports stay the same."""

    def __init__(self, folder: Path, *, snapshot: float = 0.3, idp: str = IDP) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.idp_client_secret = folder / "idp-client-secret"
        self._ports = (free_port(), free_port())
        self._snapshot = snapshot
        self.idp = idp
        self.process: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The API's address, before it is started too."""
        return f"http://127.0.0.1:{self._ports[0]}"

    def start(self) -> float:
        """Starts it, waits until it is ready, and answers how many seconds that took."""
        api, aws = self._ports
        command = [sys.executable, "-W", "ignore", "-m", "cygni.local.cloud", "--state", str(self.folder / "state")]
        command += ["--kubeconfig", str(self.folder / "kubeconfig"), "--images", str(self.folder / "images")]
        command += ["--gateway-metrics", "http://127.0.0.1:1/metrics", "--apps-port", "8080"]
        command += ["--api-port", str(api), "--aws-port", str(aws), "--snapshot", str(self._snapshot)]
        command += ["--idp-url", self.idp, "--idp-client-secret-file", str(self.idp_client_secret)]
        if not self.idp_client_secret.exists():
            self.idp_client_secret.write_text("s3cret\n")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_PROFILE": "of-a-developer"}
        environment["CYGNI_ADMIN_KEY_SHA256"] = hashlib.sha256(KEY.encode()).hexdigest()
        begun = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], 120)
        line = self.process.stdout.readline() if readable else b""
        if not line:
            self.kill()
            raise AssertionError(self.log.read_text()[-3000:])
        self.addresses = json.loads(line)
        return time.monotonic() - begun

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Ends it with a signal and answers how many seconds that took."""
        if self.process is None:
            return 0.0
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return time.monotonic() - begun

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.stop(signal.SIGKILL)

    def aws(self, service: str) -> Any:
        """A client of the embedded AWS."""
        session = botocore.session.get_session()
        session.set_credentials("test", "test")
        return session.create_client(service, region_name="us-east-1", endpoint_url=self.addresses["aws"])

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Calls the HTTP API as the admin; an answer of 400 or more fails the test."""
        given = {"Authorization": f"Bearer {KEY}", **headers}
        answer = httpx.request(method, self.addresses["api"] + path, json=body, headers=given, timeout=60)
        assert answer.status_code < 400, answer.text
        return answer.json() if answer.content else None

    def upload(self, project: str, files: Mapping[str, str]) -> str:
        """Uploads an archive of the files and answers the source's id."""
        data = _archive(files)
        source = self.api(
            "POST", f"/v1/projects/{project}/sources", {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        )
        request = source["upload"]
        answer = httpx.request(request["method"], request["url"], headers=request["headers"], content=data, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(source["id"])


def _archive(files: Mapping[str, str]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()

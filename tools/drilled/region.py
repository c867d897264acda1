"""One region of the drill: an embedded cloud, and what an operator and a developer ask of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from cygni.local.freeports import free_port
from cygni.local.supervisor.child import Child
from cygni.local.supervisor.layout import Layout, Ports
from cygni.local.supervisor.parts import parts

HOME, STANDBY = "us-east-1", "us-west-2"
ROOT = Path(__file__).resolve().parents[2]
SERVICE = "/v1/projects/hello/environments/prod/services/web"
_PATIENCE = 120.0


@dataclass(frozen=True)
class DataPlane:
    """The cluster, which no region's loss touches: its layout, and the port of its applications."""

    layout: Layout
    ports: Ports
    environ: Mapping[str, str]

    @property
    def apps_port(self) -> int:
        """Where the gateway serves applications."""
        return self.ports.apps


@contextmanager
def data_plane(folder: Path) -> Iterator[DataPlane]:
    """A cluster with its gateway, until the context ends."""
    layout = Layout(folder / "plane")
    layout.prepare()
    layout.secret(layout.cluster_token)
    ports, _ = layout.ports(api=0, apps=0)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CYGNI_", "KUBE"))}
    running = [each for each in parts(layout, ports, environ) if each.name in ("cluster", "gateway")]
    try:
        for each in running:
            each.start(_PATIENCE)
        yield DataPlane(layout, ports, environ)
    finally:
        for each in reversed(running):
            each.stop()


@dataclass
class Region:
    """A region's control plane. `name` is the AWS region; its state outlives its process."""

    name: str
    folder: Path
    plane: DataPlane
    key: str
    api_port: int
    aws_port: int
    other: Region | None = field(default=None, repr=False)
    child: Child | None = None

    @classmethod
    def pair(cls, folder: Path, plane: DataPlane) -> tuple[Region, Region]:
        """Two regions that know of each other."""
        key = plane.layout.secret(plane.layout.admin_key, "cyg_")
        taken = {plane.ports.api, plane.ports.apps, plane.ports.admin, plane.ports.cluster}
        made = [cls(name, folder / name, plane, key, free_port(taken), free_port(taken)) for name in (HOME, STANDBY)]
        made[0].other, made[1].other = made[1], made[0]
        return made[0], made[1]

    def start(self) -> None:
        """Starts it, or starts it again with what it knew. Raises NotStarted."""
        self.folder.mkdir(exist_ok=True)
        layout, ports = self.plane.layout, self.plane.ports
        arguments = [
            *("--state", str(self.folder / "cloud"), "--images", str(layout.images), "--kubeconfig", str(layout.kubeconfig)),
            *("--gateway-metrics", f"http://127.0.0.1:{ports.admin}/metrics", "--apps-port", str(ports.apps)),
            *("--api-port", str(self.api_port), "--aws-port", str(self.aws_port), "--region", self.name, "--snapshot", "0.5"),
        ]
        assert self.other is not None
        told = {
            **self.plane.environ,
            "PYTHONUNBUFFERED": "1",
            "CYGNI_ADMIN_KEY_SHA256": hashlib.sha256(self.key.encode()).hexdigest(),
            "CYGNI_REGION": HOME,
            "CYGNI_OWN_REGION": self.name,
            "CYGNI_OTHER_REGION": self.other.name,
            "CYGNI_OTHER_ENDPOINT": f"http://127.0.0.1:{self.other.aws_port}",
        }
        self.child = Child(self.name, "cygni.local.cloud", arguments, told, self.folder / "cloud.log")
        self.child.start(_PATIENCE)

    def kill(self) -> None:
        """Everything of it at once, with no time to save anything."""
        if self.child is not None:
            self.child.stop(0)

    def aws(self, service: str) -> Any:
        """A client of the region's AWS."""
        return _client(service, self.name, self.aws_port)

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """What a function answers, or the error it ended with."""
        answer = self.aws("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
        return dict(json.loads(answer["Payload"].read()) or {})

    def ready(self) -> int:
        """The status by which names lead here, or elsewhere."""
        return self._ask("GET", "/v1/ready")[0]

    def deploy(self, example: str, *, wait: bool = True) -> str:
        """Deploys an example with the command; the deployment's id."""
        app = self.folder / "app"
        shutil.rmtree(app, ignore_errors=True)
        shutil.copytree(ROOT / "examples" / example, app, ignore=shutil.ignore_patterns("__pycache__"))
        environ = {**self.plane.environ, "CYGNI_ENDPOINT": f"http://127.0.0.1:{self.api_port}", "CYGNI_TOKEN": self.key}
        environ["XDG_CONFIG_HOME"] = str(self.folder)
        command = [sys.executable, "-m", "cygni.cli", "deploy", "--json", *(() if wait else ("--detach",))]
        done = subprocess.run(command, cwd=app, env=environ, capture_output=True, text=True, timeout=400, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the deployment of {example} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return str(_last_json(done.stdout)["id"])

    def state(self, deployment: str) -> str:
        """A deployment's state, "" while the API does not say."""
        return str(self._ask("GET", f"{SERVICE}/deployments/{deployment}")[1].get("state", ""))

    def weight(self, deployment: str) -> int:
        """Percent of the traffic that a deployment's release has, by its rollout."""
        rollout = self._ask("GET", f"{SERVICE}/deployments/{deployment}")[1].get("rollout") or {}
        return int(rollout.get("weight") or 0)

    def releases(self) -> int:
        """How many releases the service has had."""
        return len(self._ask("GET", f"{SERVICE}/releases")[1].get("items", ()))

    def description(self) -> str:
        """The service's description."""
        return str(self._ask("GET", SERVICE)[1].get("description", ""))

    def describe(self, text: str) -> None:
        """Changes the service's description, until that is acknowledged."""
        for _ in range(20):
            version = self._ask("GET", SERVICE)[1]["version"]
            if self._ask("PUT", SERVICE, {"description": text}, {"if-match": f'"{version}"'})[0] == 200:
                return
        raise RuntimeError("the description could not be changed")

    def refuses_writes(self) -> bool:
        """Whether it refuses to change anything."""
        return self._ask("POST", "/v1/projects", {"name": "other"})[0] == 503

    def _ask(
        self, method: str, path: str, body: Any = None, more: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json", **(more or {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.api_port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"{}")
        except OSError:
            return 0, {}


def _last_json(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return dict(json.loads(text.strip().splitlines()[-1]))


_SESSION = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")
_client = partial(
    lambda service, region, port: _SESSION.client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{port}",
        config=Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )
)

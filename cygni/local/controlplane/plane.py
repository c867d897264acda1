"""Starts a control plane, prepares it as every cluster of Cygni's is, and stops it. To be used from the main thread.

The main thread matters, as it does to the node: on Linux a program is killed when the thread that started it ends, which is
how none outlives a process that is killed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chalicelib.runtime.crd import definition as cygni_definition
from cygni.local.controlplane import commands
from cygni.local.controlplane.binaries import CONTROLLERS, Binaries
from cygni.local.controlplane.commands import HOST, Plan, Ports
from cygni.local.freeports import free_port
from cygni.local.kube.kubeconfig import write_tls_kubeconfig
from cygni.local.kube.objects import Obj
from cygni.local.kube.schema.tree import gateway_definitions
from cygni.local.kube.server import FIRST_NAMESPACES
from cygni.local.node.process import LAUNCHER, OPEN_FILES

READY_SECONDS = 120.0
STOP_SECONDS = 5.0
LAST_LINES = 8
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class NotStarted(Exception):
    """A program ended, or did not answer in time; the message has the last lines of its log."""


@dataclass(slots=True)
class Program:
    """One program of the control plane; `log` gets what it prints."""

    binary: Path
    arguments: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Starts it. It is killed when this process ends, however it ends (Linux; elsewhere with its group)."""
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(OPEN_FILES)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*launch, str(self.binary), *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.defpath, "HOME": str(self.log.parent)},
            )

    def check(self) -> None:
        """Raises NotStarted if it has ended."""
        if self.process is not None and self.process.poll() is not None:
            raise NotStarted(f"{self.binary.name} ended with exit code {self.process.returncode}.\n{self.last_lines()}")

    def stop(self, seconds: float) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_lines(self) -> str:
        """The end of its log."""
        with self.log.open(errors="replace") as file:
            return "".join(deque(file, LAST_LINES)).rstrip()


class Plane:
    """The control plane of one folder. `token` admits its clients, who may do everything.

    `without` names controllers that are not to run; `port` 0 takes a free one.
    """

    def __init__(self, binaries: Binaries, folder: Path, token: str, *, port: int = 0, without: tuple[str, ...] = ()) -> None:
        self.plan = Plan(folder.absolute(), free_ports(port), without)
        self._token = token
        logs = self.plan.folder / "logs"
        told = {
            "etcd": commands.etcd,
            "kube-apiserver": commands.api_server,
            "kube-controller-manager": commands.controller_manager,
            "kube-scheduler": commands.scheduler,
        }
        self._programs = {
            name: Program(binaries.path(name), arguments(self.plan), logs / f"{name}.log")
            for name, arguments in told.items()
            if binaries.has(name)
        }
        self.has_controllers = binaries.has(*CONTROLLERS)

    def start(self) -> None:
        """Returns once the API server answers and the first objects are there. Raises NotStarted; nothing runs then."""
        self._lay_out()
        try:
            for name in ("etcd", "kube-apiserver"):
                self._programs[name].start()
            self._wait_ready()
            self._prepare()
            for name in CONTROLLERS:
                if name in self._programs:
                    self._programs[name].start()
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raises NotStarted if a program has ended."""
        for each in self._programs.values():
            each.check()

    def stop(self) -> None:
        """Stops all, the last started first."""
        for each in reversed(self._programs.values()):
            each.stop(STOP_SECONDS)

    def write_kubeconfig(self, path: Path) -> None:
        """Writes the way in to a file; the control plane must have been started, since its authority is new every time."""
        write_tls_kubeconfig(path, self.plan.url, self.plan.certificates.authority.read_bytes(), self._token)

    def _lay_out(self) -> None:
        plan = self.plan
        (plan.folder / "logs").mkdir(parents=True, exist_ok=True)
        plan.folder.chmod(0o700)
        descriptor = os.open(plan.tokens, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f'{self._token},cygni,cygni,"system:masters"\n')
        plan.certificates.make()
        self.write_kubeconfig(plan.kubeconfig)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._ask("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise NotStarted(
            f"The API server was not ready within {READY_SECONDS:g} s.\n{self._programs['kube-apiserver'].last_lines()}"
        )

    def _prepare(self) -> None:
        """What every cluster of Cygni's has from the start: its namespaces and the kinds of the Gateway API."""
        namespaces: list[Obj] = [_namespace(name) for name in FIRST_NAMESPACES]
        for path, body in [
            *(("/api/v1/namespaces", each) for each in namespaces),
            *((_CRDS, each) for each in (*gateway_definitions(), cygni_definition())),
        ]:
            status, said = self._ask("POST", path, body)
            if status not in (201, 409):
                raise NotStarted(f"The API server refused {body['kind']} {body['metadata']['name']} ({status}): {said}")
        for each in (*gateway_definitions(), cygni_definition()):
            self._await_kind(each["spec"])

    def _await_kind(self, spec: dict[str, Any]) -> None:
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        deadline = time.monotonic() + READY_SECONDS
        while self._ask("GET", path)[0] == 404:
            if time.monotonic() > deadline:
                raise NotStarted(f"The API server does not serve {path}, which it has accepted.")
            time.sleep(0.05)

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and text of one answer of the API server."""
        trust = ssl.create_default_context(cafile=str(self.plan.certificates.authority))
        connection = http.client.HTTPSConnection(HOST, self.plan.ports.api, timeout=60, context=trust)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()


@contextlib.contextmanager
def running(binaries: Binaries, folder: Path, token: str) -> Iterator[Plane]:
    """A control plane for the time of a `with`."""
    plane = Plane(binaries, folder, token)
    plane.start()
    try:
        yield plane
    finally:
        plane.stop()


def _namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def free_ports(api: int = 0) -> Ports:
    """Three free ports, the first being `api` unless that is 0."""
    found: list[int] = []
    while len(found) < 3:
        found.append(free_port(found))
    return Ports(api or found[0], found[1], found[2])

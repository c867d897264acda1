"""Makes the node known to the cluster and keeps it so: its Node object, its status, and a Lease renewed as a heartbeat."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import uuid
from datetime import UTC, datetime
from typing import Any

import psutil

from cygni import __version__
from cygni.local.node.api import ApiAway, ApiError
from cygni.local.node.context import Context
from cygni.local.node.spec import Object
from cygni.local.node.status import ADDRESS, timestamp

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
LEASE_SECONDS = 40
STATUS_SECONDS = 300.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")
log = logging.getLogger(__name__)


class Registration:
    """Speaks for one node. `port` is where its log server listens."""

    def __init__(self, context: Context, port: int) -> None:
        self._context, self._port = context, port
        self._name = context.config.name
        self._path = f"/api/v1/nodes/{self._name}"
        self._ready_since = timestamp()

    def labels(self) -> dict[str, str]:
        """The node's labels."""
        machine = platform.machine().lower()
        return {
            "kubernetes.io/hostname": self._name,
            "kubernetes.io/os": platform.system().lower(),
            "kubernetes.io/arch": _ARCHITECTURES.get(machine, machine),
            "cygni.dev/runtime": "process",
        }

    async def register(self) -> None:
        """Creates the Node, or takes over the one of this name. Waits for an API that is away."""
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._name, "labels": self.labels()}, "spec": {}}
        try:
            await self._context.insist(self._context.create, "/api/v1/nodes", node)
        except ApiError as error:
            if error.status != 409:
                raise
            await self._context.insist(self._context.patch, self._path, {"metadata": {"labels": self.labels()}})
        await self._context.insist(self._context.patch, f"{self._path}/status", self.status(ready=True))

    async def run(self) -> None:
        """Heartbeats until cancelled."""
        since_status = 0.0
        while True:
            try:
                await self._renew()
                if since_status >= STATUS_SECONDS:
                    await self._context.patch(f"{self._path}/status", self.status(ready=True))
                    since_status = 0.0
            except ApiAway as error:
                log.debug("no heartbeat: %s", error)
            except ApiError as error:
                log.warning("a heartbeat was refused: %s", error)
                if error.status == 404:
                    await self.register()
            await asyncio.sleep(self._context.config.heartbeat)
            since_status += self._context.config.heartbeat

    async def leave(self) -> None:
        """Tells that the node is not ready any more; an API that is away will see it from the Lease."""
        try:
            async with asyncio.timeout(5.0):
                await self._context.patch(f"{self._path}/status", self.status(ready=False))
        except (ApiError, TimeoutError) as error:
            log.debug("the node's end was not written: %s", error)

    def status(self, *, ready: bool) -> Object:
        """A patch of the node's status."""
        room = {"cpu": str(os.cpu_count() or 1), "memory": f"{psutil.virtual_memory().total // 1024}Ki"}
        room |= {"pods": str(self._context.config.most_pods), "ephemeral-storage": f"{self._disk() // 1024}Ki"}
        known = [_condition(name, False, "KubeletHasNo" + name, self._ready_since) for name in _PRESSURES]
        reason = "KubeletReady" if ready else "NodeStopped"
        changed = self._ready_since if ready else timestamp()
        status = {
            "capacity": room,
            "allocatable": room,
            "conditions": [*known, _condition("Ready", ready, reason, changed)],
            "addresses": [{"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": self._name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._port}},
            "nodeInfo": self._info(),
        }
        return {"status": status}

    async def _renew(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now}
        try:
            await self._context.patch(f"{LEASES}/{self._name}", {"spec": spec})
        except ApiError as error:
            if error.status != 404:
                raise
            await self._create_lease(spec)

    async def _create_lease(self, spec: Object) -> None:
        """Makes the Lease, and its namespace where a cluster lacks it."""
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": self._name}, "spec": spec}
        try:
            await self._context.create(LEASES, lease)
        except ApiError as error:
            if error.status != 404:
                raise
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-node-lease"}}
            await self._context.create("/api/v1/namespaces", namespace)
            await self._context.create(LEASES, lease)

    def _info(self) -> dict[str, Any]:
        identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"{platform.node()}/{self._name}")
        return {
            "machineID": identity.hex,
            "systemUUID": str(identity),
            "bootID": str(uuid.uuid5(identity, str(int(psutil.boot_time())))),
            "kernelVersion": platform.release(),
            "osImage": platform.platform(terse=True),
            "operatingSystem": platform.system().lower(),
            "architecture": self.labels()["kubernetes.io/arch"],
            "containerRuntimeVersion": f"cygni://{__version__}",
            "kubeletVersion": f"v{__version__}-cygni",
            "kubeProxyVersion": "",
        }

    def _disk(self) -> int:
        return psutil.disk_usage(str(self._context.config.data)).total


def _condition(name: str, true: bool, reason: str, since: str) -> Object:
    status = "True" if true else "False"
    return {"type": name, "status": status, "reason": reason, "lastHeartbeatTime": timestamp(), "lastTransitionTime": since}

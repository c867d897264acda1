"""A stable release that sleeps is woken before requests come straight to it, and what remains in the end may sleep again."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.deployments import rolling
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.progress import Ports, strategy
from chalicelib.deployments.releases import find_release, target_of, workload_of
from chalicelib.platform.errors import CygniError, Transient
from chalicelib.runtime import service as runtime


def awake(record: DeploymentRecord, ports: Ports, *, host: str) -> bool:
    """Whether the stable release takes requests without whoever wakes it. False when the task is to ask again.

    One that does not wake by the rollout's deadline is given up: it answers nobody as it is.
    """
    target = target_of(record.key)
    if record.stable is None or strategy(record).recreate or not runtime.rests(ports.cluster, target):
        return True
    release = find_release(record.key, int(record.stable))
    if release is None:
        return True
    ends = ports.clock() + timedelta(seconds=ports.settings.ready_slice)
    workload = rolling.awoken(record, workload_of(record.key, release))
    put_up = rolling.put_up(record, release.number, ports)
    runtime.apply_release(ports.cluster, workload, host=host, gateway=ports.gateway, put_up=put_up)
    waited = False
    while runtime.readiness(ports.cluster, target, release.number, now=ports.clock()).ready == 0:
        waited = True
        if ports.clock() >= ends:
            return record.deadline is not None and ports.clock() >= record.deadline
        ports.sleep(1.0)
    return not waited  # whoever has waited looks again, since an abort may have been asked for in the meantime


def rest(record: DeploymentRecord, ports: Ports, number: int, *, host: str) -> None:
    """Lets the release that has all the traffic sleep, where it is to and something wakes it; the caller saves.

    What the cluster refuses keeps it awake, and does not undo a rollout that has come to its end.
    """
    release = find_release(record.key, number)
    if release is None or release.spec.scale.min > 0:
        return
    told = f"Release {number} may sleep: its requests come through KEDA's interceptor."
    try:
        if not runtime.rest(ports.cluster, workload_of(record.key, release), host=host, gateway=ports.gateway):
            return
    except Transient:
        raise
    except CygniError as refused:
        told = f"Release {number} stays awake. {refused.message} {refused.remedy}".strip()
    record.tell(ports.clock(), "resting", told)

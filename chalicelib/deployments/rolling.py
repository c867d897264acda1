"""A rolling release: instances move in batches between the Deployments of two releases, by the sizes of `rollouts.batches`.

1. How many instances there are is found out once, before the first batch, and kept with the deployment's strategy.
2. In each batch the old release is scaled down to what the weights of the batch before need, then the new one is scaled up.
   Weights follow when its instances are ready.
3. While a rollout leads both sizes no autoscaler does. The release that is left in the end gets its own back.
4. Sizes are read from the cluster and only ever moved one way, the new release's up and the old one's down, or back; so
   every step may run twice.
5. A worker reads a size, then once more what it is to do, then writes: whoever has taken its place by then has written that
   release's Deployment, and the write of the one that is late is refused (`chalicelib.runtime.fence`).

For what does not roll every function here does nothing and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.progress import Ports, confirm, mark_of, not_ready, save, state_of, strategy
from chalicelib.deployments.releases import stored_release, target_of, workload_of
from chalicelib.projects.service import seconds
from chalicelib.rollouts.service import Batch, Rolling, batches_of, in_batches, strategy_to_dict
from chalicelib.runtime import service as runtime
from chalicelib.runtime import sizes


def rolling_of(record: DeploymentRecord) -> Rolling | None:
    """How the deployment rolls; None where it does not, as a first release does not."""
    return strategy(record).rolling if record.stable is not None else None


def sized(record: DeploymentRecord, workload: runtime.Workload, ports: Ports) -> tuple[runtime.Workload, runtime.Fence | None]:
    """The new release as it is to be written, without instances yet, and the fence around it; notes the sizes of both, which
    the caller saves.

    What scales the stable release by itself goes first, so that its size stays the one that is noted.
    """
    if rolling_of(record) is None:
        return workload, None
    target, stable = target_of(record.key), int(record.stable)
    old, new = _seen(record, ports, stable, workload.number)
    sizes.hold(ports.cluster, old, mark_of(record, ports.clock()))
    sizes.take_over(ports.cluster, target, stable)
    runs = max(1, sizes.pods_of(ports.cluster, target, stable) or 0)
    whole = replace(workload, replicas=runs) if workload.autoscaled else workload
    record.strategy = strategy_to_dict(in_batches(strategy(record), runs, sizes.pods_wanted(whole)))
    return replace(workload, led=True, replicas=new.pods or 0), new.put_up


def time_out_anew(record: DeploymentRecord) -> None:
    """Lets the instances of the next batch have a deadline of their own; the caller saves."""
    if rolling_of(record) is not None:
        record.deadline = None


def resize(record: DeploymentRecord, ports: Ports) -> None:
    """Gives both releases the sizes of the present batch, once the instances of the one before are ready; saves a deadline."""
    rolling = rolling_of(record)
    if rolling is None:
        return
    batches, step, target, number = batches_of(rolling), state_of(record).step, target_of(record.key), int(record.number)
    _timed(record, ports)
    if (sizes.pods_of(ports.cluster, target, number) or 0) >= batches[step].new:
        return
    before = batches[step - 1].new if step else 0
    if runtime.readiness(ports.cluster, target, number, now=ports.clock()).ready >= before:
        _give_sizes(record, batches[step], ports)


def grown(record: DeploymentRecord, ports: Ports, shift: Callable[[int], None]) -> bool:
    """Whether what is promoted has its full size, all of it ready. It is brought there batch by batch, one in each task.

    `shift` gives the new release so many percent of the traffic. False also when its instances failed, which is saved.
    """
    rolling = rolling_of(record)
    if rolling is None:
        return True
    target, number = target_of(record.key), int(record.number)
    _timed(record, ports)
    ends = ports.clock() + timedelta(seconds=ports.settings.ready_slice)
    while (seen := runtime.readiness(ports.cluster, target, number, now=ports.clock())).state != "ready":
        if not_ready(record, seen, ports.clock()) or ports.clock() >= ends:
            return False
        ports.sleep(0.5)
    batches = batches_of(rolling)
    left = [batch for batch in batches if batch.new > seen.desired]
    if left:
        shift(max((batch.weight for batch in batches if batch.new <= seen.desired), default=0))
        _give_sizes(record, left[0], ports)
        record.deadline = None
        save(record)
    return not left


def restored(record: DeploymentRecord, ports: Ports) -> bool:
    """Whether the stable release has its full size again, with all instances ready, or after a while those that are.

    False when not one is ready yet.
    """
    rolling = rolling_of(record)
    if rolling is None or not rolling.stable:
        return True
    target, stable = target_of(record.key), int(record.stable)
    (old,) = _seen(record, ports, stable)
    if old.pods is None:
        return True  # it is to be written anew, with its full size
    sizes.hold(ports.cluster, old, mark_of(record, ports.clock()), least=rolling.stable)
    ends = ports.clock() + timedelta(seconds=ports.settings.ready_slice)
    while (seen := runtime.readiness(ports.cluster, target, stable, now=ports.clock())).state != "ready":
        if ports.clock() >= ends:
            return seen.ready > 0
        ports.sleep(0.5)
    return True


def whole(record: DeploymentRecord, workload: runtime.Workload) -> runtime.Workload:
    """The stable release with the size that it had before."""
    rolling = rolling_of(record)
    return workload if rolling is None or not rolling.stable else replace(workload, replicas=rolling.stable)


def awoken(record: DeploymentRecord, workload: runtime.Workload) -> runtime.Workload:
    """The stable release as it is woken: with the size that it is to have, which the rollout goes on leading."""
    return workload if rolling_of(record) is None else replace(whole(record, workload), led=True)


def put_up(record: DeploymentRecord, number: int, ports: Ports) -> runtime.Fence | None:
    """A fence around a release that is about to be written whole; None where sizes are not led, and need none."""
    return None if rolling_of(record) is None else _seen(record, ports, number)[0].put_up


def hand_over(record: DeploymentRecord, number: int, ports: Ports, *, host: str) -> None:
    """Lets the release that is left be scaled by itself again."""
    if rolling_of(record) is not None:
        (left,) = _seen(record, ports, number)
        workload = workload_of(record.key, stored_release(record.key, number))
        mark = mark_of(record, ports.clock())
        sizes.give_back(ports.cluster, workload, left, mark, host=host, gateway=ports.gateway)


def _give_sizes(record: DeploymentRecord, batch: Batch, ports: Ports) -> None:
    mark = mark_of(record, ports.clock())
    old, new = _seen(record, ports, int(record.stable), int(record.number))
    sizes.shrink(ports.cluster, old, batch.old, mark)
    sizes.grow(ports.cluster, new, batch.new, mark)


def _seen(record: DeploymentRecord, ports: Ports, *numbers: int) -> tuple[sizes.Size, ...]:
    """The sizes of releases, for a deployment that has not changed since: it is read once more after them. Raises LostRace."""
    found = tuple(sizes.size_of(ports.cluster, target_of(record.key), number) for number in numbers)
    confirm(record)
    return found


def _timed(record: DeploymentRecord, ports: Ports) -> None:
    """A deadline of its own for each batch."""
    if record.deadline is None:
        health = stored_release(record.key, int(record.number)).spec.health
        record.deadline = ports.clock() + timedelta(seconds=seconds(health.deadline))
        save(record)

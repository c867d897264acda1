"""The tasks of a rollout: each loads the deployment, does what its phase asks of the world, and saves the transition.

The table in `rollouts.table` decides; this module carries out. The order in every task is: do, then save. A task that dies
in between is run again, does the same again (every effect may be done twice), and saves. A task whose phase has passed
does nothing, and answers with the task that is next, which is how a lost workflow goes on where the rollout stands.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.builds.service import build_id_of, get_build
from chalicelib.deployments import rolling
from chalicelib.deployments.lingering import linger, lingers, stable_stopped
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.observation import keep_baseline, observe
from chalicelib.deployments.progress import (
    Ports,
    Task,
    answer,
    mark_of,
    move,
    not_ready,
    phase_of,
    save,
    state_of,
    take_request,
)
from chalicelib.deployments.releases import Release, keep_release, stored_release, target_of, workload_of
from chalicelib.deployments.resting import awake, rest
from chalicelib.deployments.states import State
from chalicelib.deployments.workflow import load
from chalicelib.platform.errors import NotReady
from chalicelib.projects.service import (
    ServiceKey,
    change_held_lane,
    get_lane,
    go_live,
    held_service,
    seconds,
    turn_back,
    update_lane,
)
from chalicelib.rollouts.service import (
    Event,
    Phase,
    RolloutState,
    Strategy,
    strategy_of,
    strategy_to_dict,
    within_reach,
)
from chalicelib.runtime import service as runtime
from chalicelib.runtime.sizes import pods_of


def prepare(event: Task, ports: Ports) -> dict[str, str]:
    """Makes the release and writes it to the cluster."""
    record = load(event)
    if record.rollout is None and not record.ended:
        _open_rollout(record, ports)
    if phase_of(record) is Phase.PREPARING and not take_request(record, ports.clock()):
        if not stable_stopped(record, ports):
            return answer(record)
        release = release_of(record)
        workload, put_up = rolling.sized(record, workload_of(record.key, release), ports)
        host = host_of(record, ports)
        for note in runtime.apply_release(ports.cluster, workload, host=host, gateway=ports.gateway, put_up=put_up):
            record.tell(ports.clock(), "scaling", note)
        record.deadline = ports.clock() + timedelta(seconds=seconds(release.spec.health.deadline))
        move(record, Event.APPLIED, ports.clock(), kind="applied")
        save(record)
    return answer(record)


def await_ready(event: Task, ports: Ports) -> dict[str, str]:
    """Watches the release's instances for a while, until they are ready, have failed, or the deadline is over."""
    ends = ports.clock() + timedelta(seconds=ports.settings.ready_slice)
    while True:
        record = load(event)
        if phase_of(record) is not Phase.AWAITING_READY or take_request(record, ports.clock()):
            return answer(record)
        now = ports.clock()
        rolling.resize(record, ports)
        seen = runtime.readiness(ports.cluster, target_of(record.key), int(record.number), now=now)
        if seen.state == "ready":
            move(record, Event.READY, now, kind="ready", message=f"{seen.ready} of {seen.desired} instances are ready.")
            save(record)
            return answer(record)
        if not_ready(record, seen, now) or now >= ends:
            return answer(record)
        ports.sleep(0.25 if ports.settings.ready_slice < 10 else 1.0)


def shift(event: Task, ports: Ports) -> dict[str, str]:
    """Moves the step's share of the traffic to the canary."""
    put_up = fence_for(event, ports)
    record = load(event)
    if phase_of(record) is not Phase.SHIFTING or take_request(record, ports.clock()):
        return answer(record)
    if not awake(record, ports, host=host_of(record, ports)):
        return answer(record)
    before = observe(record, ports.metrics, ports.clock)
    set_canary_weight(record, ports, put_up)
    keep_baseline(record, before)
    state = state_of(record)
    share = f"{state.weight} % of requests go to release {int(record.number)}."
    move(record, Event.SHIFTED, ports.clock(), kind="shifted", message=share)
    rolling.time_out_anew(record)
    save(record)
    return answer(record)


def promote(event: Task, ports: Ports) -> dict[str, str]:
    """Gives the release all the traffic and makes it the live one.

    The one before stays in the route, without traffic: so its removal begins with a write of the route, and is refused when
    the rollout turned back meanwhile. Route and lane are read before the record, so that neither is written too late.
    """
    put_up, service = fence_for(event, ports), held_service(ServiceKey.from_dict(dict(event)))
    record = load(event)
    if phase_of(record) is not Phase.PROMOTING or take_request(record, ports.clock()):
        return answer(record)
    number = int(record.number)
    if not rolling.grown(record, ports, lambda weight: set_canary_weight(record, ports, put_up, weight)):
        return answer(record)
    idle = {} if record.stable is None else {int(record.stable): 0}
    set_weights(record, ports, put_up, {**idle, number: 100})
    change_held_lane(service, lambda lane: go_live(lane, record.id, number))
    move(record, Event.WEIGHTS_STABLE, ports.clock(), kind="shifted", message=f"All requests go to release {number}.")
    linger(record, ports.clock())
    save(record)
    return answer(record)


def settle(event: Task, ports: Ports) -> dict[str, str]:
    """Removes what the release replaced."""
    record = load(event)
    if phase_of(record) is not Phase.SETTLING or take_request(record, ports.clock()):
        return answer(record)
    if lingers(record, event, ports):
        return answer(load(event))
    rolling.hand_over(record, int(record.number), ports, host=host_of(record, ports))
    retire(record, ports, keep=int(record.number))
    rest(record, ports, int(record.number), host=host_of(record, ports))
    move(record, Event.SETTLED, ports.clock())
    save(record)
    return answer(record)


def roll_back(event: Task, ports: Ports, *, reason: str = "") -> dict[str, str]:
    """Gives the stable release all the traffic, then removes the canary. Whatever phase it is called in, it turns back.

    A stable release that has no instance left is brought back first, so that traffic never moves to nothing. That it turns
    back is saved before anything is undone: a worker that is late reads it, or is refused what it read before.
    """
    put_up = fence_for(event, ports)
    record = load(event)
    if record.rollout is None:
        record.rollout = RolloutState(Phase.ROLLING_BACK, reason=reason or "The release could not be made.").to_dict()
    if phase_of(record) is not Phase.ROLLING_BACK:
        move(record, Event.FAILED, ports.clock(), reason=reason)
        if phase_of(record) is not Phase.ROLLING_BACK:
            return answer(record)
        save(record)
    number, stable = int(record.number), None if record.stable is None else int(record.stable)
    if not state_of(record).weights_known:
        if not _bring_back_stable(record, ports, put_up):
            return {**answer(record), "next": "RollBack"}
        update_lane(record.key, lambda lane: turn_back(lane, number, stable), always=True)
        move(record, Event.WEIGHTS_STABLE, ports.clock(), kind="shifted", message=_turned_back(stable))
        if stable is not None and linger(record, ports.clock()):
            save(record)
    if stable is None:
        runtime.retire_first(ports.cluster, target_of(record.key), number)
    elif lingers(record, event, ports):
        return answer(load(event))
    else:
        rolling.hand_over(record, stable, ports, host=host_of(record, ports))
        retire(record, ports, keep=stable)
        rest(record, ports, stable, host=host_of(record, ports))
    move(record, Event.SETTLED, ports.clock())
    save(record)
    return answer(record)


def release_of(record: DeploymentRecord) -> Release:
    """The release that the deployment makes. Raises NotFound."""
    return stored_release(record.key, int(record.number))


def host_of(record: DeploymentRecord, ports: Ports) -> str:
    """The service's host name."""
    return target_of(record.key).host(ports.settings.apps_domain, home=ports.settings.admin_team)


def fence_for(event: Task, ports: Ports) -> runtime.Fence:
    """Put up before the record is read: whoever is late by then cannot move traffic any more."""
    return runtime.fence(ports.cluster, target_of(ServiceKey.from_dict(dict(event))))


def set_weights(
    record: DeploymentRecord,
    ports: Ports,
    put_up: runtime.Fence,
    weights: dict[int, int],
    pinned: runtime.Pinned | None = None,
) -> None:
    """Splits the traffic, if nobody has since the fence was put up. Raises LostRace."""
    runtime.set_weights(
        ports.cluster,
        target_of(record.key),
        weights,
        host=host_of(record, ports),
        put_up=put_up,
        mark=f"{record.id}.{int(record.version)}",
        pinned=pinned,
    )


def retire(record: DeploymentRecord, ports: Ports, *, keep: int) -> None:
    """Removes all releases up to the deployment's own but one."""
    mark = mark_of(record, ports.clock())
    runtime.retire(ports.cluster, target_of(record.key), keep={keep}, upto=int(record.number), mark=mark)


def set_canary_weight(record: DeploymentRecord, ports: Ports, put_up: runtime.Fence, weight: int | None = None) -> None:
    """Splits the traffic as the rollout's state says, or by another weight; who is pinned to the canary gets it."""
    weight = state_of(record).weight if weight is None else weight
    number, pin = int(record.number), release_of(record).spec.rollout.pin
    weights = {number: weight}
    if record.stable is not None:
        weights[int(record.stable)] = 100 - weight
    pinned = runtime.Pinned.to(number, pin) if pin is not None else None
    set_weights(record, ports, put_up, weights, pinned)


def _open_rollout(record: DeploymentRecord, ports: Ports) -> None:
    """Makes the release's record and begins the rollout, once."""
    now = ports.clock()
    release = _make_release(record, now)
    keep_release(record, release)
    record.stable = get_lane(record.key).live
    chosen = strategy_of(release.spec.rollout) if record.kind != "rollback" else Strategy(steps=())
    judged, notes = within_reach(chosen, ports.gateway.preset, latency=ports.gateway.times)
    record.strategy = strategy_to_dict(judged)
    record.image, record.state = release.image, State.ROLLING_OUT.value
    record.rollout = RolloutState(first_release=record.stable is None).to_dict()
    move(record, Event.STARTED, now, kind="rolling_out", message=f"Release {release.number} is written to the cluster.")
    for note in notes if record.stable is not None else ():
        record.tell(now, "gates", note)
    save(record)


def _make_release(record: DeploymentRecord, now: datetime) -> Release:
    number = int(record.number)
    if record.copies is not None:
        copied = stored_release(record.key, int(record.copies))
        version = int(record.config_version)
        return Release(number, record.id, copied.image, copied.command, version, copied.spec, now, copied.replicas)
    build = get_build(record.team, build_id_of(record.id))
    if build.image is None or build.spec is None:
        raise NotReady(f"Build {build.id} has no image.")
    return Release(number, record.id, build.image, build.command, int(record.config_version), build.spec, now)


def _bring_back_stable(record: DeploymentRecord, ports: Ports, put_up: runtime.Fence) -> bool:
    """Whether the stable release has all the traffic now; False when its instances need more time to come back.

    One that was stopped gets the traffic when all its instances are back, or after a while those that are.
    """
    if record.stable is None:
        return True
    stable = int(record.stable)
    target = target_of(record.key)
    ends = ports.clock() + timedelta(seconds=ports.settings.ready_slice)
    if not rolling.restored(record, ports):
        return False
    sleeps = runtime.rests(ports.cluster, target)
    if sleeps or runtime.readiness(ports.cluster, target, stable, now=ports.clock()).ready == 0:
        workload = rolling.whole(record, workload_of(record.key, stored_release(record.key, stable)))
        around, host = rolling.put_up(record, stable, ports), host_of(record, ports)
        runtime.apply_release(ports.cluster, workload, host=host, gateway=ports.gateway, put_up=around)
        while (seen := runtime.readiness(ports.cluster, target, stable, now=ports.clock())).state != "ready":
            if ports.clock() >= ends and seen.ready == 0:
                return False
            if ports.clock() >= ends:
                break
            ports.sleep(0.5)
    set_weights(record, ports, put_up, {stable: 100})
    return pods_of(ports.cluster, target, stable) is not None  # as where one that was late has just removed it


def _turned_back(stable: int | None) -> str:
    if stable is None:
        return "The release was removed; there was none before it."
    return f"All requests go to release {stable} again."

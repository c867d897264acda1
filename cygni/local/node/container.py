"""One container of one pod: prepared, run, and started again until the pod's policy, or its end, says otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cygni.local.images import BadReference, ImageError
from cygni.local.node import rules
from cygni.local.node.api import ApiError
from cygni.local.node.context import Context
from cygni.local.node.environment import ConfigMissing
from cygni.local.node.history import history
from cygni.local.node.logs import LogWriter
from cygni.local.node.preparation import Prepared, prepare
from cygni.local.node.process import CannotStart
from cygni.local.node.rules import Running, State, Terminated, Waiting
from cygni.local.node.run import Run
from cygni.local.node.sandbox import Sandbox
from cygni.local.node.spec import Container as Spec
from cygni.local.node.spec import Object, Pod, RestartPolicy
from cygni.local.node.status import ContainerView

T = TypeVar("T")
START_ERROR = 128
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Home:
    """What the containers of one pod share.

    `mapping` is from declared port to host port; `files` holds sandboxes, `logs` logs; `latest` gives the pod's object as last
    seen; `changed` is called whenever what a container shows has changed.
    """

    context: Context
    pod: Pod
    mapping: Mapping[str, int]
    files: Path
    logs: Path
    latest: Callable[[], Object]
    changed: Callable[[], None]


class Container:
    """A container's life. `before` is its status from an earlier node process, if any: restarts count on from there.

    `run_now` is the run whose process is there, if any; `first_start` is set once it has started for the first time.
    """

    def __init__(self, home: Home, spec: Spec, before: Object | None = None) -> None:
        self.spec = spec
        self.run_now: Run | None = None
        self._home = home
        self._sandbox = Sandbox(home.files / spec.name)
        self._logs = home.logs / spec.name
        self._state: State = Waiting("ContainerCreating")
        self._image_id = self._id = ""
        self._streak = 0
        self.first_start = asyncio.Event()
        self._latest_log: LogWriter | None = None
        past = history(before or {}, datetime.now(UTC))
        self._runs, self._last, self._over = past.runs, past.last, past.over

    def view(self) -> ContainerView:
        """What the pod's status says of it."""
        run = self.run_now
        shown = ContainerView(self.spec.name, self.spec.image, self._state, self._image_id, self._id, self._last, self.restarts)
        if run is None or not isinstance(self._state, Running):
            return shown
        note = f"{run.diagnosis.reason}: {run.diagnosis.message}" if run.diagnosis else ""
        return replace(shown, started=run.started, ready=run.ready, note=note)

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return max(0, self._runs - 1)

    def log(self, *, previous: bool = False) -> tuple[Path, LogWriter | None]:
        """The log of the latest run, or of the one before: its path, and its writer while that may still write."""
        number = self.restarts - (1 if previous else 0)
        return self._logs / f"{number}.log", None if previous else self._latest_log

    async def run(self, policy: RestartPolicy) -> int:
        """Runs it as often as the policy asks; returns its last exit code. Cancelled, it leaves the process to `stop`."""
        ended, ran_for = self._over, 0.0
        while True:
            if ended is None:
                ended, ran_for = await self._once(await self._prepared())
            self._show(ended)
            back_off = self._home.context.config.back_off
            decision = rules.after_exit(policy, ended.exit_code, streak=self._streak, ran_for=ran_for, back_off=back_off)
            if decision is None:
                return ended.exit_code
            self._streak = decision.streak
            await self._pause(decision.delay)
            ended = None

    async def stop(self, grace: float) -> None:
        """Ends the process within `grace` seconds, and everything it left. To be called once `run` is cancelled."""
        run = self.run_now
        if run is not None:
            await run.stop(grace)
            self._show(await run.clean_up())
            self.run_now = None

    async def _once(self, prepared: Prepared) -> tuple[Terminated, float]:
        self._runs += 1
        self._image_id = prepared.image_id
        self._forget_old_logs()
        home = self._home
        path, _ = self.log()
        try:
            run = Run(home.context, home.pod, self.spec, prepared, home.mapping, path, self._run_changed)
        except (CannotStart, OSError) as error:
            self._event("Warning", "Failed", f"Error: {error}")
            return Terminated(START_ERROR, "StartError", None, datetime.now(UTC), str(error)), 0.0
        self.run_now = run
        self._id, self._latest_log = f"cygni://{run.id}", run.log
        self._event("Normal", "Started", f"Started container {self.spec.name}")
        self._show(Running(run.began))
        await run.ended()
        ended = await whole(run.clean_up())
        self.run_now = None
        return ended, run.ran_for

    async def _prepared(self) -> Prepared:
        """Image, copy and variables, however long it takes for them to be there."""
        pause = SHORTEST_PAUSE
        while True:
            try:
                home = self._home
                prepared = await whole(prepare(home.context, home.pod, home.latest(), self.spec, home.mapping, self._sandbox))
            except ImageError as error:
                first = "InvalidImageName" if isinstance(error, BadReference) else "ErrImagePull"
                again = "InvalidImageName" if isinstance(error, BadReference) else "ImagePullBackOff"
                self._cannot(first if pause == SHORTEST_PAUSE else again, error)
            except (ConfigMissing, ApiError, OSError, ValueError) as error:
                self._cannot("CreateContainerConfigError", error)
            else:
                if self.spec.mounts:
                    self._event("Warning", "VolumesIgnored", "a process has no file system of its own: volumes are not mounted")
                self._event("Normal", "Pulled", f'Container image "{self.spec.image}" already present on machine')
                return prepared
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _pause(self, delay: float) -> None:
        if delay <= 0:
            return
        pod = self._home.pod
        where = f"container={self.spec.name} pod={pod.name}_{pod.namespace}({pod.uid})"
        self._event("Warning", "BackOff", f"Back-off restarting failed container {self.spec.name} in pod {pod.name}")
        self._show(Waiting("CrashLoopBackOff", f"back-off {delay:g}s restarting failed {where}"))
        await asyncio.sleep(delay)

    def _run_changed(self) -> None:
        if self.run_now is not None and self.run_now.started:
            self.first_start.set()
        self._home.changed()

    def _cannot(self, reason: str, error: Exception) -> None:
        self._event("Warning", "Failed", f"Error: {error}")
        self._show(Waiting(reason, str(error)))

    def _show(self, state: State) -> None:
        if isinstance(self._state, Terminated) and not isinstance(state, Terminated):
            self._last = self._state
        self._state = state
        self._home.changed()

    def _event(self, kind: str, reason: str, message: str) -> None:
        self._home.context.events.emit(self._home.pod, kind, reason, message, self.spec.name)

    def _forget_old_logs(self) -> None:
        """Only the latest run's log and the one before are kept."""
        for path in self._logs.glob("*.log*"):
            number = path.name.split(".")[0]
            if number.isdecimal() and int(number) < self.restarts - 1:
                path.unlink(missing_ok=True)


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Awaits work that must not be left half done: cancelled, it still waits for the end, and is cancelled then."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise

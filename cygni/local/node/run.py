"""One run of a container: its process from start to end, with its log, its probes, and the removal of all it leaves behind."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from cygni.local.node import ports, probes, process, rules
from cygni.local.node.context import Context
from cygni.local.node.leftovers import Entry, kill, started_at
from cygni.local.node.logs import LogWriter
from cygni.local.node.ports import Diagnosis
from cygni.local.node.preparation import Prepared
from cygni.local.node.prober import Prober
from cygni.local.node.process import Process
from cygni.local.node.rules import Terminated
from cygni.local.node.spec import Container, Pod

DRAIN_SECONDS = 1.0
log = logging.getLogger(__name__)


class Run:
    """Started on construction, which raises CannotStart and then leaves nothing behind.

    `started`, `ready` and `diagnosis` are what its probes say now; `changed` is called whenever they change.
    """

    def __init__(
        self,
        context: Context,
        pod: Pod,
        spec: Container,
        prepared: Prepared,
        mapping: Mapping[str, int],
        log: Path,
        changed: Callable[[], None],
    ) -> None:
        self.id = uuid.uuid4().hex
        self.started = self.ready = False
        self.diagnosis: Diagnosis | None = None
        self.began = datetime.now(UTC)
        self._monotonic = time.monotonic()
        self._context, self._pod, self._spec, self._prepared, self._changed = context, pod, spec, prepared, changed
        self._failure = ""
        self._out_of_memory = self._dying = False
        self.log = LogWriter(log)
        self._process = self._start()
        self.pid = self._process.pid
        self._entry = Entry(self.id, self.pid, started_at(self.pid))
        context.journal.write(self._entry)
        self._prober = Prober(spec, self, lambda port: ports.resolve(port, spec, mapping), self._beside, prepared.port)

    @property
    def ran_for(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._monotonic

    async def ended(self) -> None:
        """Probes it until its process has ended. Cancelled, it leaves the process running, unprobed."""
        probing = asyncio.create_task(self._prober.run())
        try:
            await asyncio.wait({self._process.ended})
        finally:
            probing.cancel()
            await asyncio.wait({probing})
            if not probing.cancelled() and probing.exception() is not None:  # a fault of ours must not end the pod
                log.error("probing %s failed", self._pod.path, exc_info=probing.exception())

    async def stop(self, grace: float) -> None:
        """The hook before the end, SIGTERM, and SIGKILL once `grace` seconds are over. Returns when the process has ended."""
        ends = time.monotonic() + grace
        hook = self._spec.pre_stop
        if self._process.running:
            self.event("Normal", "Killing", f"Stopping container {self._spec.name}")
            if hook is not None and grace > 0:
                answer = await probes.ask(hook, grace, self._prober.resolve, self._beside)
                if not answer.ok:
                    self.event("Warning", "FailedPreStopHook", f"PreStopHook failed: {answer.message}")
        await self._process.terminate(max(0.0, ends - time.monotonic()))

    async def clean_up(self) -> Terminated:
        """What came of it, once its process has ended and everything that it started is killed too."""
        code = await self._process.ended
        await asyncio.to_thread(kill, [self._entry])
        await asyncio.wait({self._process.drained}, timeout=DRAIN_SECONDS)
        self._process.drained.cancel()
        self.log.close()
        self._context.journal.forget(self.id)
        reason = rules.exit_reason(code, out_of_memory=self._out_of_memory)
        words = [self._failure, self.log.last_words()] if code else []
        message = "\n".join(word for word in words if word)
        return Terminated(code, reason, self.began, datetime.now(UTC), message, f"cygni://{self.id}")

    def kill_out_of_memory(self, used: int, limit: int) -> None:
        """It uses `used` bytes of memory and may use `limit`: kills all its processes."""
        if self._out_of_memory or not self._process.running:
            return
        self._out_of_memory = True
        self._failure = f"used {used // 2**20} MiB of memory; its limit is {limit // 2**20} MiB"
        self.event("Warning", "OOMKilling", f"Container {self._spec.name} {self._failure}")
        self._process.kill()

    def event(self, kind: str, reason: str, message: str) -> None:
        """An event about this container."""
        self._context.events.emit(self._pod, kind, reason, message, self._spec.name)

    def on_started(self) -> None:
        """From the prober: the start is over."""
        self.started = True
        self._changed()

    def on_ready(self, ready: bool, diagnosis: Diagnosis | None) -> None:
        """From the prober: so it is now."""
        if self._dying or (ready, diagnosis) == (self.ready, self.diagnosis):
            return
        if diagnosis is not None and diagnosis != self.diagnosis:
            self.event("Warning", diagnosis.reason, diagnosis.message)
        self.ready, self.diagnosis = ready, diagnosis
        self._changed()

    def on_unhealthy(self, kind: str, message: str) -> None:
        """From the prober: a failure that counts."""
        self.event("Warning", "Unhealthy", f"{kind} probe failed: {message}")

    async def on_dead(self, kind: str, grace: float | None) -> None:
        """From the prober: the run must end."""
        self.event("Normal", "Killing", f"Container {self._spec.name} failed {kind} probe, will be restarted")
        self._failure = f"its {kind} probe failed, so it was killed"
        self._dying, self.ready = True, False
        self._changed()
        await self._process.terminate(self._pod.grace if grace is None else grace)

    def _start(self) -> Process:
        # Remembered before it exists: a node killed in between leaves an entry by which the process is found.
        self._context.journal.write(Entry(self.id))
        env = self._prepared.marked(self.id)
        try:
            return process.start(self._prepared.command, cwd=self._prepared.cwd, env=env, output=self.log.write)
        except (process.CannotStart, OSError):
            self._context.journal.forget(self.id)
            self.log.close()
            raise

    async def _beside(self, command: tuple[str, ...], timeout: float) -> tuple[int | None, str]:
        """Runs a probe's or hook's command as the container would."""
        try:
            return await process.run(command, cwd=self._prepared.cwd, env=self._prepared.marked(self.id), timeout=timeout)
        except process.CannotStart as error:
            return 127, str(error)

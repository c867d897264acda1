"""Asks one run of a container its probes' questions, for as long as it runs, and tells what follows from the answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Protocol

from cygni.local.node import ports, probes, rules, usage
from cygni.local.node.ports import Diagnosis
from cygni.local.node.probes import Answer
from cygni.local.node.rules import Tally
from cygni.local.node.spec import Container, Probe

SETTLE_SECONDS = 2.0
"""A container that listens elsewhere is given this long to open the right port too, before it is told so."""


class Watched(Protocol):
    """The run that is probed, and who is told."""

    pid: int

    def on_started(self) -> None:
        """The container has started: its start-up probe, if any, succeeded."""

    def on_ready(self, ready: bool, diagnosis: Diagnosis | None) -> None:
        """Its readiness is so now; `diagnosis` says why it is not, when that was found out."""

    def on_unhealthy(self, kind: str, message: str) -> None:
        """A probe failed in a way that counts."""

    async def on_dead(self, kind: str, grace: float | None) -> None:
        """A start-up or liveness probe failed for good: end the run."""


class Prober:
    """The probes of one run. `run` never returns by itself once readiness or liveness is asked; cancel it at the end."""

    def __init__(
        self, spec: Container, watched: Watched, resolve: probes.ResolvePort, run: probes.RunCommand, variable: int | None
    ) -> None:
        self._spec, self._watched, self._variable = spec, watched, variable
        self.resolve, self._run = resolve, run
        self._began = time.monotonic()
        self._ready = False
        self._elsewhere_since: float | None = None

    async def run(self) -> None:
        """Start-up first; then readiness and liveness side by side."""
        if self._spec.startup is not None and not await self._start_up(self._spec.startup):
            return
        self._watched.on_started()
        loops: list[Awaitable[None]] = []
        if self._spec.readiness is None:
            self._watched.on_ready(True, None)
        else:
            loops.append(self._readiness(self._spec.readiness))
        if self._spec.liveness is not None:
            loops.append(self._liveness(self._spec.liveness))
        await asyncio.gather(*loops)

    async def _start_up(self, probe: Probe) -> bool:
        async for tally, answer in self._answers("Startup", probe, quick=True):
            if tally.verdict is True:
                return True
            self._watched.on_ready(False, await self._diagnose(answer))
            if tally.verdict is False:
                await self._watched.on_dead("startup", probe.grace)
                return False
        return False

    async def _readiness(self, probe: Probe) -> None:
        async for tally, answer in self._answers("Readiness", probe, quick=True):
            diagnosis = None if self._ready else await self._diagnose(answer)
            if tally.verdict is True and diagnosis is None:
                self._ready = True
            elif tally.verdict is not True:
                self._ready = False
            self._watched.on_ready(self._ready, diagnosis)

    async def _liveness(self, probe: Probe) -> None:
        async for tally, _ in self._answers("Liveness", probe, quick=False):
            if tally.verdict is False:
                await self._watched.on_dead("liveness", probe.grace)
                return

    async def _answers(self, kind: str, probe: Probe, *, quick: bool) -> AsyncIterator[tuple[Tally, Answer]]:
        """The tally after each answer, at the times that the rules say."""
        loop_began = counted_at = time.monotonic()
        await asyncio.sleep(max(0.0, self._began + probe.initial_delay - loop_began))
        tally = Tally()
        while True:
            asked_at = time.monotonic()
            answer = await self._ask(probe)
            since_counted = time.monotonic() - counted_at
            if answer.ok or tally.verdict is True or rules.failure_counts(probe, since_counted=since_counted):
                tally = tally.counted(answer.ok, probe)
                counted_at = asked_at
                if not answer.ok:
                    self._watched.on_unhealthy(kind, answer.message)
            yield tally, answer
            answered = tally.last is True or not quick
            pause = rules.probe_pause(probe, since_start=asked_at - loop_began, answered=answered or self._ready)
            await asyncio.sleep(max(0.0, asked_at + pause - time.monotonic()))

    async def _ask(self, probe: Probe) -> Answer:
        try:
            return await probes.ask(probe.action, probe.timeout, self.resolve, self._run)
        except OSError as error:  # this host is out of something: the next answer may be better
            return Answer(False, f"the probe could not be made: {error}")

    async def _diagnose(self, answer: Answer) -> Diagnosis | None:
        """Why the container cannot be reached although it runs, if where it listens says so."""
        if answer.port is None or not (answer.ok or answer.refused):
            return None
        found = await asyncio.to_thread(usage.listeners, self._watched.pid)
        diagnosis = ports.diagnose(answer.port, found, self._variable)
        if answer.ok:
            # Answered on the right port: only that nobody else could reach it is an objection.
            return diagnosis if diagnosis is not None and diagnosis.reason == "LoopbackOnly" else None
        if diagnosis is None:
            self._elsewhere_since = None
            return None
        now = time.monotonic()
        self._elsewhere_since = self._elsewhere_since or now
        return diagnosis if now - self._elsewhere_since >= SETTLE_SECONDS else None

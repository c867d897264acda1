"""The embedded AWS put together: ministack, our handlers, builds that build, and snapshots. Import it after the environment
is set (`emulator.environment`).
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from chalicelib.platform.settings import settings
from cygni.local.builder import build
from cygni.local.cloud import buildjob, codebuild, resources, snapshots
from cygni.local.cloud.callbacks import hook_callbacks
from cygni.local.cloud.emulator import Emulator, hook_lambda
from cygni.local.cloud.lambdas import Lambda
from functions.catalog import FUNCTIONS, STATE_MACHINES, TABLES

LOG = logging.getLogger("cygni.cloud")
SWEEP = "cygni-sweep"


class Cloud:
    """One embedded AWS over a state folder; `machines` is the folder of the state machines' definitions."""

    def __init__(self, *, state: Path, images: Path, aws_port: int, machines: Path) -> None:
        from ministack.services import codebuild as builds
        from ministack.services import eventbridge

        self._machines = machines
        self._functions = Lambda(FUNCTIONS)
        self._emulator = Emulator("127.0.0.1", aws_port)
        folders = buildjob.Folders(images, state / "work", state / "cache")
        self._builds = codebuild.CodeBuild(
            builds,
            lambda job, cancelled: buildjob.carry_out(job, build, folders, cancelled),
            codebuild.announce_to(eventbridge),
        )
        self._snapshots = snapshots.of_ministack(state / "services")
        self.url = self._emulator.url

    def start(self) -> None:
        """Starts ministack with our parts in it, and creates what the catalog declares; what exists is left alone."""
        hook_lambda(self._functions)
        hook_callbacks()
        self._builds.install()
        self._emulator.start()
        resources.create_tables(TABLES)
        resources.create_bucket(settings().bucket)
        resources.create_functions(FUNCTIONS)
        resources.create_machines(STATE_MACHINES, FUNCTIONS, self._machines)
        resources.create_rules(FUNCTIONS)
        resources.create_build_project(settings().build_project)
        self._snapshots.start()

    def take_up_work(self) -> None:
        """Loads the handlers, and goes on with what a restart interrupted: builds, and workflows through the sweep."""

        def work() -> None:
            self._functions.warm_up()
            resumed = self._builds.resume()
            sweep = next(each for each in FUNCTIONS if each.name == SWEEP)
            answer = self._functions.run(sweep, resources.function_arn(sweep), {}, "start")
            LOG.info("builds taken up: %d; sweep: %s", resumed, answer.get("body"))

        threading.Thread(target=work, name="take-up-work", daemon=True).start()

    def stop(self) -> None:
        """Stops builds and ministack, which saves its state; a last snapshot has what came after."""
        self._builds.stop_all()
        self._snapshots.stop()
        self._emulator.stop()
        self._snapshots.save()

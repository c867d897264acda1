"""The cloud process: what it starts, in which order, and how it ends."""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cygni.local.cloud import emulator
from cygni.local.cloud.signin import IdentityProvider, ensure_signing_key, providers_document
from functions.catalog import (
    API_FUNCTION,
    DEAD_LETTERS,
    EVENT_BUS,
    FUNCTIONS,
    MIGRATE,
    PAIR_FUNCTIONS,
    REGIONAL_TABLES,
    STATE_MACHINES,
    TABLES,
    Function,
    unattended,
)

if TYPE_CHECKING:
    from cygni.local.cloud.codebuild import CodeBuild
    from cygni.local.cloud.http import ApiServer
    from cygni.local.cloud.lambdas import Lambda
    from cygni.local.cloud.snapshots import Snapshots

LOG = logging.getLogger("cloud")

DEFINITIONS = Path(__file__).resolve().parents[3] / "state_machines"
SWEEP = "cygni-sweep"
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Options:
    """Where things are. Ports are loopback ports, `images` is shared with the node. Without `identity` nobody signs in."""

    state: Path
    images: Path
    api_port: int
    aws_port: int
    snapshot_seconds: float = 3.0
    definitions: Path = DEFINITIONS
    identity: IdentityProvider | None = None


class Cloud:
    """The embedded AWS and the HTTP API. The environment must be set before it is made: see `environment.py`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._emulator = emulator.Emulator("127.0.0.1", options.aws_port)
        self._stopping = threading.Event()
        self._lambda: Lambda
        self._builds: CodeBuild
        self._snapshots: Snapshots
        self._api: ApiServer

    def start(self) -> dict[str, str]:
        """Starts everything; returns the addresses once the API answers. Raises EmulatorError when it cannot."""
        from ministack import app as _ministack  # noqa: F401 - importing it is what takes the time, so it happens here

        with ThreadPoolExecutor(1) as aside:
            app = aside.submit(_import_app)  # while ministack starts
            self._install()
            self._emulator.start()
            self._create()
            self._migrate()
            served = app.result()
            ensure_signing_key(_functions(), lambda function: self._lambda.run(function, "", {}, "start"))
            self._api = _serve(served, self._options.api_port)
        self._begin()
        return {"api": self._api.url, "aws": self._emulator.url}

    def stop(self) -> None:
        """Ends requests in hand, stops builds (the next start resumes them), and saves."""
        from ministack import app

        self._stopping.set()
        self._api.stop(2.0)
        self._builds.stop_all()
        self._snapshots.stop()
        self._snapshots.save()
        app.PERSIST_STATE = False  # saved already, and in a tenth of the time
        self._emulator.stop(3.0)

    def _install(self) -> None:
        """Puts our parts in the places that ministack has for them."""
        from ministack.services import codebuild, eventbridge, lambda_svc

        from cygni.local.builder.build import build
        from cygni.local.cloud import callbacks, housekeeping
        from cygni.local.cloud.buildjob import Folders, Job, carry_out
        from cygni.local.cloud.codebuild import CodeBuild, announce_to
        from cygni.local.cloud.lambdas import Lambda

        self._lambda = Lambda((*_functions(), API_FUNCTION))
        emulator.hook_lambda(self._lambda)
        callbacks.hook_callbacks()
        housekeeping.silence(lambda_svc)
        state = self._options.state
        folders = Folders(self._options.images, state / "builds", state / "cache")

        def run(job: Job, cancelled: threading.Event) -> str:
            return carry_out(job, build, folders, cancelled)

        self._builds = CodeBuild(codebuild, run, announce_to(eventbridge))
        self._builds.install()

    def _create(self) -> None:
        from chalicelib.platform.settings import settings
        from cygni.local.cloud import resources

        functions = (*_functions(), API_FUNCTION)
        resources.create_tables((*TABLES, *REGIONAL_TABLES) if settings().other_region else TABLES)
        resources.create_bucket(settings().bucket)
        resources.create_functions(functions)
        resources.create_dead_letters(DEAD_LETTERS, unattended())
        resources.create_machines(STATE_MACHINES, functions, self._options.definitions)
        resources.create_bus(EVENT_BUS)
        resources.create_rules(functions)
        resources.create_build_project(settings().build_project)
        if self._options.identity is not None:
            resources.create_secret(settings().sign_in_secret, providers_document(self._options.identity))

    def _migrate(self) -> None:
        """Brings what an older version wrote up to date, before anybody asks for it. Raises EmulatorError when that fails."""
        function = next(each for each in FUNCTIONS if each.name == MIGRATE)
        body: dict[str, Any] = {"left": True}
        while body.get("left"):
            answer = self._lambda.run(function, "", {"wait": True}, "start")
            body = answer["body"]
            if answer.get("error"):
                raise emulator.EmulatorError(f"The state cannot be brought up to date: {body.get('errorMessage')}")
        for each in body.get("strangers", ()):
            LOG.warning("a newer version applied %s, which this one does not know and leaves as it is", each)

    def _begin(self) -> None:
        """What goes on in the background once the API answers."""
        from cygni.local.cloud import snapshots

        self._snapshots = snapshots.of_ministack(self._options.state / "aws" / "services")
        self._snapshots.save()
        self._snapshots.start(self._options.snapshot_seconds)
        resumed = self._builds.resume()
        if resumed:
            LOG.info("%d interrupted builds begin again", resumed)
        for work in (self._warm_up, self._keep_house):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()

    def _warm_up(self) -> None:
        """Starts again the deployments that a restart broke, then imports what the first deployment will need."""
        self._run(SWEEP)
        self._lambda.warm_up()

    def _run(self, name: str) -> None:
        """Runs a function of the catalog as its schedule would."""
        function = next(each for each in _functions() if each.name == name)
        answer = self._lambda.run(function, "", {}, "start")
        LOG.info("%s at start: %s", name, json.dumps(answer.get("body")))

    def _keep_house(self) -> None:
        from ministack.services import codebuild, eventbridge, stepfunctions

        from cygni.local.cloud.housekeeping import prune

        while True:
            LOG.debug("forgot %d old records", prune(stepfunctions, codebuild, eventbridge, datetime.now(UTC)))
            if self._stopping.wait(_HOUR):
                return


def _functions() -> tuple[Function, ...]:
    """The catalog's, and in one region of a pair each of them asks whether this one acts."""
    from chalicelib.platform.settings import settings
    from functions.standby import guarded

    if not settings().other_region:
        return FUNCTIONS
    return tuple(guarded(each) for each in (*FUNCTIONS, *PAIR_FUNCTIONS))


def _import_app() -> Any:
    from app import app

    return app


def _serve(app: Any, port: int) -> ApiServer:
    from cygni.local.cloud.http import ApiServer, Served
    from cygni.local.cloud.lambdas import Context
    from cygni.local.cloud.resources import function_arn

    arn = function_arn(API_FUNCTION)
    server = ApiServer(Served(app, app.routes, lambda request_id: Context(API_FUNCTION, arn, request_id)), port)
    server.start()
    return server

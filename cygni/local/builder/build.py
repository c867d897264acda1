"""From a source archive and a plan to an image in the local store.

The image's digest is that of its content, so the same source and plan give the same digest, and building it again takes a
look at a file. Builds may run at once: each works in folders of its own, and what it makes appears by a rename.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from chalicelib.builds import rules
from chalicelib.builds.archive import extract_source, list_source
from chalicelib.builds.plan import BuildPlan, Kind
from chalicelib.platform.errors import BuildFailed, CygniError
from chalicelib.projects.spec import ServiceSpec
from cygni.local.builder import store
from cygni.local.builder.bench import FORMAT, Bench
from cygni.local.builder.environment import Tools, clean_environment
from cygni.local.builder.process import Runner
from cygni.local.builder.recipes import RECIPES, Made

_SHOWN = 19
"""Characters of a digest that people are shown: `sha256:` and twelve digits."""


def build(
    source_tgz: Path,
    plan: BuildPlan,
    images: Path,
    work: Path,
    cache: Path,
    log: Callable[[str], None],
    cancelled: threading.Event,
    timeout: int,
) -> str:
    """Builds an image and returns its digest (`sha256:…`).

    `images` is the store, `work` a folder for passing things, `cache` what later builds profit from; all are made if absent.
    `log` gets the build's lines. Raises BuildFailed, with the last lines of what failed, also when `cancelled` is set or
    `timeout` seconds are over; SourceRefused when the archive is unsafe.
    """
    started = time.monotonic()
    if plan.kind is Kind.DOCKERFILE:
        raise _dockerfile_refused(source_tgz, plan)
    memory = store.Memory(cache / "built")
    key = store.text_digest(FORMAT, store.file_digest(source_tgz), plan.digest())
    known = memory.recall(key)
    if known and store.is_complete(store.image_folder(images, known)):
        log(f"Nothing has changed: {known[:_SHOWN]} is built already.")
        return known
    runner = Runner(log, cancelled, started + timeout, timeout)
    digest = _make(source_tgz, plan, images, work, cache, runner)
    memory.remember(key, digest)
    log(f"Built {digest[:_SHOWN]} in {time.monotonic() - started:.1f} s.")
    return digest


def _make(source_tgz: Path, plan: BuildPlan, images: Path, work: Path, cache: Path, runner: Runner) -> str:
    work.mkdir(parents=True, exist_ok=True)
    images.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="build-", dir=work))
    staging = store.temporary_sibling(images / "building")
    try:
        runner.check()
        with source_tgz.open("rb") as archive:
            extract_source(archive, scratch / "source")
        runner.log(plan.summary())
        for note in plan.notes:
            runner.log(f"Note: {note}")
        home = scratch / "home"
        home.mkdir()
        environment = clean_environment(os.environ, home, cache)
        tools = Tools(scratch / "tools", environment, runner.log)
        tools.provide(plan)
        made = RECIPES[plan.kind](
            Bench(
                plan=plan,
                app=_context(scratch / "source", plan),
                image=staging,
                scratch=scratch,
                cache=cache,
                environment=environment,
                tools=tools,
                runner=runner,
            )
        )
        runner.check()
        return _finish(plan, staging, images, made)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(staging, ignore_errors=True)


def _context(source: Path, plan: BuildPlan) -> Path:
    """The folder to build, which must be in the source even when a symbolic link leads to it."""
    context = (source / plan.context).resolve()
    if not context.is_relative_to(source.resolve()) or not context.is_dir():
        raise BuildFailed(
            f"The source has no folder `{plan.context}`.", remedy="Correct `build.context` in cygni.yaml and deploy again."
        )
    return context


def _finish(plan: BuildPlan, staging: Path, images: Path, made: Made) -> str:
    """Names the image by its content and moves it into the store."""
    parts = [part for part in ("app", "deps") if (staging / part).is_dir()]
    digests = {part: made.digests.get(part) or store.listing_digest(staging / part) for part in parts}
    manifest = {"command": list(plan.command), "env": dict(made.env), "workdir": "app"}
    digest = store.write_manifest(staging, manifest, digests)
    store.settle(staging, store.image_folder(images, digest))
    return digest


def _dockerfile_refused(source_tgz: Path, plan: BuildPlan) -> BuildFailed:
    """Says that a Dockerfile needs a real cluster, and what would be built without it.

    Its RUN lines are written for a container: carried out here they would change the developer's own machine.
    """
    with source_tgz.open("rb") as archive:
        listing = list_source(archive)
    path = plan.dockerfile if plan.context == "." else f"{plan.context}/{plan.dockerfile}"
    others = {name: text for name, text in listing.items() if not name.endswith("Dockerfile")}
    spec = ServiceSpec.model_validate({"build": {"context": plan.context}, **({"start": plan.start} if plan.start else {})})
    try:
        instead = f"Add `{path}` to .cygniignore to have it built as {rules.plan(others, spec, 'web').summary()}"
    except CygniError:
        instead = "Without it Cygni does not know how to build this source"
    return BuildFailed(
        f"The embedded cloud has no containers, so it cannot build {path}.",
        remedy=f"{instead}; or deploy to a real cluster, where Kaniko builds the Dockerfile.",
    )

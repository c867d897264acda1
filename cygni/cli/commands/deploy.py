"""`cygni deploy` and `cygni plan`: the working tree, and what becomes of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.text import Text

from cygni.cli.api import Place
from cygni.cli.appfile import FILE_NAME, AppFile, choose_service, compile_report, find_app_file, read_text
from cygni.cli.errors import CliError, Problem, Usage
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.git import Commit, read_commit
from cygni.cli.ignore import Entry, list_source
from cygni.cli.options import Message, Wait
from cygni.cli.pack import Archive, human_size, largest, listing, pack_source
from cygni.cli.session import Session
from cygni.cli.shapes import Source
from cygni.cli.views.tables import plan_view
from cygni.cli.watch import begin

_MOST_MESSAGE = 500


@command(Scope.SERVICE)
def deploy(
    session: Session,
    message: Message = None,
    wait: Wait = True,
    override_freeze: Annotated[
        bool, typer.Option("--override-freeze", help="Deploy though the environment is frozen, if you may lift the freeze.")
    ] = False,
) -> Exit | None:
    """Deploy the working tree: upload, build, canary, promote.

    Creates the project, environment and service if they are not there. Leaves out what .gitignore and .cygniignore name.
    Ctrl-C stops the following, not the deployment.

    Example: cygni deploy --environment staging
    """
    app = checked_app_file(session)
    place = Place(session.asked.project or app.name, session.environment, choose_service(app, session.asked.service))
    entries = list_source(app.folder)
    commit = read_commit(app.folder)
    _say_commit(session, commit)
    ensure_service(session, place)
    archive = pack_source(app.folder, entries)
    try:
        source = _upload(session, place, archive, entries)
    finally:
        archive.close()
    subject = message if message is not None else commit.subject if commit else ""
    deployment = session.api.deploy(
        place,
        source=source["id"],
        message=subject[:_MOST_MESSAGE],
        commit=commit.sha if commit else "",
        key=f"deploy-{uuid.uuid4()}",
        override_freeze=override_freeze,
    )
    return begin(session, deployment, wait=wait)


@command(Scope.SERVICE)
def plan(session: Session) -> None:
    """Show how the working tree would be built, without building.

    Example: cygni plan --service worker
    """
    path = find_app_file(session.runtime.folder)
    folder = path.parent if path else session.runtime.folder
    service = choose_service(session.app_file, session.asked.service) if session.app_file else session.asked.service or "web"
    answer = session.api.plan(service, listing(folder, list_source(folder)))
    session.printer.result(answer, plan_view(answer))


def checked_app_file(session: Session) -> AppFile:
    """The nearest cygni.yaml, once the API has found no fault in it. Raises Usage with lines like a compiler's."""
    path = find_app_file(session.runtime.folder)
    if path is None:
        raise Usage(f"There is no {FILE_NAME} in {session.runtime.folder}.", remedy="Write one with `cygni init`.")
    text = read_text(path)
    try:
        app: dict[str, Any] = session.api.check_app_file(text)["app"]
    except Problem as problem:
        if problem.status != 422:
            raise
        raise Usage(
            f"{FILE_NAME} breaks {_count(len(problem.fields) or 1, 'rule')}.",
            remedy=problem.remedy,
            fields=problem.fields,
            code=problem.code,
            detail=compile_report(path.name, text, problem.fields) or problem.message,
        ) from None
    return AppFile(path, text, str(app["name"]), tuple(app["services"]))


def ensure_service(session: Session, place: Place) -> None:
    """Create what is not there yet of project, environment and service, and say so."""
    api, note = session.api, session.printer.note
    if _there(lambda: api.service(place)):
        return
    ensure_project(session, place.project)
    if not _there(lambda: api.environment(place.project, place.environment)):
        api.create_environment(place.project, place.environment)
        note(Text(f"Created the environment {place.environment}."))
    api.create_service(place)
    note(Text(f"Created the service {place.service}."))


def ensure_project(session: Session, project: str) -> None:
    """Create the project if it is not there yet, and say so."""
    if not _there(lambda: session.api.project(project)):
        session.api.create_project(project)
        session.printer.note(Text(f"Created the project {project}."))


def _there(read: Callable[[], Any]) -> bool:
    try:
        read()
    except Problem as problem:
        if problem.status == 404:
            return False
        raise
    return True


def _upload(session: Session, place: Place, archive: Archive, entries: Sequence[Entry]) -> Source:
    printer = session.printer
    printer.note(Text(f"Uploading {_count(len(entries), 'file')}, {human_size(archive.size)} packed."))
    try:
        source = session.api.create_source(place, sha256=archive.sha256, size=archive.size)
    except Problem as problem:
        if problem.status != 413:
            raise
        raise _too_large(problem, archive, entries) from None
    if not printer.live:
        session.api.upload(source["upload"], archive.chunks, archive.size)
        return source
    columns = (TextColumn("  "), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=printer.out, transient=True) as progress:
        task = progress.add_task("upload", total=archive.size)
        session.api.upload(
            source["upload"], lambda: archive.chunks(lambda sent: progress.update(task, completed=sent)), archive.size
        )
    return source


def _too_large(problem: Problem, archive: Archive, entries: Sequence[Entry]) -> CliError:
    lines = [f"  {human_size(entry.size):>8}  {entry.path}" for entry in largest(entries)]
    return CliError(
        problem.message or f"The source is too large: {human_size(archive.size)}.",
        remedy="Leave out what the build does not need with lines in .cygniignore, which are written like .gitignore's.",
        exit_code=Exit.USAGE,
        code=problem.code,
        detail="\n".join(["The largest files:", *lines]),
    )


def _say_commit(session: Session, commit: Commit | None) -> None:
    if commit is None:
        return
    changed = " and changes that are not committed" if commit.dirty else ""
    session.printer.note(Text(f"Deploying {commit.sha[:8]} {commit.subject}{changed}"))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

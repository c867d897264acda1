"""Steering a rollout: promote, pause, resume, abort; going back; following."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.names import active, awaiting, deployment_id, release_number
from cygni.cli.options import ActiveDeploymentWord, DeploymentWord, ProposalWord, Wait
from cygni.cli.session import Session
from cygni.cli.shapes import Deployment
from cygni.cli.views.outcome import outcome
from cygni.cli.watch import begin, watch


@command(Scope.SERVICE)
def promote(session: Session, deployment: ActiveDeploymentWord = None) -> None:
    """Promote the release under way now, without its remaining steps.

    Example: cygni promote
    """
    _steer(session, deployment, "promote", lambda each: f"r{each['release']} is being promoted.")


@command(Scope.SERVICE)
def pause(session: Session, deployment: ActiveDeploymentWord = None) -> None:
    """Hold the rollout at its present weight; its gates stay on watch.

    Example: cygni pause
    """
    _steer(session, deployment, "pause", lambda each: f"r{each['release']} is held; go on with `cygni resume`.")


@command(Scope.SERVICE)
def resume(session: Session, deployment: ActiveDeploymentWord = None) -> None:
    """Let a paused rollout go on, or approve the step that it waits at.

    A rollout that a person paused begins its step anew; one that waits for approval goes on to its next step, or takes all
    traffic after its last. (`cygni approve` lets a deployment begin that awaits approval, which is another thing.)

    Example: cygni resume
    """
    _steer(session, deployment, "resume", lambda each: f"r{each['release']} goes on.")


@command(Scope.SERVICE)
def abort(session: Session, deployment: ActiveDeploymentWord = None) -> None:
    """Stop a deployment: a waiting one is cancelled, a build is stopped, a rollout is rolled back.

    Example: cygni abort r4
    """
    _steer(session, deployment, "abort", lambda each: f"r{each['release']} is being stopped.")


@command(Scope.SERVICE)
def approve(session: Session, deployment: ProposalWord = None) -> None:
    """Let a deployment that awaits approval into production; for Owners and Admins.

    Example: cygni approve r4
    """
    _decide(session, deployment, "approve", "may go into production.")


@command(Scope.SERVICE)
def reject(session: Session, deployment: ProposalWord = None) -> None:
    """End a deployment that awaits approval; for Owners and Admins.

    Example: cygni reject r4
    """
    _decide(session, deployment, "reject", "is rejected.")


@command(Scope.SERVICE)
def follow(session: Session, deployment: DeploymentWord = "latest") -> Exit:
    """Follow a deployment to its end; the exit code says how it ended.

    One that awaits approval is not waited for: exit code 15. With --json a stream: one object a line, with a `type` of event,
    build_log, progress, and last ended or awaiting_approval.

    Example: cygni follow latest
    """
    place = session.place
    return watch(session, session.api.deployment(place, deployment_id(session.api, place, deployment)), stream=True)


@command(Scope.SERVICE)
def rollback(
    session: Session,
    release: Annotated[
        str | None, typer.Argument(metavar="[RELEASE]", help="A release (r3); default: the one live before.")
    ] = None,
    wait: Wait = True,
) -> Exit:
    """Return to an earlier release, with the image and the config it had.

    Example: cygni rollback r3
    """
    number = release_number(release) if release is not None else None
    return begin(session, session.api.roll_back(session.place, release=number), wait=wait)


def _decide(session: Session, word: str | None, verb: str, words: str) -> None:
    place = session.place
    deployment = awaiting(session.api, place) if word is None else deployment_id(session.api, place, word)
    answer = session.api.steer(place, deployment, verb)
    what = f"r{answer['release']} of {place}, which {session.people.name(answer['created_by'])} asked for, {words}"
    goes_on = [] if answer["ended"] else [Text.assemble(("next: ", "bold"), f"Watch with `cygni follow {answer['id']}`.")]
    session.printer.show(answer, lambda: [Text(what), *goes_on])


def _steer(session: Session, word: str | None, verb: str, words: Callable[[Deployment], str]) -> None:
    place = session.place
    deployment = active(session.api, place) if word is None else deployment_id(session.api, place, word)
    answer = session.api.steer(place, deployment, verb)
    if answer["ended"]:
        session.printer.show(answer, lambda: [outcome(answer, say=session.people.named)])
        return
    hint = Text.assemble(("next: ", "bold"), f"Watch with `cygni follow {answer['id']}`.")
    session.printer.result(answer, Text(words(answer)), hint)

"""`cygni admin`: what the operator of an installation does, with AWS credentials of their own and not through the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cygni.cli.agree import agree
from cygni.cli.errors import CliError, Usage
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.options import Yes
from cygni.cli.session import Session
from cygni.cli.settings import local_aws
from cygni.cli.views.letters import ended_line, letter_document, letters_table, queue_document, queues_table
from cygni.operator.account import Account, OperatorError
from cygni.operator.deadletters import DeadLetters, Queue
from cygni.operator.letters import Letter

admin = typer.Typer(help="Operate an installation, with AWS credentials of your own.", no_args_is_help=True)

QueueName = Annotated[str | None, typer.Option("--queue", metavar="NAME", help="One dead-letter queue.")]
All = Annotated[bool, typer.Option("--all", help="All dead-letter queues of the installation.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the letters and leave them where they are.")]
Most = Annotated[int, typer.Option("--max", metavar="N", min=1, help="How many letters to take up, of all queues together.")]
Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="The AWS region; default: as the AWS CLI finds it.")
]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile of the AWS CLI's.")]
Local = Annotated[bool, typer.Option("--local", help="The embedded cloud of this machine, in place of AWS.")]


@dataclass
class Work:
    """What is to be replayed, and by whom."""

    letters: DeadLetters
    queues: list[Queue]
    place: str


@admin.command("replay")
@command(Scope.NONE)
def replay(
    session: Session,
    *,
    queue: QueueName = None,
    every: All = False,
    dry_run: DryRun = False,
    most: Most = 1000,
    region: Region = None,
    profile: Profile = None,
    local: Local = False,
    yes: Yes = False,
) -> Exit | None:
    """Send dead letters to their functions again, once the cause is mended; without --queue or --all list the queues.

    A letter is deleted only after its function has got the event. What fails again comes back.

    Example: cygni admin replay --all
    """
    if queue is not None and every:
        raise Usage("--queue and --all do not go together.", remedy="Name one queue, or give --all.")
    if local and (region or profile):
        raise Usage("--local does not go with --region or --profile.", remedy="The embedded cloud has neither.")
    with _operating():
        account = Account(region, profile, local_aws(session.runtime.environ) if local else None)
        letters = DeadLetters.of(account, session.runtime.now, wait=int(session.runtime.poll))
        work = Work(letters, letters.queues(queue), account.place)
        if queue is None and not every:
            document = {"place": work.place, "queues": [queue_document(each) for each in work.queues]}
            session.printer.result(document, queues_table(work.queues, work.place))
            return None
        if not dry_run:
            return _replay(session, work, most, yes=yes)
        _show(session, work, most)
        return None


def _show(session: Session, work: Work, most: int) -> None:
    found: list[Letter] = []
    for each in work.queues:
        found += work.letters.letters(each, most=most - len(found)) if len(found) < most else []
    documents = [letter_document(each, "") for each in found]
    session.printer.result(_document(work, documents, dry_run=True), letters_table(documents, session.runtime.now()))


def _replay(session: Session, work: Work, most: int, *, yes: bool) -> Exit | None:
    names = ", ".join(f"{each.name} ({each.waiting})" for each in work.queues)
    agree(session, f"Replay the letters of {names or 'no queue'} at {work.place}?", yes=yes)
    documents: list[dict[str, Any]] = []
    for queue in work.queues:
        if len(documents) < most:
            done = work.letters.replay(queue, most=most - len(documents))
            documents += [letter_document(each.letter, each.left or "replayed", left=bool(each.left)) for each in done]
    left = _left(documents)
    shown = [letters_table(documents, session.runtime.now()), ended_line(len(documents) - left, left)]
    session.printer.result(_document(work, documents, dry_run=False), *(shown if documents else shown[:1]))
    return Exit.UNHEALTHY if left else None


def _document(work: Work, letters: list[dict[str, Any]], *, dry_run: bool) -> dict[str, Any]:
    left = _left(letters)
    replayed = 0 if dry_run else len(letters) - left
    return {"place": work.place, "dry_run": dry_run, "letters": letters, "replayed": replayed, "left": left}


def _left(letters: Iterable[dict[str, Any]]) -> int:
    return sum(bool(each["left"]) for each in letters)


_EXITS = {
    "usage": Exit.USAGE,
    "credentials": Exit.NOT_SIGNED_IN,
    "forbidden": Exit.FORBIDDEN,
    "missing": Exit.NOT_FOUND,
    "unreachable": Exit.UNREACHABLE,
}


@contextmanager
def _operating() -> Iterator[None]:
    try:
        yield
    except OperatorError as error:
        code = _EXITS.get(error.kind, Exit.UNEXPECTED)
        raise CliError(error.message, remedy=error.remedy, exit_code=code, code=f"aws-{error.kind}") from None

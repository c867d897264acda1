"""The frame round every command: shared options, the session, and errors become exit codes in this one place.

    @command(Scope.SERVICE)
    def status(session: Session) -> None: ...

gives `status` the options `--service`, `--environment`, `--project`, `--context` and `--json`, whose values are in `session`.
A command returns None for success, or the Exit that says how it ended.
"""

from __future__ import annotations

import inspect
import sys
import traceback
import typing
from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from cygni.cli.errors import CliError
from cygni.cli.exits import Exit
from cygni.cli.printer import Printer
from cygni.cli.runtime import Runtime
from cygni.cli.session import Asked, Session

Parameters = ParamSpec("Parameters")
Verb = Callable[Concatenate[Session, Parameters], Exit | None]


class Scope(IntEnum):
    """How deep a command reaches, and so which names it takes."""

    NONE = 0
    API = 1
    PROJECT = 2
    ENVIRONMENT = 3
    SERVICE = 4


_NAMES = "Which one is meant"
_SHARED: tuple[tuple[Scope, str, Any, Any], ...] = (
    (
        Scope.SERVICE,
        "service",
        Annotated[
            str | None,
            typer.Option(
                "--service", "-s", metavar="NAME", help="Service; default: the only one, or web.", rich_help_panel=_NAMES
            ),
        ],
        None,
    ),
    (
        Scope.ENVIRONMENT,
        "environment",
        Annotated[
            str | None,
            typer.Option("--environment", "-e", metavar="NAME", help="Environment; default: prod.", rich_help_panel=_NAMES),
        ],
        None,
    ),
    (
        Scope.PROJECT,
        "project",
        Annotated[
            str | None,
            typer.Option(
                "--project", "-p", metavar="NAME", help="Project; default: the name in cygni.yaml.", rich_help_panel=_NAMES
            ),
        ],
        None,
    ),
    (
        Scope.API,
        "context",
        Annotated[
            str | None,
            typer.Option(
                "--context",
                metavar="NAME",
                help="Control plane from the config file; default: its current one.",
                rich_help_panel=_NAMES,
            ),
        ],
        None,
    ),
    (Scope.NONE, "json", Annotated[bool, typer.Option("--json", help="Print JSON for machines.")], False),
)


def command(scope: Scope) -> Callable[[Verb[Parameters]], Callable[..., None]]:
    """Make a typer command of a verb that takes a Session; see the module's docstring."""

    def decorate(verb: Verb[Parameters]) -> Callable[..., None]:
        shared = [(name, annotation, default) for least, name, annotation, default in _SHARED if scope >= least]

        def framed(ctx: typer.Context, **given: Any) -> None:
            names = {name: given.pop(name) for name, _, _ in shared}
            json_mode = names.pop("json")
            runtime = ctx.obj if isinstance(ctx.obj, Runtime) else Runtime()
            session = Session(runtime, Printer(runtime.environ, json_mode=json_mode), Asked(**names))
            raise typer.Exit(int(_run(session, verb, given)))

        _sign(framed, verb, shared)
        return framed

    return decorate


def _run(session: Session, verb: Callable[..., Exit | None], given: dict[str, Any]) -> Exit:
    try:
        return verb(session, **given) or Exit.OK
    except CliError as error:
        session.printer.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        session.printer.err.print()
        return Exit.INTERRUPTED
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - people get one line and how to report it, never a trace
        if session.runtime.debug:
            traceback.print_exc(file=sys.stderr)
        session.printer.error(_unexpected(error))
        return Exit.UNEXPECTED
    finally:
        session.close()


def _unexpected(error: Exception) -> CliError:
    return CliError(
        f"Unexpected: {type(error).__name__}: {error}",
        remedy="This is a fault in cygni. Run it again with CYGNI_DEBUG=1 and report what it prints, with `cygni version`.",
        code="unexpected",
    )


def _sign(framed: Callable[..., None], verb: Callable[..., Any], shared: list[tuple[str, Any, Any]]) -> None:
    """Give `framed` the verb's name, help and parameters without the session, and the shared options: what typer reads."""
    hints = typing.get_type_hints(verb, include_extras=True)
    own = [each.replace(annotation=hints[each.name]) for each in list(inspect.signature(verb).parameters.values())[1:]]
    keyword = inspect.Parameter.KEYWORD_ONLY
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    added = [inspect.Parameter(name, keyword, default=default, annotation=annotation) for name, annotation, default in shared]
    parameters = [context, *(each.replace(kind=keyword) for each in own), *added]
    framed.__name__ = verb.__name__
    framed.__doc__ = verb.__doc__
    framed.__module__ = verb.__module__
    framed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    framed.__annotations__ = {each.name: each.annotation for each in parameters}

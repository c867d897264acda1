"""`cygni login` and `cygni logout`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.text import Text

from cygni.cli.api import every
from cygni.cli.bearers import login_of
from cygni.cli.configfile import Target, drop_login, login_target, put_login
from cygni.cli.credentials import Login
from cygni.cli.device import page_of, wait_for_tokens
from cygni.cli.errors import CliError, Usage
from cygni.cli.frame import Scope, command
from cygni.cli.identity_shapes import Device, MyTeam, Tokens, Whoami
from cygni.cli.session import Session
from cygni.cli.settings import Context, Kept, Means, choose_context, config_path
from cygni.cli.views.people import hint, who_line

MOST_NAME = 100


@command(Scope.NONE)
def login(
    session: Session,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="The control plane; default: that of the current context.")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option("--context", metavar="NAME", help="The context to make or renew; default: one for the address."),
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="Sign in with this provider, such as github.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no page, only print its address.")] = False,
) -> None:
    """Sign in: shows a code and opens the page where you approve it.

    The login is kept in the system's keyring where there is one, else in a file that only you can read.

    With --json a stream: `{type: code, …}` first, `{type: signed_in, …}` once it was approved.

    Example: cygni login --endpoint https://api.example.com
    """
    target = login_target(session.runtime.environ, endpoint=endpoint, name=context)
    with session.credentials.locked():
        before = _before(session, target)
    tokens = _approved(session, target.context, provider, browse=not no_browser)
    signed_in = _keep(session, target, tokens)
    _end(session, target.before, before)
    _say(session, signed_in)


@command(Scope.API)
def logout(session: Session) -> None:
    """Sign out: ends the login at the control plane, and forgets its tokens here.

    Example: cygni logout
    """
    found = _login_in_use(session)
    credentials = session.credentials
    with credentials.locked():
        kept = credentials.read(found)
        credentials.forget(found)
        drop_login(config_path(session.runtime.environ), found.name)
    ended = _end(session, found, kept)
    lines = [Text(f"Signed out at {found.url}.")]
    if not ended:
        lines.append(
            Text(f"{found.url} did not confirm it: the login ends there by itself, or from another one: `cygni sessions`.")
        )
    session.printer.result({"context": found.name, "endpoint": found.url, "ended": ended}, *lines)


def _approved(session: Session, context: Context, provider: str | None, *, browse: bool) -> Tokens:
    printer, runtime = session.printer, session.runtime
    api = session.token_api(context)
    device = api.begin_device(f"cygni on {runtime.machine}"[:MOST_NAME])
    page = page_of(api, device, provider)
    shown = {key: value for key, value in device.items() if key != "device_code"}
    printer.stream({"type": "code", **shown, "page": page}, *_code_lines(device, page))
    if browse and printer.live:
        runtime.open_browser(page)
    waiting = "Waiting until you approve it in the browser; Ctrl-C ends this."
    with printer.waiting(waiting):
        return wait_for_tokens(api, device, sleep=runtime.sleep, now=runtime.now, again=context.sign_in)


def _code_lines(device: Device, page: str) -> list[Text]:
    return [
        Text.assemble("Your code: ", (device["user_code"], "bold")),
        Text.assemble("Approve it at ", (page, "cyan")),
    ]


def _keep(session: Session, target: Target, tokens: Tokens) -> Context:
    credentials, path = session.credentials, config_path(session.runtime.environ)
    with credentials.locked():
        kept = credentials.keep(target.context, login_of(tokens, session.runtime.now()))
        signed_in = replace(target.context, kept=kept)
        if target.before is not None and (target.before.url.rstrip("/"), target.before.kept) != (signed_in.url, kept):
            credentials.forget(target.before)
        put_login(path, signed_in)
    return signed_in


def _before(session: Session, target: Target) -> Login | None:
    """The login that this one takes the place of, if it can be read."""
    with contextlib.suppress(CliError):
        return session.credentials.read(target.before) if target.before else None
    return None


def _end(session: Session, context: Context | None, login: Login | None) -> bool:
    """End a login at its control plane. Whether it answered: not hearing of it is no reason to fail."""
    if context is None or login is None:
        return context is not None
    try:
        session.token_api(context).revoke(login.refresh_token)
    except CliError:
        return False
    return True


def _say(session: Session, context: Context) -> None:
    api, credentials = session.identity_at(context), session.credentials
    who = api.whoami()
    teams: list[MyTeam] = list(every(lambda cursor: api.teams(cursor=cursor)))
    path = str(credentials.file) if context.kept is Kept.FILE else None
    document = {
        "type": "signed_in",
        "context": context.name,
        "endpoint": context.url,
        "kept": context.kept,
        "path": path,
        **who,
        "teams": teams,
    }
    where = "in the system's keyring" if path is None else f"in {path}, which only you can read"
    lines = [
        who_line(who, teams, context),
        Text(f"The login is kept {where}."),
        *_hints(who, teams),
        *_overridden(session, context),
    ]
    session.printer.stream(document, *lines)


def _hints(who: Whoami, teams: Sequence[MyTeam]) -> list[Text]:
    if not teams:
        return [hint("Create a team with `cygni team create NAME`, or join one with `cygni team join LINK`.")]
    if not who["team"]:
        return [hint(f"Choose one of your teams with `cygni team switch NAME`: {', '.join(each['name'] for each in teams)}.")]
    others = [each["name"] for each in teams if not each["current"]]
    return [hint(f"You are also in {', '.join(others)}: `cygni team switch NAME`.")] if others else []


def _overridden(session: Session, context: Context) -> list[Text]:
    """A variable that wins over the login, which would be a riddle later."""
    environ = session.runtime.environ
    told: dict[str, Any] = {
        "CYGNI_TOKEN": bool(environ.get("CYGNI_TOKEN")),
        "CYGNI_ENDPOINT": environ.get("CYGNI_ENDPOINT", context.url).rstrip("/") != context.url,
    }
    return [Text(f"note: {name} is set, and wins over this login.", style="yellow") for name, wins in told.items() if wins]


def _login_in_use(session: Session) -> Context:
    """The login that is meant, even where CYGNI_TOKEN wins over it. Raises NotSignedIn, Usage where there is none."""
    environ = {name: value for name, value in session.runtime.environ.items() if name != "CYGNI_TOKEN"}
    found = choose_context(environ, session.asked.context)
    if found.means is not Means.LOGIN:
        raise Usage(
            f"The context {found.name} signs in by a {found.means.value.replace('-', ' ')}, which is no login.",
            remedy="Name a login with --context; an API key is ended with `cygni keys revoke`.",
        )
    return found

"""The commands of `cygni team` about its members and those who are invited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.agree import agree
from cygni.cli.api import every
from cygni.cli.frame import Scope, command
from cygni.cli.grants import Only, Role, RoleArgument, RoleOption, grant_words, scopes_of
from cygni.cli.identity_shapes import Member
from cygni.cli.names import pick
from cygni.cli.options import Yes
from cygni.cli.session import Session
from cygni.cli.views.people import hint, invitations_table, members_table
from cygni.cli.views.words import until

MemberWord = Annotated[str, typer.Argument(metavar="MEMBER", help="Their name, address or id; `cygni team members` has them.")]


@command(Scope.API)
def list_members(session: Session) -> None:
    """List the team's members.

    Example: cygni team members
    """
    found = _all_members(session)
    session.printer.result({"items": found, "next_cursor": None}, members_table(found, session.runtime.now()))


@command(Scope.API)
def invite(
    session: Session,
    role: RoleOption = Role.DEVELOPER,
    only: Only = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="For whom it is, for the list of invitations.")] = "",
    hours: Annotated[int, typer.Option("--hours", metavar="N", min=1, max=720, help="How long the link is valid.")] = 72,
) -> None:
    """Make a link that lets one person join the team. It is shown once.

    Example: cygni team invite --role developer --only shop/staging --note "Ann, web team"
    """
    made = session.identity.invite(role=role.value, scopes=scopes_of(only), note=note, hours=hours)
    words, expires = grant_words(made["role"], made["scopes"]), until(made["expires_at"], session.runtime.now())
    session.printer.result(
        made,
        Text(f"An invitation as {words}, which works once and expires {expires} ({made['id']}):"),
        Text(made["link"], style="bold", no_wrap=True, overflow="ignore"),
        Text("It is not shown again, and whoever has it can join: send it to that person alone.", style="yellow"),
    )


@command(Scope.API)
def list_invitations(session: Session) -> None:
    """List the invitations that may still be accepted.

    Example: cygni team invitations
    """
    found = list(every(lambda cursor: session.identity.invitations(cursor=cursor)))
    say = session.people.name
    document = {"items": found, "next_cursor": None}
    session.printer.show(document, lambda: [invitations_table(found, session.runtime.now(), say)])


@command(Scope.API)
def uninvite(
    session: Session, invitation: Annotated[str, typer.Argument(metavar="INVITATION", help="Its id, or the note it has.")]
) -> None:
    """Withdraw an invitation: its link works no more.

    Example: cygni team uninvite inv_01J…
    """
    open_ones = list(every(lambda cursor: session.identity.invitations(cursor=cursor)))
    found = pick(
        open_ones,
        invitation,
        what="open invitation",
        names=lambda each: (each["id"], *filter(None, [each["note"]])),
        listing="cygni team invitations",
    )
    session.identity.revoke_invitation(found["id"])
    session.printer.result(found, Text(f"Withdrew the invitation {found['id']}{_for(found['note'])}."))


@command(Scope.API)
def change_role(session: Session, member: MemberWord, role: RoleArgument, only: Only = None) -> None:
    """Give a member another role; without --only it holds for the whole team.

    Example: cygni team role ann viewer
    """
    before = _member(session, member)
    changed = session.identity.change_member(before, role=role.value, scopes=scopes_of(only))
    words = grant_words(changed["role"], changed["scopes"])
    session.printer.result(changed, Text(f"{_called(changed)} is {words} now."))


@command(Scope.API)
def remove(session: Session, member: MemberWord, yes: Yes = False) -> None:
    """Take a member out of the team; what they are signed in with changes nothing in it from then on.

    Example: cygni team remove ann
    """
    found = _member(session, member)
    agree(session, f"Take {_called(found)} out of the team?", yes=yes)
    session.identity.remove_member(found["user"])
    session.printer.result(found, Text(f"{_called(found)} is no longer in the team."))


@command(Scope.API)
def transfer(session: Session, member: MemberWord, yes: Yes = False) -> None:
    """Make a member an Owner of the team, and yourself an Admin.

    Example: cygni team transfer ann
    """
    found = _member(session, member)
    agree(session, f"Give the team to {_called(found)}, and be an Admin yourself?", yes=yes)
    owner = session.identity.transfer_team(found["user"])
    session.printer.result(
        owner, Text(f"{_called(owner)} owns the team now, and you are an Admin."), hint("`cygni team members`")
    )


members: dict[str, Callable[..., None]] = {
    "members": list_members,
    "invite": invite,
    "invitations": list_invitations,
    "uninvite": uninvite,
    "role": change_role,
    "remove": remove,
    "transfer": transfer,
}
"""Name → verb; `team` takes them in."""


def _all_members(session: Session) -> list[Member]:
    return list(every(lambda cursor: session.identity.members(cursor=cursor)))


def _member(session: Session, word: str) -> Member:
    return pick(
        _all_members(session),
        word,
        what="member",
        names=lambda each: (each["user"], *filter(None, (each["name"], each["email"]))),
        listing="cygni team members",
    )


def _called(member: Member) -> str:
    return member["name"] or member["user"]


def _for(note: str) -> str:
    return f" for {note}" if note else ""

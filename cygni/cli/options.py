"""Options and arguments that several commands share, named once."""

from __future__ import annotations

from typing import Annotated

import typer

Wait = Annotated[bool, typer.Option("--wait/--detach", help="Follow it to its end, or return once it is accepted.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Stay = Annotated[bool, typer.Option("--stay", help="Go on with the team that is the current one now.")]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, max=100, help="How many to list, newest first.")]
Message = Annotated[
    str | None, typer.Option("--message", "-m", metavar="TEXT", help="A sentence for people; default: the commit's subject.")
]
Description = Annotated[str, typer.Option("--description", metavar="TEXT", help="A sentence for people.")]
DeploymentWord = Annotated[str, typer.Argument(metavar="[DEPLOYMENT]", help="An id, a release (r3), or latest.")]
ProposalWord = Annotated[
    str | None,
    typer.Argument(metavar="[DEPLOYMENT]", help="An id, a release (r3), or latest; default: the one that awaits."),
]
ActiveDeploymentWord = Annotated[
    str | None, typer.Argument(metavar="[DEPLOYMENT]", help="An id, a release (r3), or latest; default: the one under way.")
]

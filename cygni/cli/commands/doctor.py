"""`cygni doctor`: what is wrong, and what mends it."""

from __future__ import annotations

from rich.text import Text

from cygni.cli.checkup import Finding, examine
from cygni.cli.commands.deploy import checked_app_file
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.session import Session

_MARKS = {"ok": ("✔", "green"), "note": ("·", "yellow"), "fault": ("✘", "red")}


@command(Scope.SERVICE)
def doctor(session: Session) -> Exit | None:
    """Examine the set-up: configuration, API, token, clock, cygni.yaml, application, git. Each fault with its remedy.

    Example: cygni doctor
    """

    def check() -> str:
        app = checked_app_file(session)
        return f"{app.path.name} is valid: project {app.name}, services {', '.join(app.services)}"

    findings = list(examine(session, check))
    well = all(each.level != "fault" for each in findings)
    session.printer.result({"ok": well, "checks": [each.document() for each in findings]}, *map(finding_line, findings))
    return None if well else Exit.UNHEALTHY


def finding_line(finding: Finding) -> Text:
    """One finding for people, its remedy below it."""
    mark, style = _MARKS[finding.level]
    line = Text.assemble((f"{mark} ", style), (f"{finding.name}: ", "bold"), finding.detail)
    if finding.remedy:
        line.append("\n    ").append(finding.remedy, style="dim")
    return line

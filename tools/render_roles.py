"""Writes docs/roles.md from the one table of rights. A test fails when the page is stale.

usage: python -m tools.render_roles
"""

from __future__ import annotations

from pathlib import Path

from chalicelib.api.resources import RESOURCES
from chalicelib.identity.rules import MATRIX, SELF, Cell, Reach, Role
from tools.render_reference import table

PAGE = Path(__file__).parent.parent / "docs" / "roles.md"
_CELLS = {Cell.YES: "yes", Cell.NO: "–", Cell.OPEN: "not in production", Cell.ASK: "production: after an approval"}
_REACHES = {
    Reach.TEAM: "the whole team",
    Reach.PROJECT: "the whole project",
    Reach.ENVIRONMENT: "the environment",
    Reach.ANY: "any part of it",
}
HEAD = """# Roles

This page is written by `make docs` from `chalicelib/identity/rules.py`, which is what decides; a test fails when it is stale.

A member of a team is an **Owner**, an **Admin**, a **Developer** or a **Viewer**; so is an API key, and so is a workflow that
signs in by federation. A Viewer sees everything but config values and changes nothing. A Developer ships: to staging and
previews alone, to production after an Owner or Admin has approved (`cygni approve`). Pausing and aborting only ever take risk
away, so a Developer may do both in production. An Admin runs the team, and an Owner is who may also give it away or end it.

A role can be **narrowed** to projects and environments, each with a role that is at most the member's own:
`cygni team invite --role developer --only shop/staging --only blog`. Whoever is narrowed sees those projects alone. The last
column says what a narrowed role must cover for an operation: with `shop/staging` one may deploy there and upload sources to
`shop`, with `shop` (all its environments) also create environments in it, and nothing that needs the whole team.

Nobody hands out more than they have. What the table does not allow is answered with 403 and a line in the audit trail; what
belongs to another team is answered exactly as what does not exist."""


def render() -> str:
    """The whole page."""
    summaries = {route.name: route.summary for resource in RESOURCES for route in resource.routes}
    rows = [
        (summaries.get(name, name), *(_CELLS[row.cell(role)] for role in Role), _REACHES[row.reach])
        for name, row in MATRIX.items()
    ]
    own = [(summaries.get(name, name),) for name in sorted(SELF, key=lambda name: summaries.get(name, name))]
    parts = [
        HEAD,
        "## Who may do what",
        table(("operation", "Owner", "Admin", "Developer", "Viewer", "a narrowed role must cover"), rows),
        "## What whoever is signed in may do",
        table(("operation",), own),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render())

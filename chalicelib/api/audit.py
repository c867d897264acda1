"""The audit trail: reading, exporting, and the head that others may note down."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.platform.late import late

if TYPE_CHECKING:
    from chalicelib.audit import schemas as shapes
    from chalicelib.audit import service as audit
else:
    audit = late("chalicelib.audit.service")
    shapes = late("chalicelib.audit.schemas")


audit_routes = Resource("audit")


@audit_routes.route("GET", "/v1/audit", query=shapes.AuditQuery, answer=shapes.LinePage)
def list_audit(call: AnyCall) -> shapes.LinePage:
    """List who did what in the team, newest first."""
    return _page(call)


@audit_routes.route("GET", "/v1/audit/head", answer=shapes.HeadView)
def get_audit_head(call: AnyCall) -> shapes.HeadView:
    """Read the number and digest of the newest line of the audit trail."""
    head = audit.get_head(call.who.store, call.who.team)
    return shapes.HeadView(team=call.who.team, seq=head.seq, digest=head.digest)


@audit_routes.route("GET", "/v1/audit/export", query=shapes.ExportQuery, answer=shapes.LinePage, also="text/csv")
def export_audit(call: AnyCall) -> Answer | shapes.LinePage:
    """Export lines of the audit trail as JSON or CSV; `X-Next-Cursor` says where the next part begins."""
    page = _page(call)
    more = {"X-Next-Cursor": page.next_cursor} if page.next_cursor else {}
    if call.query.format == "json":
        return Answer(page, headers=more)
    named = {**more, "Content-Disposition": 'attachment; filename="audit.csv"'}
    return Answer(text=_csv(page.items), content_type="text/csv; charset=utf-8", headers=named)


def _page(call: AnyCall) -> shapes.LinePage:
    asked = call.query
    found = audit.list_lines(call.who.store, call.who.team, asked.filter(), cursor=asked.cursor, limit=asked.limit)
    return shapes.LinePage(items=tuple(shapes.line_view(each) for each in found.items), next_cursor=found.cursor)


def _csv(lines: Iterable[shapes.LineView]) -> str:
    """One row a line, with a head. A value that a spreadsheet would take for a formula is marked as text."""
    names = tuple(shapes.LineView.model_fields)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    for line in lines:
        shown = line.model_dump(mode="json")
        writer.writerow([_harmless(str(shown[name])) for name in names])
    return out.getvalue()


def _harmless(value: str) -> str:
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value

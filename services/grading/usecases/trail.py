"""Who did what and when, over all exams: for administrators."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from contracts.errors.grading import BadCursor, NotFound
from contracts.model import Role
from contracts.rpc.grading.audit import AuditLine, AuditLines, SearchAudit
from services.grading.context import Context
from services.grading.store import audit
from services.grading.store.paging import cursor, key_after


def search_audit(app: Context, request: SearchAudit) -> AuditLines:
    """Two queries for any number of lines."""
    if request.by.role is not Role.ADMIN:
        raise NotFound
    wanted = audit.Wanted(**{name: getattr(request, name) for name in audit.Wanted.__dataclass_fields__})
    with app.db.reading() as sql:
        rows = audit.found(sql, wanted, after=_place(request.cursor), limit=request.limit + 1)
        total = audit.number_found(sql, wanted)
    items = tuple(AuditLine(**row) for row in rows[: request.limit])
    following = None
    if len(rows) > len(items):
        last = items[-1]
        following = cursor(last.at.isoformat(), str(last.copy_id or last.exam_id), last.seq)
    return AuditLines(items=items, next=following, total=total)


def _place(given: str | None) -> tuple[datetime, UUID, int] | None:
    key = key_after(given, str, str, int)
    if key is None:
        return None
    try:
        at, subject_id, seq = datetime.fromisoformat(str(key[0])), UUID(str(key[1])), int(key[2])
    except ValueError as error:
        raise BadCursor from error
    if at.tzinfo is None:
        raise BadCursor
    return at, subject_id, seq

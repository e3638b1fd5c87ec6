"""Which documents an export holds, with the names of those they belong to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.grading.store.tables import audit, candidates, copies, results


def documents(sql: sa.Connection, exam_id: UUID) -> list[Any]:
    """The final ``document`` of every graded copy with whose it is; names are null of what nobody identified."""
    return list(
        sql.execute(
            sa.select(
                copies.c.id,
                copies.c.anonymous_id,
                candidates.c.last_name,
                candidates.c.first_name,
                candidates.c.class_name,
                results.c.document,
            )
            .join_from(
                copies,
                results,
                sa.and_(results.c.copy_id == copies.c.id, results.c.revision == copies.c.revision),
            )
            .outerjoin(candidates, candidates.c.id == copies.c.candidate_id)
            .where(copies.c.exam_id == exam_id, copies.c.status == "GRADED")
            .order_by(candidates.c.last_name, candidates.c.first_name, copies.c.anonymous_id)
        )
    )


def started(sql: sa.Connection, exam_id: UUID, export_id: UUID) -> int | None:
    """How many copies this export was asked for with; ``None`` when it never was. The trail remembers."""
    query = sa.select(audit.c.details).where(
        audit.c.subject_id == exam_id, audit.c.action == "EXPORT", audit.c.details["export_id"].astext == str(export_id)
    )
    found = sql.execute(query).scalar()
    return None if found is None else int(found["copies"])

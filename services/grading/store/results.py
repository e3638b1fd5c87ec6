"""Who got what: candidates beside their copies. Read for those alone who may know both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.grading.store.tables import candidates, copies, marks

_THEIRS = sa.and_(copies.c.candidate_id == candidates.c.id, copies.c.exam_id == candidates.c.exam_id)
_by_name = sa.tuple_(candidates.c.last_name, candidates.c.first_name, candidates.c.id)


def listed(sql: sa.Connection, exam_id: UUID, *, after: UUID | None = None, limit: int | None = None) -> list[Any]:
    """Candidates by name, each with the copy identified as theirs, if there is one. One statement."""
    query = (
        sa.select(
            candidates.c.id.label("candidate_id"),
            candidates.c.ine,
            candidates.c.last_name,
            candidates.c.first_name,
            candidates.c.class_name,
            candidates.c.birth_date,
            copies.c.id.label("copy_id"),
            copies.c.anonymous_id,
            copies.c.status,
            copies.c.revision,
            copies.c.total,
            copies.c.graded_at,
            marks.c.scores,
            marks.c.appraisal,
        )
        .join_from(candidates, copies, _THEIRS, isouter=True)
        .outerjoin(marks, marks.c.copy_id == copies.c.id)
        .where(candidates.c.exam_id == exam_id)
        .order_by(candidates.c.last_name, candidates.c.first_name, candidates.c.id)
    )
    if after is not None:
        last = candidates.alias()
        seen = sa.select(last.c.last_name, last.c.first_name, last.c.id).where(last.c.id == after)
        # PostgreSQL compares a row with a query only in this order.
        query = query.where(_by_name > seen.scalar_subquery())
    return list(sql.execute(query.limit(limit)))


def counts(sql: sa.Connection, exam_id: UUID) -> Any:
    """``candidates``, of them ``with_copy`` and ``graded``; and copies that are ``unidentified``. One statement."""
    graded = copies.c.status == "GRADED"
    theirs = (
        sa.select(
            sa.func.count().label("candidates"),
            sa.func.count(copies.c.id).label("with_copy"),
            sa.func.count().filter(graded).label("graded"),
        )
        .join_from(candidates, copies, _THEIRS, isouter=True)
        .where(candidates.c.exam_id == exam_id)
        .subquery()
    )
    nobodys = sa.select(sa.func.count()).where(copies.c.exam_id == exam_id, copies.c.candidate_id.is_(None))
    return sql.execute(sa.select(theirs, nobodys.scalar_subquery().label("unidentified"))).one()

"""All copies of an exam at once, as far as a caller may see them. No name of a candidate is read here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from contracts.model import Actor
from services.grading.store import tables
from services.grading.store.copies import visible_to


def listed(sql: sa.Connection, exam_id: UUID, by: Actor) -> list[Any]:
    """Copies by anonymous id, each with its ``scores``, its flag and how many ``annotations`` stand. One statement.

    ``scores`` is null when nothing was stored, ``flagged`` and ``note`` when nobody ever flagged the copy.
    """
    copies, annotations, marks, flags = tables.copies, tables.annotations, tables.marks, tables.copy_flags
    standing = (
        sa.select(annotations.c.copy_id, sa.func.count().label("standing"))
        .join_from(annotations, copies, copies.c.id == annotations.c.copy_id)
        .where(copies.c.exam_id == exam_id, annotations.c.deleted_at.is_(None))
        .group_by(annotations.c.copy_id)
        .subquery()
    )
    query = (
        sa.select(
            copies.c.id,
            copies.c.anonymous_id,
            copies.c.status,
            copies.c.marker_id,
            copies.c.marker,
            copies.c.total,
            marks.c.scores,
            flags.c.flagged,
            flags.c.note,
            sa.func.coalesce(standing.c.standing, 0).label("annotations"),
        )
        .select_from(copies)
        .outerjoin(marks, marks.c.copy_id == copies.c.id)
        .outerjoin(flags, flags.c.copy_id == copies.c.id)
        .outerjoin(standing, standing.c.copy_id == copies.c.id)
        .where(copies.c.exam_id == exam_id, visible_to(by))
        .order_by(copies.c.anonymous_id)
    )
    return list(sql.execute(query))


def flag(uow: UnitOfWork, copy_id: UUID, *, flagged: bool, note: str, by: Actor) -> None:
    """The last word stands: a flag is a sign between colleagues, no mark."""
    values = {"flagged": flagged, "note": note, "updated_at": sa.func.clock_timestamp(), "updated_by": by.id}
    statement = insert(tables.copy_flags).values(copy_id=copy_id, **values)
    uow.sql.execute(statement.on_conflict_do_update(index_elements=[tables.copy_flags.c.copy_id], set_=values))

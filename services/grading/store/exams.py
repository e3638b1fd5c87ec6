"""Exams, schemes, who marks what, publications. No name of a candidate is read here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from contracts.errors.grading import NotFound
from contracts.errors.grading_exams import ExamDeleted
from contracts.model import Actor
from services.grading.domain import scheme
from services.grading.store.copies import sees_candidates
from services.grading.store.tables import candidates, copies, exams, marks, schemes


def _seen_by(by: Actor) -> sa.Select[Any]:
    """The exam and how many ``candidates`` it has; for those who are not staff that table is not even read."""
    count: sa.ColumnElement[int] = sa.literal(0)
    if sees_candidates(by):
        theirs = sa.select(sa.func.count()).where(candidates.c.exam_id == exams.c.id)
        count = theirs.correlate(exams).scalar_subquery()
    return sa.select(exams, count.label("candidates"))


def visible_to(by: Actor) -> sa.ColumnElement[bool]:
    """Staff may know of every exam; everybody else of those in which a copy is allocated to them."""
    if sees_candidates(by):
        return sa.true()
    allocated = sa.exists().where(copies.c.exam_id == exams.c.id, copies.c.marker_id == by.id)
    return sa.and_(allocated, exams.c.deleted_at.is_(None))


def find(sql: sa.Connection, exam_id: UUID, by: Actor) -> Any:
    """The exam with how many ``candidates`` it has; ``NotFound`` also when it is not the caller's to see."""
    query = _seen_by(by).where(exams.c.id == exam_id, visible_to(by))
    row = sql.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row


def hold(uow: UnitOfWork, exam_id: UUID, by: Actor, *, deleted: bool = False) -> Any:
    """``find`` for those who change exams: staff alone. Nobody else changes it until the transaction ends.

    Raises:
        NotFound: no such exam, or the caller is no staff.
        ExamDeleted: unless ``deleted`` ones are wanted too.
    """
    if not sees_candidates(by):
        raise NotFound
    held = sa.select(exams.c.id).where(exams.c.id == exam_id).with_for_update(key_share=True)
    if uow.sql.execute(held).one_or_none() is None:
        raise NotFound
    row = find(uow.sql, exam_id, by)
    if row.deleted_at is not None and not deleted:
        raise ExamDeleted
    return row


def listed(sql: sa.Connection, by: Actor, *, archived: bool, after: UUID | None, limit: int) -> tuple[list[Any], int]:
    """Exams that were not deleted, or those that were, newest first, and how many there are. Two statements."""
    scope = [exams.c.deleted_at.is_not(None) if archived else exams.c.deleted_at.is_(None), visible_to(by)]
    total = sql.execute(sa.select(sa.func.count()).select_from(exams).where(*scope)).scalar_one()
    place = sa.tuple_(exams.c.created_at, exams.c.id)
    query = _seen_by(by).where(*scope)
    if after is not None:
        last = exams.alias()
        query = query.where(place < sa.select(last.c.created_at, last.c.id).where(last.c.id == after).scalar_subquery())
    query = query.order_by(exams.c.created_at.desc(), exams.c.id.desc()).limit(limit)
    return list(sql.execute(query)), int(total)


def progress(sql: sa.Connection, exam_ids: Iterable[UUID], by: Actor) -> dict[UUID, list[Any]]:
    """Per exam rows of (``status``, ``copies``, ``identified``, ``allocated``), one statement.

    For a marker they count their own copies, and none as identified.
    """
    staff = sees_candidates(by)
    own = sa.true() if staff else copies.c.marker_id == by.id
    identified: sa.ColumnElement[int] = sa.func.count(copies.c.candidate_id) if staff else sa.literal(0)
    query = (
        sa.select(
            copies.c.exam_id,
            copies.c.status,
            sa.func.count().label("copies"),
            identified.label("identified"),
            sa.func.count(copies.c.marker_id).label("allocated"),
        )
        .where(copies.c.exam_id.in_(list(exam_ids)), own)
        .group_by(copies.c.exam_id, copies.c.status)
        .order_by(copies.c.status)
    )
    found: dict[UUID, list[Any]] = {}
    for row in sql.execute(query):
        found.setdefault(row.exam_id, []).append(row)
    return found


def add(uow: UnitOfWork, exam_id: UUID, values: Mapping[str, Any], by: Actor) -> bool:
    """Whether it is new: ``False`` when there is an exam with this id."""
    statement = insert(exams).values(id=exam_id, created_by=by.id, **values).on_conflict_do_nothing()
    return uow.sql.execute(statement.returning(exams.c.id)).first() is not None


def change(uow: UnitOfWork, exam_id: UUID, **values: Any) -> None:
    """The row is held. Every change is a new version."""
    uow.sql.execute(exams.update().where(exams.c.id == exam_id).values(version=exams.c.version + 1, **values))


# Schemes


def latest_scheme(sql: sa.Connection, exam_id: UUID) -> Any:
    """The newest version stored, in force or not; ``None`` when there is none."""
    query = sa.select(schemes).where(schemes.c.exam_id == exam_id).order_by(schemes.c.version.desc()).limit(1)
    return sql.execute(query).one_or_none()


def add_scheme(
    uow: UnitOfWork, exam_id: UUID, version: int, nodes: Sequence[scheme.Node], step: Decimal, by: Actor
) -> None:
    """Append a version and put it in force; the exam's row is held."""
    values = {"nodes": scheme.as_json(nodes), "step": step, "created_by": by.id}
    uow.sql.execute(schemes.insert().values(exam_id=exam_id, version=version, **values))
    uow.sql.execute(exams.update().where(exams.c.id == exam_id).values(scheme_version=version))


def marked(sql: sa.Connection, exam_id: UUID) -> list[dict[str, Decimal]]:
    """The scores of every copy that has any."""
    query = (
        sa.select(marks.c.scores)
        .join_from(marks, copies, copies.c.id == marks.c.copy_id)
        .where(copies.c.exam_id == exam_id, marks.c.scores != sa.text("'{}'::jsonb"))
    )
    return [{item: Decimal(score) for item, score in scores.items()} for scores in sql.execute(query).scalars()]


# Allocation


def allocated(sql: sa.Connection, exam_id: UUID) -> list[Any]:
    """(``id``, ``status``, ``marker_id``, ``marker``) of every copy, in the order of anonymous ids."""
    columns = [copies.c.id, copies.c.status, copies.c.marker_id, copies.c.marker]
    query = sa.select(*columns).where(copies.c.exam_id == exam_id).order_by(copies.c.anonymous_id)
    return list(sql.execute(query))


def allocate(uow: UnitOfWork, given: Mapping[UUID, tuple[UUID, str]], taken_from: UUID | None = None) -> set[UUID]:
    """Give copies their marker (id and name) if they are still READY and nobody's, or ``taken_from``'s; those that
    were.
    """
    if not given:
        return set()
    rows = [(copy_id, marker_id, name) for copy_id, (marker_id, name) in sorted(given.items())]
    told = sa.values(
        sa.column("id", sa.Uuid), sa.column("marker_id", sa.Uuid), sa.column("marker", sa.Text), name="given"
    ).data(rows)
    free = [copies.c.status == "READY", copies.c.marker_id.is_not_distinct_from(taken_from)]
    # Locked in the order of ids: two writers of many copies never wait for each other in a circle.
    held = sa.select(copies.c.id).where(copies.c.id.in_(list(given)), *free).order_by(copies.c.id)
    uow.sql.execute(held.with_for_update(key_share=True))
    statement = (
        copies.update()
        .where(copies.c.id == told.c.id, *free)
        .values(
            marker_id=told.c.marker_id,
            marker=told.c.marker,
            version=copies.c.version + 1,
            updated_at=sa.func.clock_timestamp(),
        )
        .returning(copies.c.id)
    )
    return set(uow.sql.execute(statement).scalars())

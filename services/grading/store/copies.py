"""Copies: found within what the caller may see, held by their row, moved by one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONPATH, insert

from chassis.db import UnitOfWork
from contracts.errors.grading import ExamPublished, NotFound
from contracts.model import Actor, Role
from contracts.objects import ObjectRef
from contracts.records.pages import Page
from services.grading.domain.copies import ABSENT, TRANSITIONS, Copy, Move, Status
from services.grading.domain.walk import Stop
from services.grading.store.tables import copies, exams, identifications, locks, marks, results

_COPY = tuple(Copy.__dataclass_fields__)
_COLUMNS = [copies.c[name] for name in _COPY]
_clock = sa.func.clock_timestamp()


def copy_of(row: Any) -> Copy:
    """A row that has the columns of ``Copy``."""
    return Copy(**{name: getattr(row, name) for name in _COPY} | {"status": Status(row.status)})


def visible_to(by: Actor) -> sa.ColumnElement[bool]:
    """What a caller may know of: markers the copies allocated to them, candidates none, staff all."""
    if by.role in {Role.ADMIN, Role.OPERATOR}:
        return sa.true()
    if by.role is Role.MARKER:
        return copies.c.marker_id == by.id
    return sa.false()


def _visible(columns: Sequence[Any], copy_id: UUID, by: Actor) -> sa.Select[Any]:
    """A copy of a deleted exam is not found either; restoring the exam brings it back."""
    return (
        sa.select(*columns)
        .join_from(copies, exams, exams.c.id == copies.c.exam_id)
        .where(copies.c.id == copy_id, exams.c.deleted_at.is_(None), visible_to(by))
    )


def find(sql: sa.Connection, copy_id: UUID, by: Actor) -> Copy:
    """The copy, or ``NotFound`` also when it is not the caller's to see."""
    row = sql.execute(_visible(_COLUMNS, copy_id, by)).one_or_none()
    if row is None:
        raise NotFound
    return copy_of(row)


def hold(uow: UnitOfWork, copy_id: UUID, by: Actor) -> Copy:
    """``find``, and nobody else changes this copy or its marking until the transaction ends.

    Where the exam's row is locked as well, it is locked first: the other order could deadlock.
    """
    held = _visible(_COLUMNS, copy_id, by).with_for_update(key_share=True, of=copies)
    row = uow.sql.execute(held).one_or_none()
    if row is None:
        raise NotFound
    return copy_of(row)


def hold_any(uow: UnitOfWork, copy_id: UUID) -> Copy | None:
    """``hold`` for the system itself, deleted exam or not."""
    held = sa.select(*_COLUMNS).where(copies.c.id == copy_id).with_for_update(key_share=True)
    row = uow.sql.execute(held).one_or_none()
    return None if row is None else copy_of(row)


def hold_unpublished(uow: UnitOfWork, exam_id: UUID) -> None:
    """Keep the exam from being published, and its scheme from changing, until the transaction ends."""
    held = sa.select(exams.c.published_at).where(exams.c.id == exam_id).with_for_update(read=True)
    if uow.sql.execute(held).scalar_one() is not None:
        raise ExamPublished


def share_exam(uow: UnitOfWork, exam_id: UUID) -> bool:
    """Whether the exam exists, deleted or not; nobody changes it until the transaction ends."""
    held = sa.select(exams.c.id).where(exams.c.id == exam_id).with_for_update(read=True)
    return uow.sql.execute(held).one_or_none() is not None


def hold_exam(uow: UnitOfWork, exam_id: UUID) -> bool:
    """Whether the exam exists, deleted or not; nobody else changes it or adds to its trail meanwhile."""
    held = sa.select(exams.c.id).where(exams.c.id == exam_id).with_for_update(key_share=True)
    return uow.sql.execute(held).one_or_none() is not None


def pages(sql: sa.Connection, copy_id: UUID) -> tuple[Page, ...]:
    """The paper, in reading order."""
    stored = sql.execute(sa.select(copies.c.pages).where(copies.c.id == copy_id)).scalar_one()
    return tuple(Page.model_validate(page) for page in stored)


def one_page(sql: sa.Connection, copy_id: UUID, page_no: int) -> Page | None:
    """One page, without sending all others from the database."""
    found = sa.func.jsonb_path_query_first(
        copies.c.pages, sa.cast("$[*] ? (@.page_no == $n)", JSONPATH),
        sa.func.jsonb_build_object("n", page_no),
    )  # fmt: skip
    stored = sql.execute(sa.select(found).where(copies.c.id == copy_id)).scalar_one()
    return None if stored is None else Page.model_validate(stored)


# Lists


def listed(
    sql: sa.Connection,
    exam_id: UUID,
    by: Actor,
    *,
    filters: Mapping[str, Any],
    after: str | None,
    limit: int,
) -> tuple[list[Any], int]:
    """Copies in the order of their anonymous ids, each with its lock in force, and how many there are in all.

    Two statements, however many copies. Rows have the columns of ``Copy``, ``lock_owner``, ``lock_owner_id``,
    ``expires_at`` and, for staff only, ``candidate_id``.
    ``filters`` may have ``status``, ``marker_id`` and ``identified``; a value of ``None`` does not filter.
    """
    scope = [copies.c.exam_id == exam_id, exams.c.deleted_at.is_(None), visible_to(by), *_filtered(filters, by)]
    base = sa.join(copies, exams, exams.c.id == copies.c.exam_id)
    total = sql.execute(sa.select(sa.func.count()).select_from(base).where(*scope)).scalar_one()
    query = _with_lock(by, base).where(*scope).order_by(copies.c.anonymous_id).limit(limit)
    if after is not None:
        query = query.where(copies.c.anonymous_id > after)
    return list(sql.execute(query)), int(total)


def one_listed(sql: sa.Connection, copy_id: UUID, by: Actor) -> Any:
    """One row as ``listed`` gives them, with ``pages``."""
    base = sa.join(copies, exams, exams.c.id == copies.c.exam_id)
    query = _with_lock(by, base, copies.c.pages).where(
        copies.c.id == copy_id, exams.c.deleted_at.is_(None), visible_to(by)
    )
    row = sql.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row


def walk(sql: sa.Connection, exam_id: UUID, by: Actor, item_id: str | None) -> tuple[Stop, ...]:
    """The caller's copies of an exam in the order of their anonymous ids; whether ``item_id`` has a score on each."""
    scored: sa.ColumnElement[bool] = sa.false() if item_id is None else marks.c.scores.has_key(item_id)
    query = (
        sa.select(copies.c.id, copies.c.status, sa.func.coalesce(scored, sa.false()).label("scored"))
        .select_from(copies.outerjoin(marks, marks.c.copy_id == copies.c.id))
        .where(copies.c.exam_id == exam_id, visible_to(by))
        .order_by(copies.c.anonymous_id)
    )
    return tuple(Stop(row.id, Status(row.status), row.scored) for row in sql.execute(query))


def sees_candidates(by: Actor) -> bool:
    return by.role in {Role.ADMIN, Role.OPERATOR}


def _with_lock(by: Actor, base: sa.Join, *extra: Any) -> sa.Select[Any]:
    """A lease that has ended is no lock: it is not shown."""
    identity = [copies.c.candidate_id] if sees_candidates(by) else []
    in_force = sa.and_(locks.c.copy_id == copies.c.id, locks.c.expires_at > _clock)
    return sa.select(
        *_COLUMNS,
        locks.c.owner.label("lock_owner"),
        locks.c.owner_id.label("lock_owner_id"),
        locks.c.expires_at,
        *identity,
        *extra,
    ).select_from(base.outerjoin(locks, in_force))


def _filtered(filters: Mapping[str, Any], by: Actor) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if filters.get("status") is not None:
        found.append(copies.c.status == filters["status"])
    if filters.get("marker_id") is not None:
        found.append(copies.c.marker_id == filters["marker_id"])
    if filters.get("identified") is not None and sees_candidates(by):
        found.append(copies.c.candidate_id.is_not(None) == filters["identified"])
    return found


# Changes


def add(uow: UnitOfWork, values: Mapping[str, Any]) -> Copy | None:
    """A new READY copy; ``None`` when its anonymous id is taken in this exam."""
    statement = (
        insert(copies)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[copies.c.exam_id, copies.c.anonymous_id])
        .returning(*_COLUMNS)
    )
    row = uow.sql.execute(statement).one_or_none()
    return None if row is None else copy_of(row)


def replace_paper(uow: UnitOfWork, copy_id: UUID, paper: Mapping[str, Any]) -> None:
    """New pages under an open copy; the row is held."""
    uow.sql.execute(copies.update().where(copies.c.id == copy_id).values(**paper, **_touched()))


def expect_reading(uow: UnitOfWork, copy_id: UUID, paper_revision: int, outcome: str | None) -> None:
    """Forget what was read from older paper. ``outcome`` is ``None`` until reading answers."""
    fresh: dict[str, Any] = {
        "paper_revision": paper_revision, "outcome": outcome, "engine": None, "lines": None, "fields": None,
        "ranked": None, "ranked_for": None, "probability": None, "updated_at": _clock,
    }  # fmt: skip
    statement = insert(identifications).values(copy_id=copy_id, **fresh)
    uow.sql.execute(statement.on_conflict_do_update(index_elements=[identifications.c.copy_id], set_=fresh))


def move(
    uow: UnitOfWork, copy_id: UUID, by_move: Move, *expected: sa.ColumnElement[bool], **values: Any
) -> Copy | None:
    """One transition as one statement; ``None`` when the copy was not where it had to be.

    ``expected`` is what else must be true of the row, such as its revision and attempt. ``values`` is what the new
    state has; what it does not have is cleared by the same statement.
    """
    transition = TRANSITIONS[by_move]
    cleared: dict[str, Any] = dict.fromkeys(ABSENT[transition.target])
    if transition.target is Status.READY:
        cleared |= {"attempt": 0, "tries": 0}
    statement = (
        copies.update()
        .where(copies.c.id == copy_id, copies.c.status.in_(sorted(transition.sources)), *expected)
        .values(**(cleared | values | _touched() | {"status": transition.target}))
        .returning(*_COLUMNS)
    )
    row = uow.sql.execute(statement).one_or_none()
    return None if row is None else copy_of(row)


def _touched() -> dict[str, Any]:
    return {"version": copies.c.version + 1, "updated_at": _clock}


# After finalisation


def record_of(sql: sa.Connection, copy_id: UUID) -> ObjectRef:
    stored = sql.execute(sa.select(copies.c.record).where(copies.c.id == copy_id)).scalar_one()
    return ObjectRef.model_validate(stored)


def keep_result(uow: UnitOfWork, copy: Copy, document: ObjectRef) -> None:
    """Add this graded revision to the history."""
    source = sa.select(
        copies.c.id, copies.c.revision, copies.c.exam_id, copies.c.record,
        sa.literal(document.model_dump(mode="json"), results.c.document.type), copies.c.total, copies.c.graded_at,
    ).where(copies.c.id == copy.id)  # fmt: skip
    names = ["copy_id", "revision", "exam_id", "record", "document", "total", "graded_at"]
    uow.sql.execute(results.insert().from_select(names, source))


def document_of(sql: sa.Connection, copy_id: UUID, revision: int) -> ObjectRef:
    query = sa.select(results.c.document).where(results.c.copy_id == copy_id, results.c.revision == revision)
    return ObjectRef.model_validate(sql.execute(query).scalar_one())


def stuck(sql: sa.Connection, after_s: float) -> list[tuple[UUID, int, int]]:
    """(copy, revision, attempt) whose document was asked for more than ``after_s`` seconds ago."""
    since: sa.ColumnElement[datetime] = _clock - sa.func.make_interval(0, 0, 0, 0, 0, 0, after_s)
    query = (
        sa.select(copies.c.id, copies.c.revision, copies.c.attempt)
        .where(copies.c.status == Status.GRADING_IN_PROGRESS, copies.c.attempted_at < since)
        .order_by(copies.c.id)
    )
    return [(row.id, row.revision, row.attempt) for row in sql.execute(query)]

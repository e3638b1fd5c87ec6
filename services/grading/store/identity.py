"""Headers as read, and whose copy is whose. Only staff's use cases read this; marking never does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.exc import IntegrityError

from chassis.db import UnitOfWork
from services.grading.domain.identity import Candidate
from services.grading.store.tables import candidates, copies, identifications

_header = sa.func.jsonb_path_query_first(
    copies.c.pages, sa.cast('$[*].header_image ? (@.type() == "object")', JSONPATH)
).label("header")
_columns = [
    copies.c.id,
    copies.c.anonymous_id,
    copies.c.candidate_id,
    identifications.c.outcome,
    identifications.c.lines,
    _header,
]
_query = sa.select(*_columns).join_from(copies, identifications, identifications.c.copy_id == copies.c.id, isouter=True)


def readings(sql: sa.Connection, exam_id: UUID, *, pending_only: bool) -> list[Any]:
    """Copies of an exam with what was read from their header and its image, in the order of anonymous ids."""
    query = _query.where(copies.c.exam_id == exam_id).order_by(copies.c.anonymous_id)
    if pending_only:
        query = query.where(copies.c.candidate_id.is_(None))
    return list(sql.execute(query))


def reading(sql: sa.Connection, copy_id: UUID) -> Any:
    return sql.execute(_query.where(copies.c.id == copy_id)).one()


def roster(sql: sa.Connection, exam_id: UUID) -> list[Any]:
    """Candidates by name, each with the ``copy_id`` identified as theirs."""
    theirs = sa.and_(copies.c.candidate_id == candidates.c.id, copies.c.exam_id == candidates.c.exam_id)
    query = (
        sa.select(candidates, copies.c.id.label("copy_id"))
        .join_from(candidates, copies, theirs, isouter=True)
        .where(candidates.c.exam_id == exam_id)
        .order_by(candidates.c.last_name, candidates.c.first_name, candidates.c.id)
    )
    return list(sql.execute(query))


def as_candidates(rows: Sequence[Any]) -> list[Candidate[UUID]]:
    return [Candidate(row.id, row.last_name, row.first_name, row.ine) for row in rows]


def is_candidate(sql: sa.Connection, exam_id: UUID, candidate_id: UUID) -> bool:
    query = sa.select(candidates.c.id).where(candidates.c.id == candidate_id, candidates.c.exam_id == exam_id)
    return sql.execute(query).one_or_none() is not None


def keep_reading(
    uow: UnitOfWork, copy_id: UUID, paper_revision: int, outcome: str, engine: str, lines: Sequence[str]
) -> bool:
    """Store the answer about this paper; ``False`` when other paper lies there by now, or no such copy."""
    statement = (
        identifications.update()
        .where(identifications.c.copy_id == copy_id, identifications.c.paper_revision == paper_revision)
        .values(outcome=outcome, engine=engine, lines=list(lines), updated_at=sa.func.clock_timestamp())
    )
    return uow.sql.execute(statement).rowcount == 1


def unread(sql: sa.Connection, after_s: float) -> list[UUID]:
    """Copies whose header was to be read more than ``after_s`` seconds ago."""
    since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, after_s)
    query = sa.select(identifications.c.copy_id).where(
        identifications.c.outcome.is_(None), identifications.c.updated_at < since
    )
    return list(sql.execute(query.order_by(identifications.c.copy_id)).scalars())


def stop_waiting(uow: UnitOfWork, copy_id: UUID) -> int | None:
    """Let no answer be the outcome; the paper it was about, or ``None`` when an answer came meanwhile."""
    statement = (
        identifications.update()
        .where(identifications.c.copy_id == copy_id, identifications.c.outcome.is_(None))
        .values(outcome="timeout", updated_at=sa.func.clock_timestamp())
        .returning(identifications.c.paper_revision)
    )
    return uow.sql.execute(statement).scalar_one_or_none()


def identify(uow: UnitOfWork, copy_id: UUID, candidate_id: UUID | None) -> bool:
    """Say whose copy this is; ``False`` when the candidate has one already. The unique index decides, not a look."""
    statement = (
        copies.update()
        .where(copies.c.id == copy_id)
        .values(candidate_id=candidate_id, version=copies.c.version + 1, updated_at=sa.func.clock_timestamp())
    )
    try:
        with uow.sql.begin_nested():
            uow.sql.execute(statement)
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) != "uq_copies_candidate":
            raise
        return False
    return True


def copy_of(sql: sa.Connection, exam_id: UUID, candidate_id: UUID) -> Any:
    """(``id``, ``anonymous_id``) of the candidate's copy, ``None`` without one."""
    query = sa.select(copies.c.id, copies.c.anonymous_id).where(
        copies.c.exam_id == exam_id, copies.c.candidate_id == candidate_id
    )
    return sql.execute(query).one_or_none()

"""What candidates may read: each publication names the revision of every copy and the person it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from chassis.db import UnitOfWork
from contracts.model import Actor
from contracts.objects import ObjectRef
from services.grading.store.tables import (
    candidates,
    copies,
    exams,
    publications,
    published_copies,
    reopenings,
    results,
)


@dataclass(frozen=True)
class Published:
    """One copy a person may read, as it was published."""

    copy_id: UUID
    anonymous_id: str
    revision: int
    record: ObjectRef
    document: ObjectRef
    published_at: datetime
    exam_id: UUID
    publication: int
    class_statistics: bool


def state_of_copies(sql: sa.Connection, exam_id: UUID) -> list[Any]:
    """(``id``, ``anonymous_id``, ``status``, ``candidate_id``) of every copy, in the order of anonymous ids."""
    columns = [copies.c.id, copies.c.anonymous_id, copies.c.status, copies.c.candidate_id]
    return list(sql.execute(sa.select(*columns).where(copies.c.exam_id == exam_id).order_by(copies.c.anonymous_id)))


Shown: TypeAlias = list[list[Any]]
"""As JSON, in the order of copies: the ids of a copy, its revision, the ids of its candidate and of the person."""


def publish(uow: UnitOfWork, exam_id: UUID, publication: int, by: Actor) -> Shown:
    """Freeze what candidates read, and return it. The exam's row is held and every copy is ready."""
    values = {"published_at": uow.now(), "published_by": by.id}
    uow.sql.execute(publications.insert().values(exam_id=exam_id, publication=publication, **values))
    shown = sa.select(
        copies.c.exam_id,
        sa.literal(publication),
        copies.c.id,
        copies.c.revision,
        copies.c.candidate_id,
        candidates.c.person_id,
    ).join_from(copies, candidates, candidates.c.id == copies.c.candidate_id)
    names = ["exam_id", "publication", "copy_id", "revision", "candidate_id", "person_id"]
    statement = published_copies.insert().from_select(names, shown.where(copies.c.exam_id == exam_id))
    return _as_shown(uow.sql.execute(statement.returning(published_copies)))


def shown(sql: sa.Connection, exam_ids: Sequence[UUID]) -> dict[tuple[UUID, int], Shown]:
    """What every publication of these exams showed, by exam and publication."""
    found: defaultdict[tuple[UUID, int], list[Any]] = defaultdict(list)
    for row in sql.execute(sa.select(published_copies).where(published_copies.c.exam_id.in_(exam_ids))):
        found[row.exam_id, row.publication].append(row)
    return {which: _as_shown(rows) for which, rows in found.items()}


def _as_shown(rows: Iterable[Any]) -> Shown:
    return sorted([str(row.copy_id), row.revision, str(row.candidate_id), str(row.person_id)] for row in rows)


def was_released(sql: sa.Connection, copy_id: UUID) -> bool:
    """Whether candidates could ever read it, at whatever revision."""
    return bool(sql.execute(sa.select(sa.exists().where(published_copies.c.copy_id == copy_id))).scalar_one())


def keep_reason(uow: UnitOfWork, copy_id: UUID, revision: int, reason: str, by: Actor | None) -> None:
    """Why ``revision`` began."""
    row = {"reason": reason, "reopened_at": uow.now(), "reopened_by": by.id if by else None}
    uow.sql.execute(reopenings.insert().values(copy_id=copy_id, revision=revision, **row))


def earlier_of_person(sql: sa.Connection, person_id: UUID) -> list[Any]:
    """Every revision of a copy that was ever published to the person and changed since, newest first.

    Rows of (``copy_id``, ``revision``, ``total``, ``published_at`` for the first time, ``reason``, ``reopened_by``,
    ``reopened_at``).
    """
    change = sa.and_(
        reopenings.c.copy_id == published_copies.c.copy_id, reopenings.c.revision == published_copies.c.revision + 1
    )
    columns = [
        published_copies.c.copy_id,
        published_copies.c.revision,
        results.c.total,
        reopenings.c.reason,
        reopenings.c.reopened_by,
        reopenings.c.reopened_at,
    ]
    query = (
        sa.select(*columns, sa.func.min(publications.c.published_at).label("published_at"))
        .select_from(published_copies)
        .join(publications)
        .join(results)
        .join(reopenings, change)
        .where(published_copies.c.person_id == person_id)
        .group_by(*columns)
        .order_by(published_copies.c.copy_id, published_copies.c.revision.desc())
    )
    return list(sql.execute(query))


def withdraw(uow: UnitOfWork, exam_id: UUID, publication: int, by: Actor) -> None:
    this = sa.and_(publications.c.exam_id == exam_id, publications.c.publication == publication)
    uow.sql.execute(publications.update().where(this).values(withdrawn_at=uow.now(), withdrawn_by=by.id))


def count(sql: sa.Connection, exam_id: UUID, publication: int) -> int:
    this = sa.and_(published_copies.c.exam_id == exam_id, published_copies.c.publication == publication)
    return int(sql.execute(sa.select(sa.func.count()).select_from(published_copies).where(this)).scalar_one())


def of_person(sql: sa.Connection, person_id: UUID) -> list[Published]:
    """Only what is published now: a withdrawn publication and a deleted exam show nothing. Newest first."""
    query = (
        sa.select(
            copies.c.anonymous_id,
            published_copies.c.copy_id,
            published_copies.c.revision,
            results.c.record,
            results.c.document,
            exams.c.published_at,
            exams.c.id.label("exam_id"),
            exams.c.publication,
            exams.c.class_statistics,
        )
        .select_from(published_copies)
        .join(
            exams,
            sa.and_(
                exams.c.id == published_copies.c.exam_id,
                exams.c.publication == published_copies.c.publication,
                exams.c.published_at.is_not(None),
                exams.c.deleted_at.is_(None),
            ),
        )
        .join(copies, copies.c.id == published_copies.c.copy_id)
        .join(
            results,
            sa.and_(results.c.copy_id == published_copies.c.copy_id, results.c.revision == published_copies.c.revision),
        )
        .where(published_copies.c.person_id == person_id)
        .order_by(exams.c.published_at.desc(), published_copies.c.copy_id)
    )
    return [
        Published(
            copy_id=row.copy_id,
            anonymous_id=row.anonymous_id,
            revision=row.revision,
            record=ObjectRef.model_validate(row.record),
            document=ObjectRef.model_validate(row.document),
            published_at=row.published_at,
            exam_id=row.exam_id,
            publication=row.publication,
            class_statistics=row.class_statistics,
        )
        for row in sql.execute(query)
    ]


def totals(sql: sa.Connection, which: Sequence[tuple[UUID, int]]) -> dict[UUID, list[Decimal]]:
    """What everybody got, by exam, in these publications; whose is what is not told."""
    found: dict[UUID, list[Decimal]] = {exam_id: [] for exam_id, _ in which}
    if which:
        place = sa.tuple_(published_copies.c.exam_id, published_copies.c.publication)
        query = sa.select(published_copies.c.exam_id, results.c.total).join_from(published_copies, results)
        for row in sql.execute(query.where(place.in_(which))):
            found[row.exam_id].append(row.total)
    return found


def withdrawn_from_person(sql: sa.Connection, person_id: UUID) -> list[Any]:
    """(``title``, ``date``, ``withdrawn_at``) of exams that the person could read and that are not out now."""
    query = (
        sa.select(exams.c.title, exams.c.date, sa.func.max(publications.c.withdrawn_at).label("withdrawn_at"))
        .select_from(published_copies)
        .join(publications)
        .join(exams, exams.c.id == published_copies.c.exam_id)
        .where(published_copies.c.person_id == person_id, exams.c.published_at.is_(None), exams.c.deleted_at.is_(None))
        .group_by(exams.c.id)
        .order_by(sa.desc("withdrawn_at"), exams.c.id)
    )
    return list(sql.execute(query))

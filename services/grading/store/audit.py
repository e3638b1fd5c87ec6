"""The audit trail: appended in the transaction of what it tells, never changed (a trigger refuses it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from chassis import observe
from chassis.db import UnitOfWork
from contracts.model import Actor
from services.grading.domain.audit import GENESIS, Event, digest
from services.grading.store.tables import audit

log = observe.logger(observe.AUDIT)

SYSTEM = "korrigo"
"""Shown as the actor of what no person did."""


@dataclass(frozen=True)
class Entry:
    """What to record. ``by`` is ``None`` for the system itself; ``details`` are JSON values without personal data."""

    action: str
    by: Actor | None
    exam_id: UUID
    copy_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    revision: int | None = None
    attempt: int | None = None

    @property
    def subject_id(self) -> UUID:
        return self.copy_id or self.exam_id


def append(uow: UnitOfWork, *entries: Entry) -> None:
    """Add to the trails of the entries' subjects, in two statements however many there are.

    The caller has updated or locked the row of every subject (the copy, or the exam when no copy is named) in this
    transaction: that is what orders one subject's events. Without it, one of two writers fails on the primary key.
    """
    if not entries:
        return
    heads = {row.subject_id: (row.seq, row.hash) for row in uow.sql.execute(_heads(entries))}
    at = uow.now()
    rows = []
    for entry in entries:
        seq, previous = heads.get(entry.subject_id, (0, GENESIS))
        event = Event(
            subject_id=entry.subject_id,
            seq=seq + 1,
            exam_id=entry.exam_id,
            copy_id=entry.copy_id,
            action=entry.action,
            revision=entry.revision,
            attempt=entry.attempt,
            actor_id=entry.by.id if entry.by else None,
            actor=entry.by.name if entry.by else SYSTEM,
            at=at,
            details=dict(entry.details),
            prev_hash=previous,
        )
        hashed = digest(event)
        heads[entry.subject_id] = (event.seq, hashed)
        rows.append({each.name: getattr(event, each.name) for each in fields(event)} | {"hash": hashed})
    uow.sql.execute(audit.insert(), rows)
    uow.after_commit.append(partial(_log, rows))


def _log(rows: Sequence[Mapping[str, Any]]) -> None:
    """The digests in another place: a chain that was cut off at its end shows against them."""
    for row in rows:
        log.info(
            "audit",
            action=str(row["action"]),
            subject_id=row["subject_id"],
            seq=row["seq"],
            actor_id=row["actor_id"],
            sha256=row["hash"],
        )


def _heads(entries: Sequence[Entry]) -> sa.Select[Any]:
    subjects = {entry.subject_id for entry in entries}
    return (
        sa.select(audit.c.subject_id, audit.c.seq, audit.c.hash)
        .ext(distinct_on(audit.c.subject_id))
        .where(audit.c.subject_id.in_(subjects))
        .order_by(audit.c.subject_id, audit.c.seq.desc())
    )


def trail(sql: sa.Connection, subject_id: UUID, *, after: int = 0, limit: int | None = None) -> list[tuple[Event, str]]:
    """Events of one subject from ``seq`` above ``after``, each with its stored digest."""
    rows = sql.execute(
        sa.select(audit).where(audit.c.subject_id == subject_id, audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    )
    names = [each.name for each in fields(Event)]
    return [(Event(**{name: getattr(row, name) for name in names}), row.hash) for row in rows]


def length(sql: sa.Connection, subject_id: UUID) -> int:
    """How many events the subject has; ``seq`` has no holes."""
    query = sa.select(sa.func.coalesce(sa.func.max(audit.c.seq), 0)).where(audit.c.subject_id == subject_id)
    return int(sql.execute(query).scalar_one())

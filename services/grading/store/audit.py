"""The audit trail: appended in the transaction of what it tells, never changed (a trigger refuses it)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis import observe
from chassis.db import UnitOfWork
from contracts.model import Actor
from services.grading.domain.audit import GENESIS, Event, Head, digest, extended
from services.grading.store.tables import audit, audit_heads, copies, exams

log = observe.logger(observe.AUDIT)

SYSTEM = "korrigo"
"""Shown as the actor of what no person did."""


_TELL = sa.text(
    """
    WITH told AS (
        INSERT INTO audit SELECT * FROM jsonb_populate_recordset(NULL::audit, CAST(:events AS jsonb))
    )
    INSERT INTO audit_heads SELECT * FROM jsonb_populate_recordset(NULL::audit_heads, CAST(:heads AS jsonb))
    ON CONFLICT (subject_id) DO UPDATE
        SET exam_id = excluded.exam_id, seq = excluded.seq, hash = excluded.hash, seal = excluded.seal
    """
)
"""Events and heads in one round trip; as JSON, so that any number of rows is the same statement."""


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
    heads = hold_heads(uow, {entry.subject_id for entry in entries})
    at = uow.now()
    rows = []
    for entry in entries:
        head = heads.get(entry.subject_id)
        event = Event(
            subject_id=entry.subject_id,
            seq=head.seq + 1 if head else 1,
            exam_id=entry.exam_id,
            copy_id=entry.copy_id,
            action=entry.action,
            revision=entry.revision,
            attempt=entry.attempt,
            actor_id=entry.by.id if entry.by else None,
            actor=entry.by.name if entry.by else SYSTEM,
            at=at,
            details=dict(entry.details),
            prev_hash=head.hash if head else GENESIS,
        )
        hashed = digest(event)
        heads[entry.subject_id] = extended(uow.audit_key, head, event, hashed)
        rows.append({each.name: getattr(event, each.name) for each in fields(event)} | {"hash": hashed})
    changed = [asdict(head) for head in heads.values()]
    uow.sql.execute(_TELL, {"events": json.dumps(rows, default=str), "heads": json.dumps(changed, default=str)})
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


def hold_heads(uow: UnitOfWork, subject_ids: Collection[UUID]) -> dict[UUID, Head]:
    """Where the trails end, by subject; nobody adds to them meanwhile."""
    table = audit_heads.c
    query = sa.select(audit_heads).where(table.subject_id.in_(subject_ids)).order_by(table.subject_id)
    return {row["subject_id"]: Head(**row) for row in uow.sql.execute(query.with_for_update()).mappings()}


def trail(sql: sa.Connection, subject_id: UUID, *, after: int = 0, limit: int | None = None) -> list[tuple[Event, str]]:
    """Events of one subject from ``seq`` above ``after``, each with its stored digest."""
    rows = sql.execute(
        sa.select(audit).where(audit.c.subject_id == subject_id, audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    )
    return [with_digest(row) for row in rows]


def with_digest(row: Any) -> tuple[Event, str]:
    """A row of the trail, and its digest as stored."""
    return Event(**{each.name: getattr(row, each.name) for each in fields(Event)}), row.hash


@dataclass(frozen=True)
class Wanted:
    """Which events of all exams; ``None`` restricts nothing."""

    exam_id: UUID | None
    copy_id: UUID | None
    anonymous_id: str | None
    actor_id: UUID | None
    action: str | None
    since: datetime | None
    until: datetime | None

    def among(self, query: sa.Select[Any]) -> sa.Select[Any]:
        equal = {"exam_id": self.exam_id, "copy_id": self.copy_id, "actor_id": self.actor_id, "action": self.action}
        query = query.where(*(audit.c[name] == value for name, value in equal.items() if value is not None))
        if self.anonymous_id is not None:
            named = sa.select(copies.c.id).where(copies.c.anonymous_id == self.anonymous_id.upper())
            query = query.where(audit.c.copy_id.in_(named))
        if self.since is not None:
            query = query.where(audit.c.at >= self.since)
        return query if self.until is None else query.where(audit.c.at < self.until)


def found(
    sql: sa.Connection, wanted: Wanted, *, after: tuple[datetime, UUID, int] | None, limit: int
) -> Sequence[sa.RowMapping]:
    """The latest first, with the exam's title and the copy's anonymous id; ``after``: (at, subject, seq) of the last
    one seen.
    """
    shown = ("exam_id", "copy_id", "seq", "action", "actor", "actor_id", "at", "details")
    query = (
        sa.select(*(audit.c[name] for name in shown), exams.c.title.label("exam_title"), copies.c.anonymous_id)
        .join_from(audit, exams, audit.c.exam_id == exams.c.id)
        .outerjoin(copies, audit.c.copy_id == copies.c.id)
        .order_by(audit.c.at.desc(), audit.c.subject_id.desc(), audit.c.seq.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(sa.tuple_(audit.c.at, audit.c.subject_id, audit.c.seq) < sa.tuple_(*after))
    return sql.execute(wanted.among(query)).mappings().all()


def number_found(sql: sa.Connection, wanted: Wanted) -> int:
    return int(sql.execute(wanted.among(sa.select(sa.func.count()).select_from(audit))).scalar_one())


def length(sql: sa.Connection, subject_id: UUID) -> int:
    """How many events the subject has; ``seq`` has no holes."""
    query = sa.select(sa.func.coalesce(sa.func.max(audit.c.seq), 0)).where(audit.c.subject_id == subject_id)
    return int(sql.execute(query).scalar_one())

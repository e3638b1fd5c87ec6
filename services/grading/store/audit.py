"""The audit trail: appended in the transaction of what it tells, never changed (a trigger refuses it)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis import observe
from chassis.db import UnitOfWork
from contracts.model import Actor
from services.grading.domain.audit import GENESIS, Event, Head, digest, extended
from services.grading.store.tables import audit, audit_heads

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


def length(sql: sa.Connection, subject_id: UUID) -> int:
    """How many events the subject has; ``seq`` has no holes."""
    query = sa.select(sa.func.coalesce(sa.func.max(audit.c.seq), 0)).where(audit.c.subject_id == subject_id)
    return int(sql.execute(query).scalar_one())

"""Leases on copies. Whoever writes, here or because of what is read here, has the copy's row held.

Time is the database's alone. The lease is read by a statement of its own, after the copy's row was obtained: one
statement that joined both would see the lease as it was before it had to wait.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from chassis.db import UnitOfWork
from contracts.errors.grading import LockLost, LockRequired
from contracts.model import Actor
from services.grading.store.tables import locks

_clock = sa.func.clock_timestamp()


@dataclass(frozen=True)
class Lease:
    """``in_force`` by the database's clock when it was read."""

    owner_id: UUID
    owner: str
    token: str
    fence: int
    expires_at: datetime
    in_force: bool


_LEASE = (locks.c.owner_id, locks.c.owner, locks.c.token, locks.c.fence, locks.c.expires_at)


def current(sql: sa.Connection, copy_id: UUID) -> Lease | None:
    query = sa.select(*_LEASE, (locks.c.expires_at > _clock).label("in_force")).where(locks.c.copy_id == copy_id)
    row = sql.execute(query).mappings().one_or_none()
    return None if row is None else Lease(**row)


def required(sql: sa.Connection, copy_id: UUID, token: str | None, by: Actor) -> Lease:
    """The caller's lease, in force.

    Raises:
        LockRequired: no token was sent.
        LockLost: it is not the token of a lease in force, or not the caller's.
    """
    if not token:
        raise LockRequired
    lease = current(sql, copy_id)
    if lease is None or not lease.in_force or lease.owner_id != by.id:
        raise LockLost
    if not hmac.compare_digest(lease.token.encode(), token.encode()):
        raise LockLost
    return lease


def take(uow: UnitOfWork, copy_id: UUID, by: Actor, fence: int, lease_s: int) -> Lease:
    """A new lease with a new token; one that has ended is replaced."""
    remove(uow, copy_id)
    statement = (
        locks.insert()
        .values(
            copy_id=copy_id,
            owner_id=by.id,
            owner=by.name,
            token=secrets.token_urlsafe(24),
            fence=fence,
            acquired_at=_clock,
            expires_at=_until(lease_s),
        )
        .returning(*_LEASE, sa.true().label("in_force"))
    )
    return Lease(**uow.sql.execute(statement).mappings().one())


def renew(uow: UnitOfWork, copy_id: UUID, lease_s: int) -> Lease:
    """Prolong the lease, counted from now."""
    statement = (
        locks.update()
        .where(locks.c.copy_id == copy_id)
        .values(expires_at=_until(lease_s))
        .returning(*_LEASE, sa.true().label("in_force"))
    )
    return Lease(**uow.sql.execute(statement).mappings().one())


def remove(uow: UnitOfWork, copy_id: UUID) -> None:
    uow.sql.execute(locks.delete().where(locks.c.copy_id == copy_id))


def ended(sql: sa.Connection) -> list[UUID]:
    """Copies whose lease has ended and that nobody took over."""
    query = sa.select(locks.c.copy_id).where(locks.c.expires_at <= _clock).order_by(locks.c.copy_id)
    return list(sql.execute(query).scalars())


def _until(lease_s: int) -> sa.ColumnElement[datetime]:
    until: sa.ColumnElement[datetime] = _clock + sa.func.make_interval(0, 0, 0, 0, 0, 0, lease_s)
    return until

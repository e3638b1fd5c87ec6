"""The exclusive right to mark a copy: a lease that ends by itself."""

from __future__ import annotations

from chassis import observe
from contracts.errors.grading import LockedByOther, LockLost, LockRequired, NotLockable, NotYours
from contracts.model import Actor, Role
from contracts.rpc import Done
from contracts.rpc.grading.copies import HeldLock, LockView, TakeLock
from services.grading.context import Context
from services.grading.domain.copies import FINALISED, Copy, Move, Status
from services.grading.store import audit, copies, locks

log = observe.logger("grading.locks")


def take_lock(app: Context, request: TakeLock) -> LockView:
    """Lock a copy, or prolong the caller's own lock: the same token again. An ended lease is taken over.

    Raises:
        NotYours: the copy is not allocated to the caller, who is no administrator either.
        LockedByOther: somebody else's lease is in force.
        NotLockable: the copy is finalised.
    """
    by = request.by
    with app.db.transaction() as uow:
        copy = copies.hold(uow, request.copy_id, by)
        if not may_mark(copy, by):
            raise NotYours
        if copy.status in FINALISED:
            raise NotLockable(status=copy.status)
        lease = locks.current(uow.sql, copy.id)
        if lease is not None and lease.in_force:
            if lease.owner_id != by.id:
                raise LockedByOther(owner=lease.owner, expires_at=lease.expires_at.isoformat())
            return _view(locks.renew(uow, copy.id, app.settings.lock_lease_s))
        fence = copy.fence + 1
        lease = locks.take(uow, copy.id, by, fence, app.settings.lock_lease_s)
        copies.move(uow, copy.id, Move.LOCK, owner_id=by.id, owner=by.name, locked_at=uow.now(), fence=fence)
        audit.append(uow, audit.Entry(Move.LOCK, by, copy.exam_id, copy.id, {"fence": fence}))
    return _view(lease)


def may_mark(copy: Copy, by: Actor) -> bool:
    return by.role is Role.ADMIN or (by.role is Role.MARKER and copy.marker_id == by.id)


def renew_lock(app: Context, request: HeldLock) -> LockView:
    """A sign of life: the lease counts from now. One that has ended is not revived."""
    with app.db.transaction() as uow:
        copies.hold(uow, request.copy_id, request.by)
        locks.required(uow.sql, request.copy_id, request.token, request.by)
        return _view(locks.renew(uow, request.copy_id, app.settings.lock_lease_s))


def release_lock(app: Context, request: HeldLock) -> Done:
    """Give the copy back. Drafts, scores and annotations stay. Doing it twice is fine."""
    if not request.token:
        raise LockRequired
    with app.db.transaction() as uow:
        copy = copies.hold(uow, request.copy_id, request.by)
        if copy.status is Status.READY:
            return Done()
        locks.required(uow.sql, copy.id, request.token, request.by)
        locks.remove(uow, copy.id)
        if copies.move(uow, copy.id, Move.RELEASE) is None:
            raise LockLost
        audit.append(uow, audit.Entry(Move.RELEASE, request.by, copy.exam_id, copy.id, {"fence": copy.fence}))
    return Done()


def release_ended(app: Context) -> int:
    """Copies whose lease has ended are READY again; how many there were. Nothing of the marking is touched."""
    with app.db.reading() as sql:
        candidates = locks.ended(sql)
    released = 0
    for copy_id in candidates:
        with app.db.transaction() as uow:
            copy = copies.hold_any(uow, copy_id)
            lease = locks.current(uow.sql, copy_id)
            if copy is None or lease is None or lease.in_force:
                continue
            locks.remove(uow, copy_id)
            if copies.move(uow, copy_id, Move.EXPIRE) is not None:
                audit.append(uow, audit.Entry(Move.EXPIRE, None, copy.exam_id, copy.id, {"fence": copy.fence}))
                released += 1
    if released:
        log.info("locks_expired", copies=released)
    return released


def _view(lease: locks.Lease) -> LockView:
    return LockView(owner=lease.owner, owner_id=lease.owner_id, expires_at=lease.expires_at, token=lease.token)

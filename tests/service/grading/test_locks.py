"""P0-DI-001: one holder, by the database's clock."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from contracts.errors.grading import (
    LockedByOther,
    LockLost,
    LockRequired,
    NotFound,
    NotLockable,
    NotYours,
)
from contracts.model import Actor, Role
from contracts.rpc.grading.copies import AnnotationFields, CreateAnnotation, HeldLock, PutDraft
from services.grading.store import tables
from services.grading.usecases import locks, marking
from tests.service.grading.desk import FULL, Desk, person


def test_of_simultaneous_lockers_exactly_one_wins(desk: Desk) -> None:
    """P0-DI-001."""
    racers = [person(f"Admin {n}", Role.ADMIN) for n in range(5)]
    copy_ids = [desk.add_copy() for _ in range(20)]
    start = threading.Barrier(len(racers))
    wins: dict[uuid.UUID, list[str]] = {copy_id: [] for copy_id in copy_ids}
    told: list[str] = []

    def race(by: Actor) -> None:
        for copy_id in copy_ids:
            start.wait()
            try:
                desk.lock(copy_id, by)
                wins[copy_id].append(by.name)
            except LockedByOther as refusal:
                told.append(refusal.details["owner"])

    with ThreadPoolExecutor(len(racers)) as pool:
        list(pool.map(race, racers))

    assert [len(winners) for winners in wins.values()] == [1] * 20  # 100 requests, one winner per copy
    assert len(told) == 80
    owners = {row.id: row.owner for row in desk.all(sa.select(tables.copies.c.id, tables.copies.c.owner))}
    assert {copy_id: winners[0] for copy_id, winners in wins.items()} == owners


def test_a_hundred_requests_for_one_copy_give_one_lock(desk: Desk) -> None:
    copy_id = desk.add_copy()
    racers = [person(f"Admin {n}", Role.ADMIN) for n in range(100)]

    def race(by: Actor) -> bool:
        try:
            return desk.lock(copy_id, by).token is not None
        except LockedByOther:
            return False

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(race, racers)) == 1
    assert desk.row(copy_id).fence == 1
    assert desk.actions(copy_id) == ["ASSEMBLE", "ALLOCATE", "LOCK"]


def test_the_same_owner_gets_the_same_token_and_more_time(desk: Desk) -> None:
    copy_id = desk.add_copy()
    first = desk.lock(copy_id)
    again = desk.lock(copy_id)
    assert again.token == first.token
    assert again.expires_at > first.expires_at
    assert desk.row(copy_id).fence == 1


def test_another_owner_is_told_who_and_until_when(desk: Desk) -> None:
    copy_id = desk.add_copy()
    held = desk.lock(copy_id)
    with pytest.raises(LockedByOther) as refused:
        desk.lock(copy_id, desk.admin)
    assert refused.value.details == {"owner": "Mme Curie", "expires_at": held.expires_at.isoformat()}


def test_an_ended_lease_is_taken_over_and_its_holder_cannot_write(desk: Desk) -> None:
    """P0-DI-001."""
    copy_id = desk.add_copy()
    old = desk.token(copy_id)
    desk.expire(copy_id)
    new = desk.lock(copy_id, desk.admin)
    assert new.token != old
    assert desk.row(copy_id).fence == 2
    for write in _writes(desk, copy_id, old):
        with pytest.raises(LockLost):
            write()
    assert desk.all(sa.select(tables.marks)) == desk.all(sa.select(tables.annotations)) == []
    assert desk.all(sa.select(tables.drafts)) == desk.all(sa.select(tables.draft_saves)) == []


def test_an_ended_lease_cannot_write_even_when_nobody_took_over(desk: Desk) -> None:
    copy_id, token = desk.marked()
    desk.expire(copy_id)
    for write in _writes(desk, copy_id, token):
        with pytest.raises(LockLost):
            write()
    assert desk.row(copy_id).status == "LOCKED"


def _writes(desk: Desk, copy_id: uuid.UUID, token: str) -> list:  # type: ignore[type-arg]
    app, by = desk.app, desk.marker
    mark = AnnotationFields(page=1, type="tick", x=0.1, y=0.1, w=0.1, h=0.1)
    draft = PutDraft(copy_id=copy_id, token=token, by=by, client_id="tab", version=0, payload={"a": 1})
    return [
        lambda: marking.put_draft(app, draft),
        lambda: marking.create_annotation(app, CreateAnnotation(copy_id=copy_id, token=token, by=by, annotation=mark)),
        lambda: desk.score(copy_id, token, FULL, version=1),
        lambda: locks.renew_lock(app, HeldLock(copy_id=copy_id, token=token, by=by)),
        lambda: locks.release_lock(app, HeldLock(copy_id=copy_id, token=token, by=by)),
        lambda: desk.finalise(copy_id, token),
    ]


def test_a_write_that_waited_for_the_copy_sees_the_lock_as_it_is_then(desk: Desk) -> None:
    # The holder releases while its own late write waits for the copy's row, and somebody else locks. Read in one
    # statement with the row, the old lease would still look alive.
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    outcome: list[str] = []

    def late_write() -> None:
        try:
            desk.score(copy_id, token)
            outcome.append("written")
        except LockLost:
            outcome.append("refused")

    with desk.db.transaction() as uow:
        uow.sql.execute(sa.select(tables.copies.c.id).where(tables.copies.c.id == copy_id).with_for_update())
        writer = threading.Thread(target=late_write)
        writer.start()
        _wait_for_a_waiter(desk)
        uow.sql.execute(
            tables.locks.update()
            .where(tables.locks.c.copy_id == copy_id)
            .values(owner_id=desk.admin.id, owner="Direction", token="other", fence=2)
        )
    writer.join(10)
    assert outcome == ["refused"]


def _wait_for_a_waiter(desk: Desk) -> None:
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(500):
        with desk.db.reading() as sql:
            if sql.execute(query).scalar_one():
                return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits for the copy")


def test_release_makes_the_copy_ready_and_is_repeatable(desk: Desk) -> None:
    copy_id = desk.add_copy()
    request = HeldLock(copy_id=copy_id, token=desk.token(copy_id), by=desk.marker)
    locks.release_lock(desk.app, request)
    locks.release_lock(desk.app, request)
    row = desk.row(copy_id)
    assert (row.status, row.owner, row.locked_at) == ("READY", None, None)
    assert desk.actions(copy_id) == ["ASSEMBLE", "ALLOCATE", "LOCK", "RELEASE"]


def test_ended_leases_are_swept_and_live_ones_stay(desk: Desk) -> None:
    ended, live = desk.add_copy(), desk.add_copy()
    desk.lock(ended)
    desk.lock(live)
    desk.expire(ended)
    assert locks.release_ended(desk.app) == 1
    assert (desk.row(ended).status, desk.row(live).status) == ("READY", "LOCKED")
    assert desk.actions(ended)[-1] == "EXPIRE"


def test_heartbeat_prolongs_and_needs_the_token(desk: Desk) -> None:
    copy_id = desk.add_copy()
    held = desk.lock(copy_id)
    renewed = locks.renew_lock(desk.app, HeldLock(copy_id=copy_id, token=held.token, by=desk.marker))
    assert renewed.expires_at > held.expires_at
    with pytest.raises(LockRequired):
        locks.renew_lock(desk.app, HeldLock(copy_id=copy_id, token=None, by=desk.marker))
    with pytest.raises(LockLost):
        locks.renew_lock(desk.app, HeldLock(copy_id=copy_id, token="guess", by=desk.marker))
    with pytest.raises(LockLost):  # a stolen token is of no use to another person
        locks.renew_lock(desk.app, HeldLock(copy_id=copy_id, token=held.token, by=desk.admin))


def test_only_the_allocated_marker_or_an_administrator_locks(desk: Desk) -> None:
    copy_id = desk.add_copy()
    with pytest.raises(NotFound):  # a marker does not even know of other markers' copies
        desk.lock(copy_id, person("M. Becquerel"))
    with pytest.raises(NotYours):
        desk.lock(copy_id, person("Secrétariat", Role.OPERATOR))
    assert desk.lock(copy_id, desk.admin).owner == "Direction"


def test_a_finalised_copy_is_not_lockable(desk: Desk) -> None:
    copy_id = desk.graded()
    with pytest.raises(NotLockable) as refused:
        desk.lock(copy_id)
    assert refused.value.details == {"status": "GRADED"}

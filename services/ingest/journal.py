"""What people did in staging, written down with what was there before, so that it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.ids import uuid7
from contracts.errors.ingest import BadCursor, LaterAct, NotFound, NothingToUndo, UndoneAlready
from contracts.rpc.ingest import ActKind, StagingAct, StagingActs
from services.ingest import domain, staging
from services.ingest.domain import Booklet, StagedPage
from services.ingest.paging import from_cursor, page_size, to_cursor
from services.ingest.tables import booklets as booklets_table
from services.ingest.tables import staging_acts as acts

_WITHOUT_LOOKING = frozenset({ActKind.SET_ASIDE, ActKind.TAKE_BACK})


def keep(sql: sa.Connection, kind: ActKind, before: Sequence[Booklet], after: Sequence[Booklet], by: UUID) -> None:
    """Store what an act made of some locked booklets, and what they were.

    ``after`` are all of ``before`` and those the act made. Whoever moved pages looked at them: doubts are settled,
    and what the machine was sure of no longer matters. Setting a booklet aside and taking it back settles none.

    Raises:
        PagesNotConserved.
    """
    domain.conserve(_pages(before), _pages(after))
    ids = [booklet.id for booklet in after]
    if kind in _WITHOUT_LOOKING:
        staging.store(sql, after)
        settled = []
    else:
        staging.store(sql, [replace(booklet, confidence=None) for booklet in after])
        settled = staging.settle_doubts(sql, ids, by)
    sql.execute(
        sa.insert(acts).values(
            id=uuid7(),
            exam_id=before[0].exam_id,
            kind=kind,
            booklet_ids=ids,
            before=[_written(booklet) for booklet in before],
            settled=settled,
            done_by=by,
        )
    )


def last_of_exam(sql: sa.Connection, exam_id: UUID) -> UUID:
    """The last act that can still be undone: nothing of it was assembled since.

    Raises:
        NothingToUndo.
    """
    frozen = sa.exists().where(
        booklets_table.c.id == sa.any_(acts.c.booklet_ids), booklets_table.c.copy_id.is_not(None)
    )
    return _last(sql, acts.c.exam_id == exam_id, ~frozen)


def last_of_booklet(sql: sa.Connection, booklet: Booklet) -> UUID:
    """Raises: NothingToUndo."""
    return _last(sql, acts.c.exam_id == booklet.exam_id, sa.literal(booklet.id) == sa.any_(acts.c.booklet_ids))


def _last(sql: sa.Connection, *conditions: sa.ColumnElement[bool]) -> UUID:
    query = sa.select(acts.c.id).where(acts.c.undone_at.is_(None), *conditions)
    found: UUID | None = sql.execute(query.order_by(acts.c.no.desc()).limit(1)).scalar()
    if found is None:
        raise NothingToUndo
    return found


def undone_once(sql: sa.Connection, once: UUID | None) -> list[UUID] | None:
    """The booklets of the act that this request has undone already."""
    if once is None:
        return None
    found: list[UUID] | None = sql.execute(sa.select(acts.c.booklet_ids).where(acts.c.undone_once == once)).scalar()
    return found


def undo(sql: sa.Connection, act_id: UUID, by: UUID, once: UUID | None) -> list[UUID]:
    """Make of the booklets what they were before an act; their ids.

    They are locked before anything is decided: whoever wants to act on one of them waits until this is over.

    Raises:
        UndoneAlready, LaterAct, BookletFrozen.
        PagesNotConserved: their pages are no longer those the act left.
    """
    ids: list[UUID] = sql.execute(sa.select(acts.c.booklet_ids).where(acts.c.id == act_id)).scalar_one()
    now = staging.load(sql, None, ids, lock=True, emptied=True)
    act = sql.execute(sa.select(acts).where(acts.c.id == act_id)).one()
    if act.undone_at is not None:
        raise UndoneAlready(act_id=str(act_id))
    later = sql.execute(
        sa.select(acts.c.id, acts.c.kind)
        .where(
            acts.c.exam_id == act.exam_id,
            acts.c.no > act.no,
            acts.c.undone_at.is_(None),
            acts.c.booklet_ids.overlap(ids),
        )
        .order_by(acts.c.no.desc())
    ).first()
    if later is not None:
        raise LaterAct(act_id=str(later.id), kind=later.kind)
    before = domain.undone(now, [_read(each, act.exam_id) for each in act.before])
    domain.conserve(_pages(now), _pages(before))
    staging.store(sql, before)
    staging.doubt_again(sql, act.settled)
    sql.execute(
        sa.update(acts)
        .where(acts.c.id == act_id)
        .values(undone_by=by, undone_at=sa.func.clock_timestamp(), undone_once=once)
    )
    return ids


def act_of_exam(sql: sa.Connection, exam_id: UUID, act_id: UUID) -> UUID:
    """Raises: NotFound: the exam has no such act."""
    found = sql.execute(sa.select(acts.c.id).where(acts.c.exam_id == exam_id, acts.c.id == act_id)).scalar()
    if found is None:
        raise NotFound
    return act_id


def listed(sql: sa.Connection, exam_id: UUID, limit: int, cursor: str | None) -> StagingActs:
    """Latest first."""
    query = sa.select(acts).where(acts.c.exam_id == exam_id)
    total = sql.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    if cursor is not None:
        (no,) = from_cursor(cursor, 1)
        if not no.isdecimal() or int(no) >= 1 << 63:
            raise BadCursor
        query = query.where(acts.c.no < int(no))
    size = page_size(limit)
    rows = sql.execute(query.order_by(acts.c.no.desc()).limit(size + 1)).all()
    items = tuple(
        StagingAct(
            id=row.id,
            kind=ActKind(row.kind),
            booklet_ids=tuple(row.booklet_ids),
            done_by=row.done_by,
            done_at=row.done_at,
            undone_by=row.undone_by,
            undone_at=row.undone_at,
        )
        for row in rows[:size]
    )
    return StagingActs(items=items, next=to_cursor(rows[size - 1].no) if len(rows) > size else None, total=total)


def _pages(booklets: Sequence[Booklet]) -> list[UUID]:
    return [page.id for booklet in booklets for page in booklet.pages]


def _written(booklet: Booklet) -> dict[str, Any]:
    pages = [{"id": str(page.id), "turn_deg": page.turn_deg, "dropped": page.dropped} for page in booklet.pages]
    state = {"set_aside": booklet.set_aside, "confidence": booklet.confidence}
    return {"id": str(booklet.id), "pages": pages, **state}


def _read(written: dict[str, Any], exam_id: UUID) -> Booklet:
    pages = tuple(StagedPage(UUID(page["id"]), page["turn_deg"], page["dropped"]) for page in written["pages"])
    return Booklet(UUID(written["id"]), exam_id, 0, pages, written["set_aside"], confidence=written.get("confidence"))

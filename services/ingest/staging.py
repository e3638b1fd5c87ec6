"""Queries about booklets: read with their pages and doubts, written under a lock on their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from contracts.errors.ingest import BadCursor, MixedExams, NotFound, PaperChanged
from contracts.messages.ingest import CopyAssembled
from contracts.records.pages import Page, PageImages
from contracts.rpc.ingest import Booklets, BookletView
from contracts.rpc.ingest import StagedPage as StagedPageView
from services.ingest.domain import Booklet, StagedPage
from services.ingest.paging import as_uuid, from_cursor, page_size, to_cursor
from services.ingest.store import place_pages
from services.ingest.tables import anomalies, assemblies, booklets, pages, uploads

_FILLED = sa.exists().where(pages.c.booklet_id == booklets.c.id)
_OPEN = sa.exists().where(anomalies.c.booklet_id == booklets.c.id, anomalies.c.settled_at.is_(None))


def load(
    sql: sa.Connection, exam_id: UUID | None, ids: Sequence[UUID], *, lock: bool = False, emptied: bool = False
) -> list[Booklet]:
    """Booklets in the order of ``ids``, which must be distinct; locked in the order of their ids if asked.

    Raises:
        NotFound: one does not exist, or has no pages any more (unless ``emptied``).
        MixedExams: one is not of ``exam_id`` (``None``: any exam).
    """
    query = sa.select(booklets).where(booklets.c.id.in_(ids)).order_by(booklets.c.id)
    rows = {row.id: row for row in sql.execute(query.with_for_update() if lock else query)}
    if len(rows) < len(set(ids)):
        raise NotFound
    for row in rows.values():
        if exam_id is not None and row.exam_id != exam_id:
            raise MixedExams(booklet_id=str(row.id))
    staged: dict[UUID, list[StagedPage]] = {each: [] for each in ids}
    for page in sql.execute(
        sa.select(pages.c.booklet_id, pages.c.id, pages.c.hand_turn_deg, pages.c.dropped)
        .where(pages.c.booklet_id.in_(ids))
        .order_by(pages.c.place)
    ):
        staged[page.booklet_id].append(StagedPage(page.id, page.hand_turn_deg, page.dropped))
    if not emptied and not all(staged.values()):
        raise NotFound
    return [_booklet(rows[each], staged[each]) for each in ids]


def _booklet(row: sa.Row[Any], staged: Iterable[StagedPage]) -> Booklet:
    return Booklet(row.id, row.exam_id, row.version, tuple(staged), row.set_aside, row.copy_id, row.confidence)


def store(sql: sa.Connection, changed: Sequence[Booklet]) -> None:
    """Write down locked booklets as they are now, and give each its next version.

    All pages are placed before any booklet is looked at: some may have gone from one to another.
    """
    staged = [(booklet, place, page) for booklet in changed for place, page in enumerate(booklet.pages, start=1)]
    place_pages(sql, [{"page": page.id, "booklet": booklet.id, "place": place} for booklet, place, page in staged])
    for _, _, page in staged:
        sql.execute(
            sa.update(pages)
            .where(
                pages.c.id == page.id,
                sa.or_(pages.c.hand_turn_deg != page.turn_deg, pages.c.dropped != page.dropped),
            )
            .values(hand_turn_deg=page.turn_deg, dropped=page.dropped)
        )
    for booklet in changed:
        first = sa.select(sa.func.min(pages.c.side_no)).where(pages.c.booklet_id == booklet.id).scalar_subquery()
        _change(
            sql,
            booklet.id,
            first_side=sa.func.coalesce(first, booklets.c.first_side),
            set_aside=booklet.set_aside,
            confidence=booklet.confidence,
        )


def _change(sql: sa.Connection, booklet_id: UUID, **values: object) -> None:
    sql.execute(
        sa.update(booklets)
        .where(booklets.c.id == booklet_id, booklets.c.copy_id.is_(None))
        .values(version=booklets.c.version + 1, **values)
    )


def settle_doubts(sql: sa.Connection, ids: Sequence[UUID], by: UUID) -> list[UUID]:
    """A person looked at these booklets; the doubts this settled."""
    settled = (
        sa.update(anomalies)
        .where(anomalies.c.booklet_id.in_(ids), anomalies.c.settled_at.is_(None))
        .values(settled_at=sa.func.now(), settled_by=by)
    )
    return list(sql.execute(settled.returning(anomalies.c.id)).scalars())


def doubt_again(sql: sa.Connection, doubts: Sequence[UUID]) -> None:
    """Undo ``settle_doubts``."""
    sql.execute(sa.update(anomalies).where(anomalies.c.id.in_(doubts)).values(settled_at=None, settled_by=None))


def lock_order(sql: sa.Connection, booklet_id: UUID) -> None:
    """One at a time may number the booklets of an upload anew, and nobody else holds one of them meanwhile.

    Taken before any booklet's lock: renumbering touches its neighbours. They are locked here in the order of their
    ids, as everybody locks booklets: who held one and wanted another would wait in a circle.
    """
    upload = sa.select(booklets.c.upload_id).where(booklets.c.id == booklet_id).scalar_subquery()
    sql.execute(sa.select(uploads.c.id).where(uploads.c.id == upload).with_for_update(key_share=True))
    neighbours = sa.select(booklets.c.id).where(booklets.c.upload_id == upload).order_by(booklets.c.id)
    sql.execute(neighbours.with_for_update())


def insert_after(sql: sa.Connection, neighbour: UUID, new_id: UUID) -> None:
    """A new, still empty booklet behind ``neighbour`` in the same upload; the ones behind move on by one.

    The caller holds ``lock_order``.
    """
    beside = sql.execute(sa.select(booklets).where(booklets.c.id == neighbour)).one()
    sql.execute(
        sa.update(booklets)
        .where(booklets.c.upload_id == beside.upload_id, booklets.c.place > beside.place)
        .values(place=booklets.c.place + 1)
    )
    sql.execute(
        sa.insert(booklets).values(
            id=new_id,
            exam_id=beside.exam_id,
            upload_id=beside.upload_id,
            place=beside.place + 1,
            first_side=beside.first_side,
        )
    )


# Assembling


def open_booklets(sql: sa.Connection, exam_id: UUID) -> tuple[list[UUID], list[UUID]]:
    """Booklets of an exam still in staging, in the order of the piles: the certain ones and the doubtful ones."""
    rows = sql.execute(
        sa.select(booklets.c.id, _OPEN.label("doubtful"))
        .where(
            booklets.c.exam_id == exam_id, booklets.c.copy_id.is_(None), booklets.c.set_aside.is_(sa.false()), _FILLED
        )
        .order_by(booklets.c.upload_id, booklets.c.place)
    ).all()
    return [row.id for row in rows if not row.doubtful], [row.id for row in rows if row.doubtful]


def copies_of(sql: sa.Connection, exam_id: UUID) -> list[tuple[UUID, UUID]]:
    """(booklet, copy) of all that was assembled, in the order of the piles."""
    rows = sql.execute(
        sa.select(booklets.c.id, booklets.c.copy_id)
        .where(booklets.c.exam_id == exam_id, booklets.c.copy_id.is_not(None))
        .order_by(booklets.c.upload_id, booklets.c.place)
    )
    return [(row.id, row.copy_id) for row in rows]


def page_rows(sql: sa.Connection, ids: Sequence[UUID]) -> dict[UUID, sa.Row[Any]]:
    """Pages by id, with their upload's ``object``."""
    rows = sql.execute(
        sa.select(pages, uploads.c.object.label("upload_object"))
        .join(uploads, uploads.c.id == pages.c.upload_id)
        .where(pages.c.id.in_(ids))
    )
    return {row.id: row for row in rows}


def freeze(sql: sa.Connection, ids: Sequence[UUID], paper: CopyAssembled, added: Sequence[Page], *, by: UUID) -> None:
    """Write the assembly, or its next revision with the pages ``added``, and tie these booklets, locked and unchanged,
    to it.

    Raises:
        PaperChanged: the copy is not at the revision before.
    """
    images = [page.model_dump(mode="json", include={"images", "masked", "header_image"}) for page in added]
    frozen = {"manifest": paper.manifest.model_dump(), "pages": images}
    written = {
        "revision": paper.revision,
        "manifest": paper.manifest.model_dump(),
        "frozen": assemblies.c.frozen.concat(sa.cast([frozen], JSONB)) if paper.revision > 1 else [frozen],
        "page_count": paper.page_count,
        "assembled_by": by,
        "assembled_at": sa.func.now(),
    }
    if paper.revision == 1:
        sql.execute(sa.insert(assemblies).values(copy_id=paper.copy_id, exam_id=paper.exam_id, **written))
    else:
        before = sa.and_(assemblies.c.copy_id == paper.copy_id, assemblies.c.revision == paper.revision - 1)
        if sql.execute(sa.update(assemblies).where(before).values(**written)).rowcount == 0:
            raise PaperChanged(revision=paper.revision - 1)
    for each in ids:
        _change(sql, each, copy_id=paper.copy_id)
    settle_doubts(sql, ids, by)


def paper_of(sql: sa.Connection, copy_id: UUID) -> sa.Row[Any]:
    """The assembly of a copy.

    Raises:
        NotFound: no such copy.
    """
    found = sql.execute(sa.select(assemblies).where(assemblies.c.copy_id == copy_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


# Views


def view(sql: sa.Connection, booklet_id: UUID) -> BookletView:
    """Raises: NotFound."""
    found = views(sql, [booklet_id])
    if not found:
        raise NotFound
    return found[0]


def views(sql: sa.Connection, ids: Sequence[UUID]) -> list[BookletView]:
    """Those of them that have pages, in the order of the piles."""
    return _views(sql, sa.select(booklets).where(booklets.c.id.in_(ids), _FILLED))


def list_booklets(sql: sa.Connection, exam_id: UUID, limit: int, cursor: str | None) -> Booklets:
    """In the order of the piles: upload by upload, booklet by booklet."""
    query = sa.select(booklets).where(booklets.c.exam_id == exam_id, _FILLED)
    total = sql.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    if cursor is not None:
        upload, position = from_cursor(cursor, 2)
        if not position.isdecimal() or int(position) >= 1 << 31:
            raise BadCursor
        key = sa.tuple_(booklets.c.upload_id, booklets.c.place)
        query = query.where(key > sa.tuple_(sa.literal(as_uuid(upload), sa.Uuid), sa.literal(int(position))))
    size = page_size(limit)
    found = _views(sql, query.limit(size + 1))
    more = to_cursor(found[size - 1].upload_id, found[size - 1].position) if len(found) > size else None
    return Booklets(items=tuple(found[:size]), next=more, total=total)


def _views(sql: sa.Connection, query: sa.Select[Any]) -> list[BookletView]:
    rows = sql.execute(query.order_by(booklets.c.upload_id, booklets.c.place)).all()
    ids = [row.id for row in rows]
    shown: dict[UUID, list[StagedPageView]] = {each: [] for each in ids}
    for page in sql.execute(
        sa.select(pages).where(pages.c.booklet_id.in_(ids)).order_by(pages.c.booklet_id, pages.c.place)
    ):
        shown[page.booklet_id].append(_page_view(page))
    doubts: dict[UUID, dict[str, None]] = {each: {} for each in ids}
    for each in sql.execute(
        sa.select(anomalies.c.booklet_id, anomalies.c.code)
        .where(anomalies.c.booklet_id.in_(ids), anomalies.c.settled_at.is_(None))
        .order_by(anomalies.c.id)
    ):
        doubts[each.booklet_id][each.code] = None
    return [
        BookletView(
            id=row.id,
            exam_id=row.exam_id,
            upload_id=row.upload_id,
            position=row.place,
            first_side=row.first_side,
            doubts=tuple(doubts[row.id]),
            copy_id=row.copy_id,
            set_aside=row.set_aside,
            version=row.version,
            pages=tuple(shown[row.id]),
            confidence=row.confidence,
        )
        for row in rows
    ]


def _page_view(row: sa.Row[Any]) -> StagedPageView:
    images = PageImages.model_validate(row.images)
    return StagedPageView(
        id=row.id,
        page_no=row.place,
        side_no=row.side_no,
        half=row.half,
        blank=row.blank,
        has_header=row.header is not None,
        turn_deg=row.hand_turn_deg,
        dropped=row.dropped,
        screen=images.screen,
        thumb=images.thumb,
    )

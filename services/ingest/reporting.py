"""Reading all the paper of an exam for its scan acceptance report: the same few queries however much there is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.records.pages import PageImages
from contracts.rpc.ingest import (
    ExamPaper,
    PageCount,
    PaperOfExams,
    PaperWanted,
    ScanFinding,
    ScanReport,
    WantScanReport,
)
from services.ingest import report
from services.ingest.context import Context
from services.ingest.paging import from_cursor, page_size, to_cursor
from services.ingest.store import is_repeated
from services.ingest.tables import anomalies, booklets, pages, uploads


def scan_report(context: Context, request: WantScanReport) -> ScanReport:
    """The findings after a cursor, and what was counted. The whole report is made anew each time: paper moves."""
    expected = report.Expected(request.expected_copies, request.sheets_per_copy)
    size = page_size(request.limit)
    after = tuple(from_cursor(request.cursor, 5)) if request.cursor is not None else None
    with context.db.reading() as sql:
        scans = _uploads(sql, request.exam_id)
        paper = _pages(sql, request.exam_id)
        groups = _booklets(sql, request.exam_id)
        found = report.findings(scans, paper, groups, expected)
        left = [each for each in found if after is None or each.key > after]
        items = _shown(sql, left[:size])
    counted = Counter(each.severity for each in found)
    conserved = report.conservation(scans, paper, groups)
    return ScanReport(
        pages=PageCount(**vars(conserved), holds=conserved.holds),
        uploads=len(scans),
        copies=len({group.copy_id for group in groups if group.copy_id}),
        booklets=sum(group.copy_id is None and not group.set_aside for group in groups),
        errors=counted["error"],
        warnings=counted["warning"],
        infos=counted["info"],
        items=items,
        next=to_cursor(*left[size - 1].key) if len(left) > size else None,
        total=len(found),
    )


def paper_of_exams(context: Context, request: PaperWanted) -> PaperOfExams:
    """How far the paper of some exams is: two queries for any number."""
    of_exam = uploads.c.exam_id.in_(request.exam_ids)
    reading = sa.func.count().filter(uploads.c.status == "splitting").label("reading")
    sent = sa.select(uploads.c.exam_id, sa.func.count().label("uploads"), reading).where(of_exam)
    has_pages = sa.exists().where(pages.c.booklet_id == booklets.c.id)
    in_doubt = sa.exists().where(anomalies.c.booklet_id == booklets.c.id, anomalies.c.settled_at.is_(None))
    waiting = (
        sa.select(
            booklets.c.exam_id,
            sa.func.count().label("staged"),
            sa.func.count().filter(in_doubt).label("doubtful"),
        )
        .where(booklets.c.exam_id.in_(request.exam_ids), booklets.c.copy_id.is_(None), ~booklets.c.set_aside, has_pages)
        .group_by(booklets.c.exam_id)
    )
    with context.db.reading() as sql:
        staged = {row.exam_id: row for row in sql.execute(waiting)}
        rows = sql.execute(sent.group_by(uploads.c.exam_id)).all()
    return PaperOfExams(
        items=tuple(
            ExamPaper(
                exam_id=row.exam_id,
                uploads=row.uploads,
                reading=row.reading,
                staged=staged[row.exam_id].staged if row.exam_id in staged else 0,
                doubtful=staged[row.exam_id].doubtful if row.exam_id in staged else 0,
            )
            for row in rows
        )
    )


def _uploads(sql: sa.Connection, exam_id: UUID) -> list[report.Upload]:
    doubts: dict[UUID, list[str]] = defaultdict(list)
    about_all = (anomalies.c.booklet_id.is_(None), anomalies.c.side_no.is_(None), anomalies.c.settled_at.is_(None))
    for row in sql.execute(
        sa.select(anomalies.c.upload_id, anomalies.c.code)
        .join(uploads, uploads.c.id == anomalies.c.upload_id)
        .where(uploads.c.exam_id == exam_id, *about_all)
        .order_by(anomalies.c.id)
    ):
        doubts[row.upload_id].append(row.code)
    columns = (uploads.c.id, uploads.c.status, uploads.c.sides, uploads.c.sides_done, uploads.c.pages)
    wanted = sa.select(*columns).where(uploads.c.exam_id == exam_id, ~is_repeated())
    rows = sql.execute(wanted)
    return [report.Upload(*row, tuple(doubts[row.id])) for row in rows]


def _pages(sql: sa.Connection, exam_id: UUID) -> list[report.Page]:
    columns = [pages.c[name] for name in report.Page.__dataclass_fields__]
    of_exam = sa.select(*columns).join(uploads, uploads.c.id == pages.c.upload_id).where(uploads.c.exam_id == exam_id)
    return [report.Page(*row) for row in sql.execute(of_exam)]


def _booklets(sql: sa.Connection, exam_id: UUID) -> list[report.Booklet]:
    """Those that have pages."""
    doubts: dict[UUID, list[tuple[str, int | None]]] = defaultdict(list)
    of_exam = sa.and_(booklets.c.exam_id == exam_id, sa.exists().where(pages.c.booklet_id == booklets.c.id))
    for row in sql.execute(
        sa.select(anomalies.c.booklet_id, anomalies.c.code, anomalies.c.side_no)
        .join(booklets, booklets.c.id == anomalies.c.booklet_id)
        .where(of_exam, anomalies.c.settled_at.is_(None))
        .order_by(anomalies.c.id)
    ):
        doubts[row.booklet_id].append((row.code, row.side_no))
    columns = (booklets.c.id, booklets.c.upload_id, booklets.c.first_side, booklets.c.copy_id, booklets.c.set_aside)
    rows = sql.execute(sa.select(*columns).where(of_exam).order_by(booklets.c.upload_id, booklets.c.place))
    return [report.Booklet(*row, tuple(doubts[row.id])) for row in rows]


def _shown(sql: sa.Connection, found: Sequence[report.Finding]) -> tuple[ScanFinding, ...]:
    looked_at = sa.select(pages.c.id, pages.c.place, pages.c.images).where(pages.c.id.in_(_ids(found, "page_id")))
    seen = {row.id: row for row in sql.execute(looked_at)}
    named = sa.select(uploads.c.id, uploads.c.filename).where(uploads.c.id.in_(_ids(found, "upload_id")))
    names: dict[UUID, str] = {row.id: row.filename for row in sql.execute(named)}
    return tuple(
        ScanFinding(
            **vars(each),
            filename=names.get(each.upload_id) if each.upload_id else None,
            page_no=seen[each.page_id].place if each.page_id else None,
            image=PageImages.model_validate(seen[each.page_id].images).screen if each.page_id else None,
        )
        for each in found
    )


def _ids(found: Sequence[report.Finding], name: str) -> set[Any]:
    return {getattr(each, name) for each in found} - {None}

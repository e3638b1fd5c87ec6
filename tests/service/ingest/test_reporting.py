"""The scan acceptance report of a real pile, page by page of the report."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from contracts.errors.ingest import BadCursor
from contracts.rpc.ingest import (
    AssembleCertain,
    AssembleCopy,
    ConfirmUpload,
    PageEdit,
    PaperWanted,
    ScanFinding,
    ScanReport,
    WantScanReport,
)
from services.ingest import assembling, reporting, store, usecases
from services.ingest.store import metadata
from tests.scans.paper import a4_pile
from tests.service.ingest.conftest import OPERATOR, Ingest
from tests.service.ingest.test_staging import arrange, insert, set_aside

pages = metadata.tables["pages"]


def report(ingest: Ingest, **asked: Any) -> ScanReport:
    return reporting.scan_report(ingest.context, WantScanReport(exam_id=ingest.exam_id, **asked))


def measured(ingest: Ingest, side_no: int, **features: Any) -> None:
    with ingest.context.db.transaction() as uow:
        uow.sql.execute(sa.update(pages).where(pages.c.side_no == side_no).values(features=features))


def test_the_report_says_what_is_wrong_and_shows_the_page(ingest: Ingest) -> None:
    upload = ingest.ready(a4_pile(2, pages=2), "a4", 2)
    measured(ingest, 4, clipped=["left", "top"])
    second = ingest.booklets()[1]
    told = report(ingest, expected_copies=3, sheets_per_copy=1)
    exam, side = told.items
    assert (exam.code, exam.details, exam.upload_id, exam.image) == (
        "copies_missing", {"copies": 2, "expected": 3}, None, None,
    )  # fmt: skip
    assert (side.code, side.side_no, side.page_no, side.details) == ("page_clipped", 4, 2, {"edges": ["left", "top"]})
    assert (side.upload_id, side.filename, side.booklet_id) == (upload.id, "scan.pdf", second.id)
    assert (side.page_id, side.image) == (second.pages[1].id, second.pages[1].screen)
    assert (told.errors, told.warnings, told.infos, told.total, told.uploads, told.booklets) == (2, 0, 0, 2, 1, 2)


def test_what_is_doubtful_about_a_file_is_said_until_it_is_confirmed(ingest: Ingest) -> None:
    upload = ingest.ready(a4_pile(2, pages=2), "a4", 2)
    with ingest.context.db.transaction() as uow:
        store.add_doubts(uow.sql, upload.id, [{"code": "file_repaired", "side_no": None}])
        store.share_doubts(uow.sql, upload.id)
    assert [(each.code, each.upload_id, each.booklet_id) for each in report(ingest).items] == [
        ("file_repaired", upload.id, None)
    ]
    usecases.confirm_upload(ingest.context, ConfirmUpload(upload_id=upload.id, by=OPERATOR))
    assert report(ingest).items == ()


def test_pages_stay_accounted_for_wherever_they_go(ingest: Ingest) -> None:
    ingest.ready(a4_pile(3, pages=2), "a4", 2)
    one, two, three = ingest.booklets()
    set_aside(ingest, three)
    into, _ = insert(ingest, one, two, two.pages[1].id)
    arrange(ingest, into, [PageEdit(id=page.id, dropped=page.page_no == 3) for page in into.pages])
    assembling.assemble_certain(ingest.context, AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR))
    counted = report(ingest).pages
    assert counted.model_dump() == {
        "originals": 6, "in_copies": 3, "in_staging": 0, "set_aside": 2, "dropped": 1, "holds": True,
    }  # fmt: skip
    assert report(ingest).copies == 2


def test_a_lost_page_is_said(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    with ingest.context.db.transaction() as uow:
        uow.sql.execute(sa.delete(pages).where(pages.c.side_no == 2))
    counted = report(ingest).pages
    assert (counted.originals, counted.in_staging, counted.holds) == (2, 1, False)


def test_a_long_report_is_read_page_by_page_and_with_the_same_few_queries(ingest: Ingest) -> None:
    ingest.ready(a4_pile(4, pages=2), "a4", 2)
    with ingest.context.db.transaction() as uow:
        uow.sql.execute(sa.update(pages).values(features={"blur": 0.9, "skew_deg": 7.0}))
    whole = report(ingest, limit=200)
    assert (whole.total, whole.errors, whole.warnings, whole.next) == (16, 8, 8, None)
    seen: list[ScanFinding] = []
    cursor = None
    while True:
        part = report(ingest, limit=5, cursor=cursor)
        seen += part.items
        cursor = part.next
        if cursor is None:
            break
    assert tuple(seen) == whole.items
    with pytest.raises(BadCursor):
        report(ingest, cursor="WyJhIl0")


def test_the_paper_of_many_exams_is_counted_at_once(ingest: Ingest) -> None:
    ingest.ready(a4_pile(3, pages=2), "a4", 2)
    first, second, _ = ingest.booklets()
    set_aside(ingest, first)
    assembling.assemble_copy(
        ingest.context, AssembleCopy(exam_id=ingest.exam_id, booklet_ids=(second.id,), by=OPERATOR)
    )
    wanted = PaperWanted(exam_ids=(ingest.exam_id, uuid4()))
    (paper,) = reporting.paper_of_exams(ingest.context, wanted).items
    assert paper.exam_id == ingest.exam_id
    assert (paper.uploads, paper.reading, paper.staged) == (1, 0, 1)

"""What the headers of an exam's sheets look like, and asking for them to be read."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa

from chassis import observe
from chassis.db import UnitOfWork
from contracts.errors.grading import CopyOfOtherExam, ExamPublished, NotFound
from contracts.errors.grading_exams import SampleWithoutHeader
from contracts.messages.ocr import ExtractText
from contracts.objects import ImageRef
from contracts.records.sheet import SheetModel
from contracts.rpc.grading.copies import ExamQuery, PutSheetModel, SheetModelView
from services.grading.context import Context
from services.grading.domain.audit import sha256
from services.grading.store import audit, copies, exams, identity, sheets

log = observe.logger("grading.sheets")


def get_sheet_model(app: Context, request: ExamQuery) -> SheetModelView:
    """Raises NotFound also when nobody drew one: fields are found by what is printed then."""
    with app.db.reading() as sql:
        exams.find(sql, request.exam_id, request.by)
        if not copies.sees_candidates(request.by):
            raise NotFound
        return _view(sql, request.exam_id)


def put_sheet_model(app: Context, request: PutSheetModel) -> SheetModelView:
    """Say where the fields stand. Every header whose copy no person identified is read again; the same again: none.

    Raises:
        ExamDeleted, ExamPublished.
        CopyOfOtherExam, SampleWithoutHeader: the sample cannot be used.
    """
    with app.db.transaction() as uow:
        exam_id = _hold(uow, request)
        sample = copies.find(uow.sql, request.sample_copy_id, request.by)
        if sample.exam_id != exam_id:
            raise CopyOfOtherExam
        header = identity.reading(uow.sql, sample.id).header
        if header is None:
            raise SampleWithoutHeader
        model = SheetModel(sample=ImageRef.model_validate(header), zones=request.zones)
        if sheets.model(uow.sql, exam_id) != model:
            stored = model.model_dump(mode="json")
            sheets.keep(uow, exam_id, {"sample_copy_id": sample.id, **stored, "updated_by": request.by.id})
            details = {"sample_copy_id": str(sample.id), "sha256": sha256(stored)}
            audit.append(uow, audit.Entry("PUT_SHEET_MODEL", request.by, exam_id, details=details))
            asked = read_again(uow, identity.undecided(uow.sql, exam_id))
            log.info("sheet_model_stored", exam_id=exam_id, zones=len(request.zones), asked=asked)
        return _view(uow.sql, exam_id)


def remove_sheet_model(app: Context, request: ExamQuery) -> None:
    """Go back to finding the fields by what is printed; headers are read again as when one is stored."""
    with app.db.transaction() as uow:
        exam_id = _hold(uow, request)
        if sheets.remove(uow, exam_id):
            audit.append(uow, audit.Entry("REMOVE_SHEET_MODEL", request.by, exam_id))
            asked = read_again(uow, identity.undecided(uow.sql, exam_id))
            log.info("sheet_model_removed", exam_id=exam_id, asked=asked)


def read_again(uow: UnitOfWork, copy_ids: Iterable[UUID]) -> int:
    """Forget what was read of these copies and ask once more; how many have a header to read."""
    asked = 0
    for copy_id in copy_ids:
        copy = copies.hold_any(uow, copy_id)
        header = None if copy is None else identity.reading(uow.sql, copy_id).header
        if copy is not None and header is not None:
            copies.expect_reading(uow, copy_id, copy.paper_revision, None)
            ask_for_reading(uow, copy.exam_id, copy_id, copy.paper_revision, ImageRef.model_validate(header))
            asked += 1
    return asked


def ask_for_reading(uow: UnitOfWork, exam_id: UUID, copy_id: UUID, paper_revision: int, header: ImageRef) -> None:
    sheet = sheets.model(uow.sql, exam_id)
    command = ExtractText(copy_id=copy_id, revision=paper_revision, image=header, sheet=sheet)
    uow.send(command, subject=str(copy_id))


def _hold(uow: UnitOfWork, request: ExamQuery | PutSheetModel) -> UUID:
    exam = exams.hold(uow, request.exam_id, request.by)
    if exam.published_at is not None:
        raise ExamPublished
    return request.exam_id


def _view(sql: sa.Connection, exam_id: UUID) -> SheetModelView:
    row = sheets.find(sql, exam_id)
    if row is None:
        raise NotFound
    return SheetModelView(
        exam_id=exam_id,
        sample_copy_id=row.sample_copy_id,
        sample=ImageRef.model_validate(row.sample),
        zones=row.zones,
    )

"""All final documents of an exam as one zip: grading says which and under what names, render makes it."""

from __future__ import annotations

from chassis import observe
from chassis.db import Transaction
from chassis.ids import uuid7
from contracts.errors.grading import NotFound
from contracts.errors.grading_exams import NothingToExport
from contracts.messages.render import BuildExport, ExportSettled
from contracts.model import Role
from contracts.objects import ObjectRef
from contracts.records.export import ExportEntry, ExportManifest
from contracts.rpc.grading.results import ExportStarted, StartExport
from services.grading.context import Context
from services.grading.domain.result_files import document_name
from services.grading.store import audit, copies, exams, exports

log = observe.logger("grading.exports")


def start_export(app: Context, request: StartExport) -> ExportStarted:
    """Ask for the zip; asked again under the same name, nothing more happens. The exam's trail says who asked.

    Raises:
        NotFound: also for everybody but administrators.
        NothingToExport: no copy is graded.
    """
    if request.by.role is not Role.ADMIN:
        raise NotFound
    export_id = request.once or uuid7()
    with app.db.reading() as sql:
        if exams.find(sql, request.exam_id, request.by).deleted_at is not None:
            raise NotFound
        rows = exports.documents(sql, request.exam_id)
    if not rows:
        raise NothingToExport
    entries = tuple(
        ExportEntry(
            copy_id=row.id,
            anonymous_id=row.anonymous_id,
            name=document_name(row.class_name, row.last_name, row.first_name, row.anonymous_id),
            document=ObjectRef.model_validate(row.document),
        )
        for row in rows
    )
    manifest = ExportManifest(export_id=export_id, exam_id=request.exam_id, entries=entries)
    stored = app.objects.put_json("manifests", manifest)
    with app.db.transaction() as uow:
        exams.hold(uow, request.exam_id, request.by)
        before = exports.started(uow.sql, request.exam_id, export_id)
        if before is not None:
            return ExportStarted(export_id=export_id, copies=before)
        command = BuildExport(export_id=export_id, exam_id=request.exam_id, manifest=stored, copies=len(entries))
        uow.send(command, subject=str(export_id))
        details = {"export_id": str(export_id), "copies": len(entries)}
        audit.append(uow, audit.Entry("EXPORT", request.by, request.exam_id, details=details))
    log.info("export_started", exam_id=request.exam_id, export_id=export_id, copies=len(entries))
    return ExportStarted(export_id=export_id, copies=len(entries))


def export_settled(payload: ExportSettled, transaction: Transaction) -> None:
    """The exam's trail says what came of it."""
    with transaction() as uow:
        copies.hold_exam(uow, payload.exam_id)
        details = payload.model_dump(mode="json", exclude={"exam_id"})
        audit.append(uow, audit.Entry("EXPORT_SETTLED", None, payload.exam_id, details=details))

"""The roster: who sits an exam, from the file a school exports."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from chassis import observe
from contracts.errors.grading import ExamPublished, NotFound
from contracts.errors.grading_exams import ExamDeleted, RosterHasErrors, RosterTooLarge
from contracts.rpc.grading.exams import (
    BadRows,
    FindBadRows,
    ImportRoster,
    LookAtRoster,
    ReadRoster,
    RosterColumn,
    RosterLook,
    RosterReport,
    RowError,
    SkippedRow,
)
from services.grading.context import Context
from services.grading.domain import roster, roster_columns, roster_errors, roster_file
from services.grading.store import audit, candidates, exams, identity, printed
from services.grading.store.copies import sees_candidates

log = observe.logger("grading.roster")

LOOKED_AT = 6  # rows; enough to see which column is which


def import_roster(app: Context, request: ImportRoster) -> RosterReport:
    """Bring the exam's roster up to the file: all rows or, when one has an error, none. Nobody is ever removed.

    The same file again changes nothing. A dry run gives the report, errors included, and writes nothing. ``partial``:
    the rows without errors all the same.

    Raises:
        RosterNotCsv, RosterTooLarge, RosterQuoteOpen: nothing could be read.
        RosterColumnsUnknown, RosterColumnMissing, RosterColumnTwice: nobody knows which column is which.
        RosterHasErrors: rows are wrong and this is no dry run; the details carry the whole report.
        ExamDeleted, ExamPublished.
    """
    file = _read(app, request)
    with app.db.transaction() as uow:
        exam = exams.hold(uow, request.exam_id, request.by)
        plan = roster.plan(file, candidates.people(uow.sql, exam.id), today=uow.now().date())
        report = _report(plan, request.dry_run)
        if request.dry_run:
            return report
        if plan.errors and not request.partial:
            raise RosterHasErrors(report=report.model_dump(mode="json"))
        if exam.published_at is not None:
            raise ExamPublished
        candidates.change(uow, plan.updated)
        candidates.add(uow, exam.id, plan.created)
        if plan.created or plan.updated:
            counts = {"created": report.created, "updated": report.updated, "unchanged": report.unchanged}
            details = {"file": request.file.sha256, **counts}
            audit.append(uow, audit.Entry("IMPORT_ROSTER", request.by, exam.id, details=details))
            identity.expect_matching(uow, exam.id)
            printed.roster_changed(uow, exam.id)
    log.info("roster_imported", exam_id=exam.id, created=report.created, updated=report.updated)
    return report


def look_at_roster(app: Context, request: LookAtRoster) -> RosterLook:
    """What an import would take for what, before anybody imports. Raises RosterNotCsv, RosterTooLarge, RosterQuoteOpen.

    Columns that the mapping names and the file has not are left out, so that they can be chosen again.
    """
    data, layout = _received(app, request)
    found = roster_file.table(data, layout)
    below = found.rows[found.header_at + 1 :]
    return RosterLook(
        header=tuple(found.header),
        columns=tuple(
            RosterColumn.model_validate({"field": field, "header": found.header[at]})
            for field, at in layout.guess(found.header).items()
        ),
        rows=tuple(tuple(cells) for _, cells in below if any(cells))[:LOOKED_AT],
        records=sum(any(cells) for _, cells in below),
    )


def find_bad_rows(app: Context, request: FindBadRows) -> BadRows:
    """What an import would refuse, as a file to correct. No row names it: the garbage collector takes it in a week.

    Raises:
        As import_roster, but for the exam's state.
    """
    file = _read(app, request)
    with app.db.reading() as sql:
        known = candidates.people(sql, request.exam_id)
    plan = roster.plan(file, known, today=dt.datetime.now(dt.UTC).date())
    data = roster_errors.bad_rows_csv(file, plan.errors, request.language)
    return BadRows(file=app.objects.put("rosters", data, "text/csv; charset=utf-8"))


def _read(app: Context, request: ReadRoster) -> roster_file.RosterFile:
    return roster_file.read(*_received(app, request))


def _received(app: Context, request: ReadRoster) -> tuple[bytes, roster_columns.Layout]:
    if not sees_candidates(request.by):
        raise NotFound
    with app.db.reading() as sql:
        if exams.find(sql, request.exam_id, request.by).deleted_at is not None:
            raise ExamDeleted
    if request.file.size > roster_file.MAX_BYTES:
        raise RosterTooLarge(max_rows=roster_file.MAX_ROWS, max_bytes=roster_file.MAX_BYTES)
    layout = roster_columns.Layout(request.preset, {str(field): header for field, header in request.mapping.items()})
    return app.objects.get(request.file), layout


def _report(plan: roster.Plan[UUID], dry_run: bool) -> RosterReport:
    return RosterReport(
        dry_run=dry_run,
        created=len(plan.created),
        updated=len(plan.updated),
        unchanged=len(plan.unchanged),
        skipped=tuple(SkippedRow(row=each.row, reason=each.reason) for each in plan.skipped),
        errors=tuple(
            RowError(row=each.row, field=each.field, value=each.value, reason=each.reason) for each in plan.errors
        ),
    )

"""From a marked copy to its final document: two short transactions around the slow work, which render does."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis import metrics, observe
from chassis.db import Transaction, UnitOfWork
from contracts.errors.grading import (
    LockLost,
    NotFinal,
    NotFound,
    NotYours,
    VersionConflict,
)
from contracts.messages.grading import CopyGraded, CopyGradingFailed
from contracts.messages.render import ComposeDocument, DocumentComposed
from contracts.model import Actor, Role
from contracts.objects import ObjectRef
from contracts.records.marking import MarkingRecord
from contracts.rpc import AskedAgain, LookForStuck
from contracts.rpc.grading.copies import CopyStatus, Finalise, FinaliseStarted, OneCopy
from contracts.rpc.grading.exams import Document
from services.grading.context import Context
from services.grading.domain.audit import sha256
from services.grading.domain.copies import FINALISED, Copy, Move, Outcome, Status, delay_before_next_try
from services.grading.domain.marking import Snapshot, marking_record
from services.grading.domain.results import points
from services.grading.store import audit, copies, locks, marking, tables

log = observe.logger("grading.finalise")

_clock = sa.func.clock_timestamp()
_SNAPSHOTS = 3
"""The record is written before the transaction; somebody may change the marking or the scheme between the two."""


def finalise(app: Context, request: Finalise) -> FinaliseStarted:
    """Freeze the marking and ask for the final document; any number of calls start one.

    A copy that is being finalised or is graded gives the same answer again. GRADING_FAILED is tried again by its
    owner or an administrator, without a lock, from the record frozen before.

    Raises:
        LockRequired, LockLost: only the lock's holder finalises.
        ItemsUnscored, NoScheme, ScoreOutOfRange, ScoreOffStep, PageOutOfRange: the marking is not complete.
        VersionConflict: the marking changed every time we looked.
    """
    for _ in range(_SNAPSHOTS):
        with app.db.reading() as sql:
            copy = copies.find(sql, request.copy_id, request.by)
            if copy.status in {Status.GRADED, Status.GRADING_IN_PROGRESS}:
                return _started(copy)
            snapshot = None if copy.status is Status.GRADING_FAILED else _snapshot(sql, copy, request)
        if snapshot is None:
            started = _ask_again(app, request)
        else:
            record = marking_record(snapshot)
            ref = app.objects.put_json("records", record)  # object first: a crash leaves an orphan, not a lie
            started = _freeze(app, request, snapshot, record, ref)
        if started is not None:
            return started
    raise VersionConflict(version=copy.version, current=None)


def _snapshot(sql: sa.Connection, copy: Copy, request: Finalise) -> Snapshot | None:
    """The edition is read first: if it still holds in the transaction, so does all that was read after it.

    ``None`` when another call finalised the copy since it was read: the lock is gone, and nobody lost it.
    """
    try:
        locks.required(sql, copy.id, request.token, request.by)
    except LockLost:
        if copies.find(sql, copy.id, request.by).status not in FINALISED:
            raise
        return None
    edition = marking.edition(sql, copy.id)
    return Snapshot(
        copy=copy,
        rules=marking.rules(sql, copy.exam_id),
        pages=copies.pages(sql, copy.id),
        marks=marking.marks(sql, copy.id),
        annotations=tuple(marking.recorded(view) for view in marking.standing(sql, copy.id)),
        read_at=sql.execute(sa.select(_clock)).scalar_one(),
        edition=edition,
    )


def _freeze(
    app: Context, request: Finalise, snapshot: Snapshot, record: MarkingRecord, ref: ObjectRef
) -> FinaliseStarted | None:
    """Transaction 1. ``None`` when the copy is no longer what the record says."""
    with app.db.transaction() as uow:
        copies.share_exam(uow, snapshot.copy.exam_id)  # holds the scheme still
        copy = copies.hold(uow, request.copy_id, request.by)
        if copy.status is not Status.LOCKED:
            return None
        lease = locks.required(uow.sql, copy.id, request.token, request.by)
        if marking.edition(uow.sql, copy.id) != snapshot.edition:
            return None
        locks.remove(uow, copy.id)
        frozen = {"record": ref.model_dump(mode="json"), "record_total": record.total, "tries": 0}
        moved = _attempt(uow, copy, Move.FINALISE, **frozen)
        if moved is None:
            return None
        details = {
            "record": ref.sha256,
            "record_ref": ref.model_dump(mode="json"),
            "total": points(record.total),
            "scheme_version": record.scheme_version,
            "fence": lease.fence,
        }
        _audit(uow, Move.FINALISE, moved, request.by, details)
        _ask(uow, moved, ref)
    log.info("copy_finalised", copy_id=moved.id, revision=moved.revision, items=len(record.items))
    return _started(moved)


def _ask_again(app: Context, request: Finalise) -> FinaliseStarted | None:
    """A person tries a failed copy again; ``None`` when it is not GRADING_FAILED, or no longer."""
    with app.db.transaction() as uow:
        copy = copies.hold(uow, request.copy_id, request.by)
        if copy.status is not Status.GRADING_FAILED:
            return None
        if request.by.role is not Role.ADMIN and request.by.id != copy.owner_id:
            raise NotYours
        moved = _attempt(uow, copy, Move.FINALISE, tries=0)
        if moved is None:
            return None
        ref = copies.record_of(uow.sql, copy.id)
        _audit(uow, Move.FINALISE, moved, request.by, {"record": ref.sha256, "again": True})
        _ask(uow, moved, ref)
    return _started(moved)


def document_composed(payload: DocumentComposed, transaction: Transaction) -> None:
    """Transaction 2. Only the answer to the attempt now under way counts; any other is void."""
    outcome = Outcome(payload.outcome)
    with transaction() as uow:
        copy = copies.hold_any(uow, payload.copy_id)
        current = copy is not None and (copy.status, copy.revision, copy.attempt) == (
            Status.GRADING_IN_PROGRESS,
            payload.revision,
            payload.attempt,
        )
        if copy is None or not current:
            log.info("late_document_ignored", copy_id=payload.copy_id, revision=payload.revision)
            return
        if outcome is Outcome.DONE:
            _grade(uow, copy, payload)
        else:
            _try_again_or_fail(uow, copy, outcome, payload.reason)
    if outcome is Outcome.DONE:
        metrics.COPIES_GRADED.inc()


def _grade(uow: UnitOfWork, copy: Copy, payload: DocumentComposed) -> None:
    document = payload.document
    if document is None:
        raise ValueError("render says done without a document")
    graded = copies.move(
        uow,
        copy.id,
        Move.GRADE,
        tables.copies.c.revision == payload.revision,
        tables.copies.c.attempt == payload.attempt,
        final_key=document.key,
        final_sha256=document.sha256,
        final_size=document.size,
        total=tables.copies.c.record_total,
        graded_at=_clock,
    )
    if graded is None or graded.total is None or graded.graded_at is None:
        raise RuntimeError("a copy changed while its row was held")
    copies.keep_result(uow, graded, document)
    details = {
        "document": document.sha256,
        "document_ref": document.model_dump(mode="json"),
        "total": points(graded.total),
        "graded_at": graded.graded_at.isoformat(),
    }
    _audit(uow, Move.GRADE, graded, None, details)
    event = CopyGraded(copy_id=graded.id, exam_id=graded.exam_id, revision=graded.revision, graded_at=graded.graded_at)
    uow.send(event, subject=str(graded.id))
    log.info("copy_graded", copy_id=graded.id, revision=graded.revision, attempt=graded.attempt)


def _try_again_or_fail(uow: UnitOfWork, copy: Copy, outcome: Outcome, reason: str | None) -> None:
    tries = copy.tries + 1
    delay_s = delay_before_next_try(outcome, tries)
    if delay_s is not None:
        moved = _attempt(uow, copy, Move.TRY_AGAIN, tries=tries)
        if moved is None:
            raise RuntimeError("a copy changed while its row was held")
        _audit(uow, Move.TRY_AGAIN, moved, None, {"after": outcome, "delay_s": delay_s})
        _ask(uow, moved, copies.record_of(uow.sql, copy.id), delay_s=delay_s)
        log.warning("document_tried_again", copy_id=copy.id, attempt=moved.attempt, outcome=outcome)
        return
    message = (reason or "").strip()[: tables.ERROR_MESSAGE_MAX] or outcome.value
    failed = copies.move(
        uow,
        copy.id,
        Move.FAIL,
        tables.copies.c.revision == copy.revision,
        tables.copies.c.attempt == copy.attempt,
        tries=tries,
        error_code=outcome.value,
        error_message=message,
    )
    if failed is None:
        raise RuntimeError("a copy changed while its row was held")
    _audit(uow, Move.FAIL, failed, None, {"error_code": outcome, "tries": tries, "message_sha256": sha256(message)})
    event = CopyGradingFailed(copy_id=copy.id, exam_id=copy.exam_id, revision=copy.revision, error_code=outcome.value)
    uow.send(event, subject=str(copy.id))
    uow.after_commit.append(partial(_alert, copy.id, outcome, tries))


def _alert(copy_id: UUID, outcome: Outcome, tries: int) -> None:
    """P0-DI-004: deploy/observability/rules has an alert on this counter."""
    metrics.COPIES_FAILED.inc()
    log.error("copy_grading_failed", copy_id=copy_id, outcome=outcome, tries=tries)


def ask_for_stuck_copies(app: Context, request: LookForStuck) -> AskedAgain:
    """``ask_for_stuck`` when somebody wants it. Raises ``NotYours``: administrators only."""
    if request.by.role is not Role.ADMIN:
        raise NotYours
    asked = ask_for_stuck(app)
    return AskedAgain(ids=asked, total=len(asked))


def ask_for_stuck(app: Context) -> tuple[UUID, ...]:
    """Ask again, as the next attempt, for every document that is overdue; whose there were.

    Nothing is taken back: an acknowledged finalisation ends GRADED, or GRADING_FAILED with its reason.
    """
    with app.db.reading() as sql:
        overdue = copies.stuck(sql, app.settings.stuck_after_s)
    asked = tuple(each[0] for each in overdue if _ask_for_one_stuck(app, *each))
    if asked:
        log.warning("stuck_copies_asked_again", copies=len(asked))
    return asked


def _ask_for_one_stuck(app: Context, copy_id: UUID, revision: int, attempt: int) -> bool:
    with app.db.transaction() as uow:
        copy = copies.hold_any(uow, copy_id)
        if copy is None or (copy.revision, copy.attempt) != (revision, attempt):
            return False
        moved = _attempt(uow, copy, Move.TRY_AGAIN)
        if moved is None:
            return False
        _audit(uow, Move.TRY_AGAIN, moved, None, {"after": "no_answer"})
        _ask(uow, moved, copies.record_of(uow.sql, copy_id))
    return True


def final_document(app: Context, request: OneCopy) -> Document:
    """The final PDF, for staff: it shows the header, so for markers it is not there."""
    if not copies.sees_candidates(request.by):
        raise NotFound
    with app.db.reading() as sql:
        copy = copies.find(sql, request.copy_id, request.by)
        if copy.status is not Status.GRADED:
            raise NotFinal(status=copy.status)
        document = copies.document_of(sql, copy.id, copy.revision)
    return Document(object=document, filename=f"{copy.anonymous_id}-{copy.revision}.pdf")


def _attempt(uow: UnitOfWork, copy: Copy, by_move: Move, **values: Any) -> Copy | None:
    return copies.move(
        uow,
        copy.id,
        by_move,
        tables.copies.c.revision == copy.revision,
        tables.copies.c.attempt == copy.attempt,
        attempt=copy.attempt + 1,
        attempted_at=_clock,
        **values,
    )


def _ask(uow: UnitOfWork, copy: Copy, record: ObjectRef, delay_s: float = 0) -> None:
    command = ComposeDocument(
        copy_id=copy.id, exam_id=copy.exam_id, revision=copy.revision, attempt=copy.attempt, record=record
    )
    uow.send(command, subject=str(copy.id), delay_s=delay_s)


def _audit(uow: UnitOfWork, action: Move, copy: Copy, by: Actor | None, details: dict[str, Any]) -> None:
    entry = audit.Entry(action, by, copy.exam_id, copy.id, details, revision=copy.revision, attempt=copy.attempt)
    audit.append(uow, entry)


def _started(copy: Copy) -> FinaliseStarted:
    return FinaliseStarted(
        copy_id=copy.id,
        exam_id=copy.exam_id,
        revision=copy.revision,
        attempt=copy.attempt,
        status=CopyStatus(copy.status),
        already=copy.status is Status.GRADED,
    )

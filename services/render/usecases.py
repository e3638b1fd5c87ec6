"""Answering ``render.document.compose``: known, made, refused or failed, and each command is answered once.

Answer sheets, which somebody waits for, are at the end.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from chassis.db import UnitOfWork
from chassis.metrics import PDF_GENERATION_SECONDS
from chassis.objects import ObjectDamaged, ObjectMissing
from chassis.observe import logger
from chassis.sandbox import TaskFailed
from contracts.errors import Refusal, Unavailable
from contracts.errors.render import RecordUnreadable, ScanMissing, ScanUnreadable
from contracts.messages.render import ComposeDocument, DocumentComposed
from contracts.objects import ObjectRef
from contracts.records.codes import COPY_BITS
from contracts.records.marking import MarkingRecord
from contracts.rpc.render import AnswerSheets, AnswerSheetsWanted
from services.render import answer_sheet, store
from services.render.context import Context
from services.render.domain import TEMPLATE_VERSION, Outcome, failure_reason, refusal_reason

log = logger("services.render")
KIND = "finals"


class Delivered(Protocol):
    """The part of a bus delivery that we use."""

    @property
    def payload(self) -> ComposeDocument: ...
    @property
    def error(self) -> BaseException | None: ...
    def transaction(self) -> AbstractContextManager[UnitOfWork]: ...


def compose_document(app: Context, delivery: Delivered) -> None:
    """Make the document, or say why there is none.

    A child that died is told at once: grading counts the attempts and waits between them. Were the bus to repeat it as
    well, three attempts would be twelve.

    Raises:
        Unavailable: the bus tries again, and in the end calls ``give_up``.
    """
    command = delivery.payload
    with app.db.reading() as sql:
        known = store.find(sql, command.record.sha256, TEMPLATE_VERSION)
    if known is not None and app.objects.exists(known.document):
        log.info("document_known", copy_id=command.copy_id, revision=command.revision)
        _reply_done(delivery, known)
        return
    started = time.monotonic()
    outcome: Outcome = "crashed"
    reason = ""
    try:
        artefact = _compose(app, command)
        outcome = "done"
    except _Refused as refused:
        outcome = "refused_input"
        code, reason = refused.refusal.code, refusal_reason(refused.refusal, refused.language)
        log.warning("document_refused", copy_id=command.copy_id, revision=command.revision, code=code)
    except TaskFailed as failed:
        outcome = _outcome(failed)
        reason = failure_reason(outcome, "")
        log.warning("document_failed", copy_id=command.copy_id, revision=command.revision, outcome=outcome)
    finally:
        PDF_GENERATION_SECONDS.labels("marked_copy", outcome).observe(time.monotonic() - started)
    if outcome != "done":
        _reply(delivery, _answer(command, outcome, reason=reason))
        return
    log.info("document_composed", copy_id=command.copy_id, revision=command.revision, pages=artefact.page_count,
             replaced_characters=artefact.replaced)  # fmt: skip
    _reply_done(delivery, artefact)


def give_up(delivery: Delivered) -> None:
    """The last word after every retry has failed."""
    command, error = delivery.payload, delivery.error
    if isinstance(error, Refusal):
        _reply(delivery, _answer(command, "refused_input", reason=refusal_reason(error, "fr")))
        return
    detail = error.dependency if isinstance(error, Unavailable) else type(error).__name__
    _reply(delivery, _answer(command, "crashed", reason=failure_reason("crashed", detail)))


class _Refused(Exception):  # a refusal with the language it is to be told in
    def __init__(self, refusal: Refusal, language: str) -> None:
        super().__init__(refusal.code)
        self.refusal, self.language = refusal, language


def _compose(app: Context, command: ComposeDocument) -> store.Artefact:
    blob, record = _record(app, command)
    uploads = {page.source.upload.sha256: page.source.upload for page in record.pages}
    try:
        with ExitStack() as held:
            files = [held.enter_context(_at_hand(app, upload)) for upload in uploads.values()]
            reply = app.sandbox.run(
                "compose",
                files=files,
                blob=blob,
                deadline_s=app.settings.deadline_s,
                uploads=list(uploads),
                record_sha256=command.record.sha256,
            )
    except Refusal as refusal:
        raise _Refused(refusal, record.language) from refusal
    document = app.objects.put(KIND, reply.blobs[0], store.MEDIA_TYPE)
    return store.Artefact(document, reply.result["page_count"], reply.result["replaced"])


def _record(app: Context, command: ComposeDocument) -> tuple[bytes, MarkingRecord]:
    try:
        blob = app.objects.get(command.record)
        record = MarkingRecord.model_validate_json(blob)
    except (ObjectMissing, ObjectDamaged, ValidationError) as error:
        raise _Refused(RecordUnreadable(problem=type(error).__name__), "fr") from error
    if (record.copy_id, record.revision) != (command.copy_id, command.revision):
        raise _Refused(RecordUnreadable(problem="another copy or revision"), record.language)
    return blob, record


@contextmanager
def _at_hand(app: Context, upload: ObjectRef) -> Iterator[Path]:
    try:
        with app.originals.at_hand(upload) as path:
            yield path
    except ObjectMissing as error:
        raise ScanMissing(upload=upload.sha256) from error
    except ObjectDamaged as error:
        raise ScanUnreadable(upload=upload.sha256) from error


def _outcome(failed: TaskFailed) -> Outcome:
    match failed.outcome:
        case "timeout" | "out_of_memory":
            return failed.outcome
    return "crashed"


def _answer(
    command: ComposeDocument, outcome: Outcome, artefact: store.Artefact | None = None, reason: str | None = None
) -> DocumentComposed:
    return DocumentComposed(
        copy_id=command.copy_id,
        exam_id=command.exam_id,
        revision=command.revision,
        attempt=command.attempt,
        outcome=outcome,
        document=artefact.document if artefact else None,
        page_count=artefact.page_count if artefact else None,
        reason=reason,
    )


def _reply_done(delivery: Delivered, artefact: store.Artefact) -> None:
    command = delivery.payload
    with delivery.transaction() as work:
        store.remember(work.sql, command.record.sha256, TEMPLATE_VERSION, artefact)
        work.send(_answer(command, "done", artefact), subject=str(command.copy_id))


def _reply(delivery: Delivered, answer: DocumentComposed) -> None:
    with delivery.transaction() as work:
        work.send(answer, subject=str(answer.copy_id))


def answer_sheets(app: Context, request: AnswerSheetsWanted) -> AnswerSheets:
    """The PDF to print. The same wishes find the same document, so a repeated request costs a query and a look.

    Raises:
        NotFoldable, TooManySheets.
        Unavailable: ``sandbox``; somebody waits, and may ask again.
    """
    answer_sheet.sides(request.layout, request.copies, request.pages)  # refuses before a child is asked
    wishes = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
    with app.db.reading() as sql:
        known = store.find(sql, wishes, answer_sheet.SHEETS_VERSION)
    if known is not None and app.objects.exists(known.document):
        return AnswerSheets(document=known.document)
    try:
        reply = app.sandbox.run(
            "answer_sheets",
            deadline_s=app.settings.deadline_s,
            exam_id=str(request.exam_id),
            title=request.title,
            date=None if request.date is None else request.date.isoformat(),
            language=request.language,
            copies=_copy_numbers(request.copies),
            pages=request.pages,
            layout=request.layout,
            ruled=request.paper == "ruled",
        )
    except TaskFailed as failed:
        raise Unavailable("sandbox", failed.outcome) from failed
    document = app.objects.put(KIND, reply.blobs[0], store.MEDIA_TYPE)
    made = store.Artefact(document, reply.result["page_count"], 0)
    with app.db.transaction() as work:
        store.remember(work.sql, wishes, answer_sheet.SHEETS_VERSION, made)
    log.info("answer_sheets_made", exam_id=str(request.exam_id), copies=request.copies, pages=made.page_count)
    return AnswerSheets(document=document)


def _copy_numbers(count: int) -> list[int]:
    """Random, each once: numbers that grew would tell who sat where when sheets are handed out in order."""
    numbers: dict[int, None] = {}
    while len(numbers) < count:
        numbers[secrets.randbits(COPY_BITS)] = None
    return list(numbers)

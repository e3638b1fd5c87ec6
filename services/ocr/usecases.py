"""Reading headers. Every command ends in exactly one TextExtracted, whatever happens."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict

from chassis import metrics, observe
from chassis.db import Transaction
from chassis.objects import ObjectDamaged, ObjectMissing
from chassis.sandbox import TaskFailed
from contracts.errors.ocr import UnreadableImage
from contracts.messages.ocr import ExtractText, ReadField, ReadLine, TextExtracted
from services.ocr import store
from services.ocr.context import Context
from services.ocr.domain import Outcome, Question, Reading, parameters_digest, tidy
from services.ocr.engines import Sheet

# A header strip at 200 dpi has 100-400 kB; this leaves room for a whole A3 side.
MAX_IMAGE_BYTES = 32 << 20
NO_ENGINE = "none"

log = observe.logger("services.ocr")


def extract_text(app: Context, command: ExtractText, transaction: Transaction) -> None:
    """Read one header, or remember having read it. Idempotent: the same image gives the same lines.

    Raises:
        TaskFailed, Unavailable: to be tried again; after the last time ``extraction_failed`` answers.
    """
    engine = app.engine.version(command.languages)
    if engine is None:
        _answer(command, NO_ENGINE, None, Reading("no_engine"), transaction, source="none")
        return
    question = _question(app, command, engine)
    with app.db.reading() as sql:
        known = store.known(sql, question)
    if known is not None:
        _answer(command, engine, None, known, transaction, source="memo")
        return
    try:
        reading = _read(app, command)
    except (ObjectMissing, ObjectDamaged) as error:
        if command.sheet is None or error.args[0] != command.sheet.sample.object.key:
            raise
        log.warning("sample_missing", copy_id=command.copy_id)
        extract_text(app, command.model_copy(update={"sheet": None}), transaction)
        return
    _answer(command, engine, question, reading, transaction, source="engine")


def extraction_failed(
    app: Context, command: ExtractText, error: BaseException | None, transaction: Transaction
) -> None:
    """Answer for a command that was tried for the last time: somebody identifies this copy by hand."""
    outcome = outcome_of(error)
    try:
        engine = app.engine.version(command.languages)
    except TaskFailed:  # the engine cannot even be asked for its version
        engine = None
    question = _question(app, command, engine) if engine is not None else None
    _answer(command, engine or NO_ENGINE, question, Reading(outcome), transaction, source="engine")


def _read(app: Context, command: ExtractText) -> Reading:
    image = command.image.object
    if image.size > MAX_IMAGE_BYTES:
        return Reading("refused_input")
    with ExitStack() as opened:
        sheet = None
        if command.sheet is not None:
            sheet = Sheet(command.sheet, opened.enter_context(app.samples.at_hand(command.sheet.sample.object)))
        try:
            return tidy(app.engine.read(app.objects.get(image), command.languages, command.lexicon, sheet))
        except UnreadableImage as refusal:
            log.info("header_refused", copy_id=command.copy_id, reason=refusal.details.get("reason"))
            return Reading("refused_input")


def _answer(
    command: ExtractText,
    engine: str,
    question: Question | None,
    reading: Reading,
    transaction: Transaction,
    *,
    source: str,
) -> None:
    """Store the reading under ``question``, if there is something to store, and reply in the same transaction."""
    with transaction() as work:
        if question is not None:
            store.keep(work.sql, question, reading)
        work.send(
            TextExtracted(
                copy_id=command.copy_id,
                revision=command.revision,
                outcome=reading.outcome,
                engine=engine,
                lines=tuple(ReadLine(text=line.text, confidence=line.confidence) for line in reading.lines),
                fields=tuple(ReadField(**asdict(field)) for field in reading.fields),
            ),
            subject=str(command.copy_id),
        )
    metrics.HEADERS_READ.labels(reading.outcome, source).inc()
    log.info(
        "header_read",
        copy_id=command.copy_id,
        outcome=reading.outcome,
        lines=len(reading.lines),
        fields=len(reading.fields),
        source=source,
    )


def _question(app: Context, command: ExtractText, engine: str) -> Question:
    parameters = dict(app.engine.parameters(command.languages, command.lexicon))
    if command.sheet is not None:
        parameters["sheet"] = command.sheet.model_dump_json()
    return Question(command.image.object.sha256, engine, parameters_digest(parameters))


def outcome_of(error: BaseException | None) -> Outcome:
    """A child's own end as it is; anything else (the store down for too long, a defect) is a crash to the reader."""
    if isinstance(error, TaskFailed) and error.outcome in ("timeout", "out_of_memory"):
        return "timeout" if error.outcome == "timeout" else "out_of_memory"
    return "crashed"

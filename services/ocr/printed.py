"""Reading the printed text of a page. Every command ends in exactly one PrintExtracted, whatever happens.

Nothing is remembered: grading keeps the words, and asks once for each image.
"""

from __future__ import annotations

from collections.abc import Sequence

from chassis import observe
from chassis.db import Transaction
from contracts.errors.ocr import UnreadableImage
from contracts.messages.ocr import MAX_WORDS, ExtractPrint, PrintedWord, PrintExtracted
from contracts.records.pages import Box
from services.ocr.context import Context
from services.ocr.domain import Outcome, Word, tidy_words
from services.ocr.usecases import MAX_IMAGE_BYTES, NO_ENGINE, outcome_of

log = observe.logger("services.ocr")


def extract_print(app: Context, command: ExtractPrint, transaction: Transaction) -> None:
    """Read one page.

    Raises:
        TaskFailed, Unavailable: to be tried again; after the last time ``print_failed`` answers.
    """
    reader = app.print_reader
    engine = reader.version(command.languages) if reader is not None else None
    if reader is None or engine is None:
        _answer(command, "no_engine", NO_ENGINE, (), transaction)
        return
    if command.image.object.size > MAX_IMAGE_BYTES:
        _answer(command, "refused_input", engine, (), transaction)
        return
    try:
        words = reader.words(app.objects.get(command.image.object), command.languages)
    except UnreadableImage as refusal:
        log.info("page_refused", copy_id=command.copy_id, reason=refusal.details.get("reason"))
        _answer(command, "refused_input", engine, (), transaction)
        return
    _answer(command, "done", engine, tidy_words(words, MAX_WORDS), transaction)


def print_failed(command: ExtractPrint, error: BaseException | None, transaction: Transaction) -> None:
    """Answer for a command that was tried for the last time: this page is not looked through."""
    _answer(command, outcome_of(error), NO_ENGINE, (), transaction)


def _answer(
    command: ExtractPrint, outcome: Outcome, engine: str, words: Sequence[Word], transaction: Transaction
) -> None:
    told = []
    for word in words:
        x, y, w, h = word.box
        told.append(PrintedWord(text=word.text, line=word.line, box=Box(x=x, y=y, w=w, h=h)))
    with transaction() as work:
        work.send(
            PrintExtracted(
                copy_id=command.copy_id,
                image_sha256=command.image.object.sha256,
                outcome=outcome,
                engine=engine,
                words=tuple(told),
            ),
            subject=str(command.copy_id),
        )
    log.info("page_read", copy_id=command.copy_id, outcome=outcome, words=len(told))

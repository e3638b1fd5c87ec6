"""Names of the roster in what is printed on pages, where the exam says that they are to be looked for.

The roster stays here: ocr reads words, and the same words are compared again whenever the roster changes.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from chassis import observe
from chassis.db import Transaction, UnitOfWork
from contracts.errors.grading import NotFound
from contracts.messages.ocr import ExtractPrint, PrintExtracted
from contracts.objects import ImageRef
from contracts.records.pages import Box
from contracts.rpc import Done
from contracts.rpc.grading.copies import ExamQuery
from contracts.rpc.grading.printed import DismissPrintedName, ListPrintedNames, PrintAgain, PrintedName, PrintedNames
from services.grading.context import Context
from services.grading.domain.printed_names import Area, Names, Word
from services.grading.store import copies, exams, identity, printed
from services.grading.store.paging import cursor, key_after

log = observe.logger("grading.printed")

ASKED_AT_ONCE = 4  # pages; what waits in ocr's queue cannot be taken back when headers come in
COMPARED_AT_ONCE = 50  # pages; 6 ms each with 900 words and 300 candidates


def read_next(app: Context) -> int:
    """By the clock: ask for a few more pages to be read, if nobody waits for a header. How many were asked for."""
    asked = 0
    with app.db.transaction() as uow:
        for row in printed.take_unread(uow, ASKED_AT_ONCE, app.settings.stuck_after_s):
            image = _image(uow, row.copy_id, row.image_sha256)
            if image is None:  # the copy has other paper by now
                printed.forget(uow, row.copy_id, row.image_sha256)
                continue
            uow.send(ExtractPrint(copy_id=row.copy_id, image=image), subject=str(row.copy_id))
            asked += 1
    return asked


def print_extracted(payload: PrintExtracted, transaction: Transaction) -> None:
    """Keep what was read, or that it could not be. A page that nobody waits for is ignored."""
    words = [[word.text, word.line, [word.box.x, word.box.y, word.box.w, word.box.h]] for word in payload.words]
    done = payload.outcome == "done"
    with transaction() as uow:
        kept = printed.keep_words(uow, payload.copy_id, payload.image_sha256, payload.outcome, words if done else None)
    event = "print_read" if kept else "print_ignored"
    log.info(event, copy_id=payload.copy_id, outcome=payload.outcome, words=len(words))


def compare_next(app: Context) -> int:
    """By the clock: look for the roster in some pages that were read since it changed. How many there were.

    The exam's row is shared meanwhile, so that a roster that comes in is compared after it, not missed.
    """
    with app.db.reading() as sql:
        exam_id = printed.exam_to_compare(sql)
    if exam_id is None:
        return 0
    with app.db.transaction() as uow:
        copies.share_exam(uow, exam_id)
        names = Names(identity.as_candidates(identity.roster(uow.sql, exam_id)))
        rows = printed.to_compare(uow.sql, exam_id, COMPARED_AT_ONCE)
        found = 0
        for row in rows:
            places = names.find([Word(text, line, _area(box)) for text, line, box in row.words])
            stored = [{"candidate_id": str(each.candidate), "box": list(each.box)} for each in places]
            printed.keep_found(uow, row.copy_id, row.image_sha256, stored)
            found += len(places)
    log.info("print_compared", exam_id=exam_id, pages=len(rows), found=found)
    return len(rows)


def list_printed_names(app: Context, request: ListPrintedNames) -> PrintedNames:
    """Where markers could read a name, without what a person dismissed. Raises NotFound: also for markers."""
    if not copies.sees_candidates(request.by):
        raise NotFound
    key = key_after(request.cursor, str, int, str)
    with app.db.reading() as sql:
        exam = exams.find(sql, request.exam_id, request.by)
        known = {str(row.id): row for row in identity.roster(sql, exam.id)}
        rows = printed.pages_of_exam(sql, exam.id)
    items = [_seen(row, each, known) for row in rows for each in row.found if _place(row, each) not in row.dismissed]
    items.sort(key=_key)
    left = items if key is None else [each for each in items if _key(each) > tuple(key)]
    page = left[: request.limit]
    return PrintedNames(
        items=tuple(page),
        next=cursor(*_key(page[-1])) if len(left) > len(page) else None,
        total=len(items),
        checking=exam.check_printed_names,
        pages=len(rows),
        waiting=sum(row.outcome is None or (row.outcome == "done" and not row.roster_current) for row in rows),
        unread=sum(row.outcome not in {None, "done"} for row in rows),
    )


def dismiss_printed_name(app: Context, request: DismissPrintedName) -> Done:
    """Say that no name stands there. Kept with the image: it holds for every revision of the copy that has the page.

    Raises:
        NotFound: nothing was found there, or the caller may not see names. Dismissed already: done again.
    """
    if not copies.sees_candidates(request.by):
        raise NotFound
    with app.db.transaction() as uow:
        copy = copies.find(uow.sql, request.copy_id, request.by)
        place = str(request.id)
        rows = printed.pages_of_copy(uow.sql, copy.id)
        page = next((row for row in rows if place in {_place(row, each) for each in row.found}), None)
        if page is None:
            raise NotFound
        said = {"by": str(request.by.id), "at": uow.now().isoformat()}
        printed.dismiss(uow, copy.id, page.image_sha256, place, said)
    log.info("printed_name_dismissed", copy_id=copy.id)
    return Done()


def read_print_again(app: Context, request: ExamQuery) -> PrintAgain:
    """Read every page of the exam once more that could not be read."""
    if not copies.sees_candidates(request.by):
        raise NotFound
    with app.db.transaction() as uow:
        exam = exams.hold(uow, request.exam_id, request.by)
        pages = printed.read_failed_again(uow, exam.id)
    log.info("print_asked_again", exam_id=request.exam_id, pages=pages)
    return PrintAgain(pages=pages)


def _image(uow: UnitOfWork, copy_id: UUID, image_sha256: str) -> ImageRef | None:
    shown = ((page.masked or page.images).screen for page in copies.pages(uow.sql, copy_id))
    return next((image for image in shown if image.object.sha256 == image_sha256), None)


def _place(row: Any, found: Any) -> str:
    """Names a place on an image, whoever is said to stand there."""
    return str(uuid5(row.copy_id, f"{row.image_sha256} {found['box']}"))


def _seen(row: Any, found: Any, known: dict[str, Any]) -> PrintedName:
    candidate = known[found["candidate_id"]]  # nobody ever leaves a roster
    x, y, w, h = found["box"]
    return PrintedName(
        id=UUID(_place(row, found)),
        copy_id=row.copy_id,
        anonymous_id=row.anonymous_id,
        page_no=row.page_no,
        box=Box(x=x, y=y, w=w, h=h),
        last_name=candidate.last_name,
        first_name=candidate.first_name,
    )


def _key(name: PrintedName) -> tuple[str, int, str]:
    return name.anonymous_id, name.page_no, str(name.id)


def _area(box: list[float]) -> Area:
    x, y, w, h = box
    return x, y, w, h

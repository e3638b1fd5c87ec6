"""Copies arrive as paper; people look at them, each at what is theirs to see."""

from __future__ import annotations

from typing import Any

from chassis import observe
from chassis.db import Transaction, UnitOfWork
from contracts.errors.grading import CopyFinalised, CopyOfOtherExam, NotFound, UnknownExam
from contracts.messages.ingest import CopyAssembled, UploadSettled
from contracts.model import Actor
from contracts.objects import ImageRef
from contracts.records.pages import Page, PageManifest
from contracts.rpc import Done
from contracts.rpc.grading.copies import (
    AuditEvent,
    AuditTrail,
    Copies,
    CopySummary,
    CopyView,
    ListAudit,
    ListCopies,
    OneCopy,
    PageImage,
    PageImageFound,
)
from services.grading.context import Context
from services.grading.domain.audit import sha256
from services.grading.domain.copies import (
    FINALISED,
    NEW_PAPER_REASON,
    Copy,
    Move,
    check_pages_keep_numbers,
    new_anonymous_id,
)
from services.grading.store import audit, copies, printed, publications
from services.grading.store.paging import cursor, key_after
from services.grading.usecases import sheets
from services.grading.usecases.shown import copy_view, summary

log = observe.logger("grading.copies")


def copy_assembled(app: Context, payload: CopyAssembled, transaction: Transaction) -> None:
    """A new copy is READY and anonymous. Newer paper replaces older; older or equal news is ignored.

    An exam that was deleted takes its paper all the same: deleting is undone, and nobody would send the paper again.
    Paper that replaces that of a finalised copy sends it back to READY with its next revision, marks kept.

    Raises:
        UnknownExam: no such exam; the message waits among the dead letters.
        CopyOfOtherExam: the copy is known under another exam.
        ExamPublished: the copy is finalised and its results are out.
        PagesMoved: a page would get another number, and marks on it another page.
    """
    manifest = app.objects.get_json(payload.manifest, PageManifest)
    if (manifest.copy_id, manifest.exam_id, manifest.revision) != (payload.copy_id, payload.exam_id, payload.revision):
        raise ValueError("the manifest is of another copy or revision than the message says")
    with transaction() as uow:
        if not copies.share_exam(uow, payload.exam_id):
            raise UnknownExam(exam_id=str(payload.exam_id))
        known = copies.hold_any(uow, payload.copy_id)
        if known is not None and known.exam_id != payload.exam_id:
            raise CopyOfOtherExam
        if known is not None and payload.revision <= known.paper_revision:
            log.info("paper_ignored", copy_id=known.id, paper_revision=payload.revision)
            return
        paper = {
            "paper_revision": payload.revision,
            "manifest": payload.manifest.model_dump(mode="json"),
            "pages": [page.model_dump(mode="json") for page in manifest.pages],
            "page_count": len(manifest.pages),
        }
        header = _header(manifest.pages)
        if known is None:
            _begin(uow, payload, paper)
            _ask_for_reading(uow, payload, header)
        else:
            before = copies.pages(uow.sql, known.id)
            check_pages_keep_numbers([page.page_id for page in before], [page.page_id for page in manifest.pages])
            _replace_paper(uow, known, paper, payload.by)
            if header != _header(before):  # else what was read of it, or is being read, holds
                _ask_for_reading(uow, payload, header)
        printed.expect_copy(uow, payload.copy_id)
    log.info("copy_assembled", copy_id=payload.copy_id, paper_revision=payload.revision, pages=len(manifest.pages))


def expect_paper(app: Context, request: OneCopy) -> Done:
    """Whether the paper of a copy may change now: sheets added, zones covered. Lock and marks stay, and do not hinder.

    Raises:
        NotFound: also for markers, who know of no paper.
        CopyFinalised: it must be reopened first.
    """
    if not copies.sees_candidates(request.by):
        raise NotFound
    with app.db.reading() as sql:
        status = copies.find(sql, request.copy_id, request.by).status
    if status in FINALISED:
        raise CopyFinalised(status=status)
    return Done()


def _begin(uow: UnitOfWork, payload: CopyAssembled, paper: dict[str, Any]) -> None:
    added = None
    while added is None:  # until the random id is free in this exam
        new = {"id": payload.copy_id, "exam_id": payload.exam_id, "anonymous_id": new_anonymous_id()}
        added = copies.add(uow, new | paper)
    details = {"anonymous_id": added.anonymous_id, **_told(paper)}
    audit.append(uow, audit.Entry("ASSEMBLE", payload.by, payload.exam_id, payload.copy_id, details))


def _replace_paper(uow: UnitOfWork, known: Copy, paper: dict[str, Any], by: Actor | None) -> None:
    """Under a finalised copy that candidates could read, new paper is a change like any other: it says why."""
    details = {"status": known.status, **_told(paper)}
    if known.status in FINALISED:
        copies.hold_unpublished(uow, known.exam_id)
        revision = known.revision + 1
        copies.move(uow, known.id, Move.NEW_PAPER, revision=revision, **paper)
        if publications.was_released(uow.sql, known.id):
            publications.keep_reason(uow, known.id, revision, NEW_PAPER_REASON, None)
            details["reason_sha256"] = sha256(NEW_PAPER_REASON)
    else:
        copies.replace_paper(uow, known.id, paper)
    audit.append(uow, audit.Entry(Move.NEW_PAPER, by, known.exam_id, known.id, details))


def _told(paper: dict[str, Any]) -> dict[str, Any]:
    return {
        "paper_revision": paper["paper_revision"],
        "manifest": paper["manifest"]["sha256"],
        "pages": paper["page_count"],
        "paper_sha256": sha256([paper["manifest"], paper["pages"]]),
    }


def _header(pages: tuple[Page, ...]) -> ImageRef | None:
    return next((page.header_image for page in pages if page.header_image is not None), None)


def _ask_for_reading(uow: UnitOfWork, payload: CopyAssembled, header: ImageRef | None) -> None:
    outcome = None if header is not None else "no_header"
    copies.expect_reading(uow, payload.copy_id, payload.revision, outcome)
    if header is not None:
        sheets.ask_for_reading(uow, payload.exam_id, payload.copy_id, payload.revision, header)


def upload_settled(payload: UploadSettled, transaction: Transaction) -> None:
    """The exam's trail says what paper came in, and what became of it."""
    with transaction() as uow:
        if not copies.hold_exam(uow, payload.exam_id):
            raise UnknownExam(exam_id=str(payload.exam_id))
        details = payload.model_dump(mode="json", exclude={"exam_id"})
        audit.append(uow, audit.Entry("UPLOAD_SETTLED", None, payload.exam_id, details=details))


def list_copies(app: Context, request: ListCopies) -> Copies:
    """Copies in the order of their anonymous ids, which is no order of the pile. Two queries for any number."""
    key = key_after(request.cursor, str)
    filters = {"status": request.status, "marker_id": request.marker_id, "identified": request.identified}
    with app.db.reading() as sql:
        rows, total = copies.listed(
            sql,
            request.exam_id,
            request.by,
            filters=filters,
            after=str(key[0]) if key else None,
            limit=request.limit + 1,
        )
    shown = rows[: request.limit]
    items = tuple(CopySummary(**summary(row, request.by)) for row in shown)
    more = len(rows) > len(shown)
    return Copies(items=items, next=cursor(items[-1].anonymous_id) if more else None, total=total)


def get_copy(app: Context, request: OneCopy) -> CopyView:
    with app.db.reading() as sql:
        row = copies.one_listed(sql, request.copy_id, request.by)
    return copy_view(row, request.by)


def page_image(app: Context, request: PageImage) -> PageImageFound:
    """The stored image of a page for this caller. A page that hides something is shown unmasked to staff alone.

    ``image`` is null when it has to be made from the scan; then ``masked`` says whether it must be covered.
    """
    with app.db.reading() as sql:
        copies.find(sql, request.copy_id, request.by)
        page = copies.one_page(sql, request.copy_id, request.page_no)
    if page is None:
        raise NotFound
    masked = page.hides and not copies.sees_candidates(request.by)
    images = page.masked if masked else page.images
    # A header without its masked images cannot be shown as it is: better no image than a name.
    image = getattr(images, request.size) if images is not None else None
    return PageImageFound(image=image, masked=masked)


def copy_events(app: Context, request: ListAudit) -> AuditTrail:
    """The trail of one copy, for staff: it names candidates by id."""
    if not copies.sees_candidates(request.by):
        raise NotFound
    key = key_after(request.cursor, int)
    after = int(key[0]) if key else 0
    with app.db.reading() as sql:
        copies.find(sql, request.copy_id, request.by)
        found = audit.trail(sql, request.copy_id, after=after, limit=request.limit + 1)
        total = audit.length(sql, request.copy_id)
    items = tuple(
        AuditEvent(
            seq=event.seq,
            action=event.action,
            actor=event.actor,
            actor_id=event.actor_id,
            at=event.at,
            details=dict(event.details),
        )
        for event, _ in found[: request.limit]
    )
    more = len(found) > len(items)
    return AuditTrail(items=items, next=cursor(items[-1].seq) if more else None, total=total)

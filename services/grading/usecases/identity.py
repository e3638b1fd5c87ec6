"""Whose copy is whose: reading suggests, a person says. Nothing here knows a mark, nothing in marking knows a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis import observe
from chassis.db import Transaction, UnitOfWork
from contracts.errors.grading import NotFound
from contracts.errors.grading_exams import CandidateNotInExam, CandidateTaken, IdentityChanged
from contracts.messages.ocr import ExtractText, TextExtracted
from contracts.model import Actor
from contracts.objects import ImageRef
from contracts.rpc.grading.copies import (
    IdentificationQueue,
    IdentificationView,
    Identify,
    ListIdentification,
    OneCopy,
    Suggestion,
)
from services.grading.context import Context
from services.grading.domain.copies import Copy
from services.grading.domain.identity import DECIDING, SHOWN, Index, certainty
from services.grading.store import audit, copies, exams, identity
from services.grading.store.paging import cursor, key_after

log = observe.logger("grading.identity")


def text_extracted(payload: TextExtracted, transaction: Transaction) -> None:
    """Keep what was read, or that nothing could be: then a person identifies by hand. Older paper's is ignored."""
    lines = [line.text for line in payload.lines]
    with transaction() as uow:
        kept = identity.keep_reading(uow, payload.copy_id, payload.revision, payload.outcome, payload.engine, lines)
    event = "header_read" if kept else "reading_ignored"
    log.info(event, copy_id=payload.copy_id, paper_revision=payload.revision, outcome=payload.outcome, lines=len(lines))


def ask_for_unread(app: Context) -> int:
    """Let nobody wait longer for a reading that is overdue; how many there were.

    It ends as ``timeout``: somebody identifies the copy by hand. It is asked for once more all the same, and an answer
    counts whenever it comes.
    """
    with app.db.reading() as sql:
        overdue = identity.unread(sql, app.settings.stuck_after_s)
    asked = sum(_ask_for_one_unread(app, copy_id) for copy_id in overdue)
    if asked:
        log.warning("unread_headers_asked_again", copies=asked)
    return asked


def _ask_for_one_unread(app: Context, copy_id: UUID) -> bool:
    with app.db.transaction() as uow:
        paper_revision = identity.stop_waiting(uow, copy_id)
        if paper_revision is None:
            return False
        header = ImageRef.model_validate(identity.reading(uow.sql, copy_id).header)
        uow.send(ExtractText(copy_id=copy_id, revision=paper_revision, image=header), subject=str(copy_id))
    return True


def identification_queue(app: Context, request: ListIdentification) -> IdentificationQueue:
    """Copies with their reading and ranked candidates, the safest first, the riskiest and unread last.

    Suggestions are computed now, from the stored lines against the roster as it is now, all in one pass: a roster
    imported after reading needs nothing done again. Three queries for any number. The order compares with the whole
    roster, so it stays while the queue is worked off; candidates who have a copy are not suggested for another.
    """
    _require_staff(request.by)
    key = key_after(request.cursor, str, str)
    with app.db.reading() as sql:
        exam = exams.find(sql, request.exam_id, request.by)
        roster = identity.roster(sql, exam.id)
        rows = identity.readings(sql, exam.id, pending_only=request.pending_only)
    index = Index(identity.as_candidates(rows=roster))
    places = [((f"{1 - certainty(index.rank(row.lines or (), DECIDING)):.4f}", row.anonymous_id), row) for row in rows]
    places.sort(key=lambda place: place[0])
    if key is not None:
        places = [place for place in places if place[0] > (str(key[0]), str(key[1]))]
    page = places[: request.limit]
    known = {row.id: row for row in roster}
    return IdentificationQueue(
        # Ranked again, in full, for what is shown alone: every copy against a whole roster does not fit in memory.
        items=tuple(_view(row, index, known) for _, row in page),
        next=cursor(*page[-1][0]) if len(places) > len(page) else None,
        total=len(rows),
    )


def identify(app: Context, request: Identify) -> IdentificationView:
    """Link a copy to a candidate. The same again changes nothing; another one is a change and names what it replaces.

    Raises:
        CandidateNotInExam: not on this exam's roster.
        CandidateTaken: the candidate has another copy; two who say so at once cannot both succeed.
        IdentityChanged: the copy is not identified as ``replaces`` says.
        ExamPublished: candidates read their copies now.
    """
    _require_staff(request.by)
    with app.db.transaction() as uow:
        copy, current = _hold(uow, request.copy_id, request.by)
        if current != request.candidate_id:
            if current != request.replaces:
                raise IdentityChanged(candidate_id=None if current is None else str(current))
            _link(uow, copy, current, request)
        view = _one(uow, copy)
    log.info("copy_identified", copy_id=copy.id)
    return view


def unidentify(app: Context, request: OneCopy) -> IdentificationView:
    """Take the link back; a copy without one stays as it is. Raises ExamPublished."""
    _require_staff(request.by)
    with app.db.transaction() as uow:
        copy, current = _hold(uow, request.copy_id, request.by)
        if current is not None:
            identity.identify(uow, copy.id, None)
            details = {"candidate_id": None, "replaces": str(current)}
            audit.append(uow, audit.Entry("UNIDENTIFY", request.by, copy.exam_id, copy.id, details))
        view = _one(uow, copy)
    log.info("copy_unidentified", copy_id=copy.id)
    return view


def _require_staff(by: Actor) -> None:
    if not copies.sees_candidates(by):
        raise NotFound


def _hold(uow: UnitOfWork, copy_id: UUID, by: Actor) -> tuple[Copy, UUID | None]:
    """The copy and its candidate; it is not published, nor changed by others, until the transaction ends."""
    copies.hold_unpublished(uow, copies.find(uow.sql, copy_id, by).exam_id)
    copy = copies.hold(uow, copy_id, by)
    return copy, identity.reading(uow.sql, copy.id).candidate_id


def _link(uow: UnitOfWork, copy: Copy, current: UUID | None, request: Identify) -> None:
    if not identity.is_candidate(uow.sql, copy.exam_id, request.candidate_id):
        raise CandidateNotInExam
    if not identity.identify(uow, copy.id, request.candidate_id):
        other = identity.copy_of(uow.sql, copy.exam_id, request.candidate_id)
        # None: the other copy was freed between the two statements; asking again succeeds.
        raise CandidateTaken(
            copy_id=str(other.id) if other else None, anonymous_id=other.anonymous_id if other else "?"
        )
    details = {"candidate_id": str(request.candidate_id), "replaces": None if current is None else str(current)}
    audit.append(uow, audit.Entry("IDENTIFY", request.by, copy.exam_id, copy.id, details))


def _one(uow: UnitOfWork, copy: Copy) -> IdentificationView:
    roster = identity.roster(uow.sql, copy.exam_id)
    row = identity.reading(uow.sql, copy.id)
    return _view(row, Index(identity.as_candidates(roster)), {each.id: each for each in roster})


def _view(row: Any, index: Index[UUID], known: Mapping[UUID, Any]) -> IdentificationView:
    ranked = index.rank(row.lines or (), limit=len(known))
    free = [each for each in ranked if known[each.id].copy_id in {None, row.id}]
    return IdentificationView(
        copy_id=row.id,
        anonymous_id=row.anonymous_id,
        candidate_id=row.candidate_id,
        reading=None if row.outcome is None else tuple(row.lines or ()),
        reading_outcome=row.outcome,
        suggestions=tuple(_suggestion(known[each.id], each.confidence) for each in free[:SHOWN]),
        header=None if row.header is None else ImageRef.model_validate(row.header),
    )


def _suggestion(candidate: Any, confidence: float) -> Suggestion:
    return Suggestion(
        candidate_id=candidate.id,
        last_name=candidate.last_name,
        first_name=candidate.first_name,
        class_name=candidate.class_name,
        confidence=confidence,
    )

"""Whose copy is whose: reading suggests, a person says. Nothing here knows a mark, nothing in marking knows a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis import metrics, observe
from chassis.db import Transaction, UnitOfWork
from contracts.errors.grading import NotFound
from contracts.errors.grading_exams import CandidateNotInExam, CandidateTaken, IdentityChanged
from contracts.messages.ocr import TextExtracted
from contracts.model import Actor
from contracts.objects import ImageRef
from contracts.rpc.grading.copies import (
    ExamQuery,
    IdentificationQueue,
    IdentificationView,
    Identify,
    ListIdentification,
    OneCopy,
    ReadAgain,
    Suggestion,
)
from services.grading.context import Context
from services.grading.domain.copies import Copy
from services.grading.domain.seating import Hint, reranked
from services.grading.domain.verdict import DOUBTS, confidences
from services.grading.store import audit, copies, exams, identity
from services.grading.store.paging import cursor, key_after
from services.grading.usecases import sheets
from services.grading.usecases.matching import (
    WEIGHED_AT_ONCE,
    Ranking,
    as_ranking,
    roster_digest,
    seating,
    standing,
    weigh,
)

log = observe.logger("grading.identity")

SHOWN = 5


def text_extracted(payload: TextExtracted, transaction: Transaction) -> None:
    """Keep what was read, or that nothing could be: then a person identifies by hand. Older paper's is ignored."""
    lines = [line.text for line in payload.lines]
    fields = [field.model_dump(mode="json") for field in payload.fields] or None
    said = {"outcome": payload.outcome, "engine": payload.engine, "lines": lines, "fields": fields}
    with transaction() as uow:
        kept = identity.keep_reading(uow, payload.copy_id, payload.revision, **said)
        if kept:
            identity.expect_matching_of(uow, payload.copy_id)
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
        row = identity.reading(uow.sql, copy_id)
        sheets.ask_for_reading(uow, row.exam_id, copy_id, paper_revision, ImageRef.model_validate(row.header))
    return True


def read_again(app: Context, request: OneCopy) -> IdentificationView:
    """Ask for the copy's header to be read once more, whatever came of it; whose copy it is stays as it is.

    A reading that is still on its way is not asked for twice.
    """
    _require_staff(request.by)
    with app.db.transaction() as uow:
        copy = copies.hold(uow, request.copy_id, request.by)
        if identity.reading(uow.sql, copy.id).outcome is not None:
            sheets.read_again(uow, [copy.id])
        view = _one(uow, copy)
    log.info("reading_asked_again", copy_id=copy.id)
    return view


def read_failed_again(app: Context, request: ExamQuery) -> ReadAgain:
    """Ask once more for every header of the exam that could not be read, of copies without a candidate."""
    _require_staff(request.by)
    with app.db.transaction() as uow:
        exam = exams.hold(uow, request.exam_id, request.by)
        asked = sheets.read_again(uow, identity.failed(uow.sql, exam.id))
    log.info("readings_asked_again", exam_id=exam.id, copies=asked)
    return ReadAgain(copies=asked)


def identification_queue(app: Context, request: ListIdentification) -> IdentificationQueue:
    """Copies with their reading and ranked candidates, the safest first, the riskiest and unread last.

    A constant number of queries. What was not compared with the roster as it is now is compared for this answer, a
    bounded number of copies; the next matching does the rest. Candidates whom a person found a copy for are not
    suggested for another, unless that copy is in doubt: then whom it reads as comes first, whoever has them now.
    """
    _require_staff(request.by)
    key = key_after(request.cursor, str, str)
    with app.db.reading() as sql:
        exam = exams.find(sql, request.exam_id, request.by)
        roster = identity.roster(sql, exam.id)
        rows = identity.readings(sql, exam.id, pending_only=request.pending_only)
        rankings = _rankings(sql, rows, roster)
        near = _near(sql, exam.id, roster)
        counted = standing(sql, exam.id)
    places = [((f"{_risk(row, rankings[row.id], len(roster)):.4f}", row.anonymous_id), row) for row in rows]
    places.sort(key=lambda place: place[0])
    if key is not None:
        places = [place for place in places if place[0] > (str(key[0]), str(key[1]))]
    page = places[: request.limit]
    known = {row.id: row for row in roster}
    return IdentificationQueue(
        items=tuple(_view(row, rankings[row.id], near.get(row.id), known) for _, row in page),
        next=cursor(*page[-1][0]) if len(places) > len(page) else None,
        total=len(rows),
        standing=counted,
    )


def identify(app: Context, request: Identify) -> IdentificationView:
    """Link a copy to a candidate. The same again changes nothing; another one is a change and names what it replaces.

    What a person says wins over what the matching found, here and on the copy that had the candidate; the rest is
    matched again soon. The same again answers a doubt.

    Raises:
        CandidateNotInExam: not on this exam's roster.
        CandidateTaken: a person found another copy for the candidate; two who say so at once cannot both succeed.
        IdentityChanged: the copy is not identified as ``replaces`` says.
        ExamPublished: candidates read their copies now.
    """
    _require_staff(request.by)
    with app.db.transaction() as uow:
        copy, row = _hold(uow, request.copy_id, request.by)
        current = row.candidate_id
        overrules = row.decided_by == "machine" and request.replaces is None
        if current not in {request.candidate_id, request.replaces} and not overrules:
            raise IdentityChanged(candidate_id=None if current is None else str(current))
        if current != request.candidate_id or row.decided_by == "machine":
            _link(uow, copy, current, request)
        elif row.doubt is not None:
            identity.decide(uow, [copy.id], "person", "dismissed")
        view = _one(uow, copy)
    log.info("copy_identified", copy_id=copy.id)
    return view


def unidentify(app: Context, request: OneCopy) -> IdentificationView:
    """Take the link back, and leave the copy to people; a copy without one stays as it is. Raises ExamPublished."""
    _require_staff(request.by)
    with app.db.transaction() as uow:
        copy, row = _hold(uow, request.copy_id, request.by)
        current = row.candidate_id
        if current is not None:
            identity.identify(uow, copy.id, None)
            identity.decide(uow, [copy.id], "person")
            identity.expect_matching(uow, copy.exam_id)
            details = {"candidate_id": None, "replaces": str(current)}
            audit.append(uow, audit.Entry("UNIDENTIFY", request.by, copy.exam_id, copy.id, details))
        view = _one(uow, copy)
    log.info("copy_unidentified", copy_id=copy.id)
    return view


def _require_staff(by: Actor) -> None:
    if not copies.sees_candidates(by):
        raise NotFound


def _hold(uow: UnitOfWork, copy_id: UUID, by: Actor) -> tuple[Copy, Any]:
    """The copy and its reading's row; the exam is not published nor matched by others until the transaction ends."""
    exam_id = copies.find(uow.sql, copy_id, by).exam_id
    copies.hold_exam(uow, exam_id)
    copies.hold_unpublished(uow, exam_id)
    copy = copies.hold(uow, copy_id, by)
    return copy, identity.reading(uow.sql, copy.id)


def _link(uow: UnitOfWork, copy: Copy, current: UUID | None, request: Identify) -> None:
    if not identity.is_candidate(uow.sql, copy.exam_id, request.candidate_id):
        raise CandidateNotInExam
    other = identity.copy_of(uow.sql, copy.exam_id, request.candidate_id)
    if other is not None and other.id != copy.id and other.decided_by == "machine":
        identity.match(uow, {other.id: None})
        details = {"candidate_id": None, "replaces": str(request.candidate_id)}
        audit.append(uow, audit.Entry("UNIDENTIFY", request.by, copy.exam_id, other.id, details))
    if not identity.identify(uow, copy.id, request.candidate_id):
        other = identity.copy_of(uow.sql, copy.exam_id, request.candidate_id)
        # None: the other copy was freed between the two statements; asking again succeeds.
        raise CandidateTaken(
            copy_id=str(other.id) if other else None, anonymous_id=other.anonymous_id if other else "?"
        )
    identity.decide(uow, [copy.id], "person")
    identity.expect_matching(uow, copy.exam_id)
    details = {"candidate_id": str(request.candidate_id), "replaces": None if current is None else str(current)}
    audit.append(uow, audit.Entry("IDENTIFY", request.by, copy.exam_id, copy.id, details))
    metrics.COPIES_IDENTIFIED.labels("person").inc()


def _rankings(sql: sa.Connection, rows: Sequence[Any], roster: Sequence[Any]) -> dict[UUID, Ranking]:
    """Whom each copy's header fits now."""
    digest = roster_digest(roster)
    stale = [row.id for row in rows if row.outcome is not None and row.ranked_for != digest][:WEIGHED_AT_ONCE]
    weighed = weigh(sql, stale, roster)
    return {
        row.id: weighed[row.id][1]
        if row.id in weighed
        else as_ranking(row.ranked if row.ranked_for == digest else None)
        for row in rows
    }


def _risk(row: Any, ranked: Ranking, candidates: int) -> float:
    """From 0, safe, to 1; a decision that is in doubt is the riskiest of all."""
    if row.candidate_id is not None:
        return 1.0 if row.doubt in DOUBTS else 0.0
    alone = max(confidences(ranked, candidates).values(), default=0.0)
    return 1 - (alone if row.probability is None else min(alone, row.probability))


def _one(uow: UnitOfWork, copy: Copy) -> IdentificationView:
    roster = identity.roster(uow.sql, copy.exam_id)
    row = identity.reading(uow.sql, copy.id)
    ranked, near = _rankings(uow.sql, [row], roster)[row.id], _near(uow.sql, copy.exam_id, roster)
    return _view(row, ranked, near.get(row.id), {each.id: each for each in roster})


def _near(sql: sa.Connection, exam_id: UUID, roster: Sequence[Any]) -> dict[UUID, Hint[UUID]]:
    """Who stands, on the list, between the neighbours of each copy in its pile. A person looks: all may be there."""
    certain = {row.copy_id: row.id for row in roster if row.copy_id is not None}
    return seating(sql, exam_id, roster).hints(certain, {row.id for row in roster})


def _view(row: Any, by_header: Ranking, place: Hint[UUID] | None, known: Mapping[UUID, Any]) -> IdentificationView:
    ranked = reranked(by_header, place)
    there = () if place is None else place.candidates
    shares = confidences(ranked, len(known))
    doubt = row.doubt if row.doubt in DOUBTS else None
    offered = [which for which, _ in ranked if doubt or _free(known[which], row.id)]
    return IdentificationView(
        copy_id=row.id,
        anonymous_id=row.anonymous_id,
        candidate_id=row.candidate_id,
        reading=None if row.outcome is None else tuple(row.lines or ()),
        reading_outcome=row.outcome,
        suggestions=tuple(_suggestion(known[which], shares[which], which in there) for which in offered[:SHOWN]),
        header=None if row.header is None else ImageRef.model_validate(row.header),
        decided_by=row.decided_by,
        probability=row.probability,
        doubt=doubt,
    )


def _free(candidate: Any, copy_id: UUID) -> bool:
    return candidate.copy_id in {None, copy_id}


def _suggestion(candidate: Any, confidence: float, by_place: bool) -> Suggestion:
    return Suggestion(
        candidate_id=candidate.id,
        last_name=candidate.last_name,
        first_name=candidate.first_name,
        class_name=candidate.class_name,
        confidence=round(confidence, 4),
        by_place=by_place,
    )

"""Whose copy is whose, over a whole exam: what can be taken as certain is taken, the rest is left to people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis import metrics, observe
from chassis.db import UnitOfWork
from contracts.errors.grading import ExamPublished, NotFound
from contracts.errors.grading_exams import ExamDeleted
from contracts.rpc.grading.copies import ExamQuery, Matching
from services.grading.context import Context
from services.grading.domain.audit import sha256
from services.grading.domain.evidence import NAMES, Field, Roster
from services.grading.domain.letters import letters_of
from services.grading.domain.seating import Seating
from services.grading.domain.verdict import Header, Verdict, judge, ranking
from services.grading.store import audit, copies, exams, identity

log = observe.logger("grading.matching")

PATIENCE_S = 120.0  # headers that are not read by then do not keep those that are from being matched
WEIGHED_AT_ONCE = 30  # headers; 0.3 s with 300 candidates, during which this process answers nobody
_TRIES = 3

Ranking = list[tuple[UUID, float]]


def solve_identification(app: Context, request: ExamQuery) -> Matching:
    """Match the exam now, with every reading there is. Again with nothing new, it changes nothing.

    Raises:
        ExamPublished: candidates read their copies now.
        ExamDeleted.
    """
    if not copies.sees_candidates(request.by):
        raise NotFound
    with app.db.reading() as sql:
        exam = exams.find(sql, request.exam_id, request.by)
    if exam.deleted_at is not None:
        raise ExamDeleted
    if exam.published_at is not None:
        raise ExamPublished
    for _ in range(_TRIES):  # a reading or a roster that comes between weighing and solving is weighed too
        while _weigh_some(app, exam.id):
            pass
        if _solve(app, exam.id):
            break
    with app.db.reading() as sql:
        return standing(sql, exam.id)


def standing(sql: sa.Connection, exam_id: UUID) -> Matching:
    """How far the exam's copies are identified, and by whom."""
    return Matching.model_validate(identity.standing(sql, exam_id))


def match_due(app: Context) -> None:
    """By the clock: exams in which something came in since they were matched. A bounded piece of work each time."""
    with app.db.reading() as sql:
        due = identity.due(sql, PATIENCE_S)
    for exam_id in due:
        if not _weigh_some(app, exam_id):
            _solve(app, exam_id)


def roster_digest(roster: Sequence[Any]) -> str:
    """Of everything about candidates that a header is compared with."""
    columns = ("id", "last_name", "first_name", "ine", "class_name", "birth_date")
    return sha256([[str(getattr(row, name)) for name in columns] for row in roster])


def weigh(sql: sa.Connection, copy_ids: Sequence[UUID], roster: Sequence[Any]) -> dict[UUID, tuple[int, Ranking]]:
    """Whom the header of each copy fits: the paper revision that was read, and candidates with their nats."""
    if not copy_ids:
        return {}
    known = Roster(identity.as_candidates(roster))
    ids = [each.id for each in known.candidates]
    found = {}
    for row in identity.letters(sql, copy_ids):
        nats = known.weigh(_fields(row), row.lines or ())
        found[row.copy_id] = (row.paper_revision, [] if nats is None else ranking(ids, nats))
    return found


def seating(sql: sa.Connection, exam_id: UUID, roster: Sequence[Any]) -> Seating[UUID]:
    """The piles in which the exam's copies came, beside its roster."""
    return Seating(identity.places(sql, exam_id), identity.as_candidates(roster))


def as_ranking(stored: Sequence[Sequence[Any]] | None) -> Ranking:
    return [(UUID(which), nats) for which, nats in stored or ()]


def _weigh_some(app: Context, exam_id: UUID) -> bool:
    """Compare some headers with the roster that were not yet; whether there were any."""
    with app.db.reading() as sql:
        roster = identity.roster(sql, exam_id)
        digest = roster_digest(roster)
        rows = identity.readings(sql, exam_id, pending_only=False)
        stale = [row.id for row in rows if row.outcome is not None and row.ranked_for != digest][:WEIGHED_AT_ONCE]
        found = weigh(sql, stale, roster)
    if found:
        with app.db.transaction() as uow:
            identity.keep_rankings(uow, found, digest)
    return bool(found)


def _solve(app: Context, exam_id: UUID) -> bool:
    """One transaction; ``False``, and nothing done, when a header is still to be weighed."""
    with app.db.transaction() as uow:
        exam = identity.hold_open(uow, exam_id)
        identity.matching_done(uow, exam_id)  # first: whoever expects another one from here on waits for this to end
        if exam is None:
            return True
        roster = identity.roster(uow.sql, exam_id)
        digest = roster_digest(roster)
        rows = identity.readings(uow.sql, exam_id, pending_only=False)
        if any(row.outcome is not None and row.ranked_for != digest for row in rows):
            identity.expect_matching(uow, exam_id)
            return False
        headers = {row.id: _header(row) for row in rows}
        piles = seating(uow.sql, exam_id, roster)
        verdicts = judge(headers, len(roster), _error_budget(app, exam), piles)
        identity.keep_verdicts(uow, {which: (each.probability, each.doubt) for which, each in verdicts.items()})
        changes = {row.id: _accepted(verdicts[row.id]) for row in rows if row.decided_by != "person"}
        current = {row.id: row.candidate_id for row in rows}
        changes = {which: candidate for which, candidate in changes.items() if current[which] != candidate}
        _apply(uow, exam_id, changes, current, verdicts)
    found = sum(candidate is not None for candidate in changes.values())
    if changes:
        metrics.COPIES_IDENTIFIED.labels("machine").inc(found)
        log.info("copies_matched", exam_id=exam_id, copies=len(rows), found=found, changed=len(changes))
    return True


def _apply(
    uow: UnitOfWork,
    exam_id: UUID,
    changes: Mapping[UUID, UUID | None],
    current: Mapping[UUID, UUID | None],
    verdicts: Mapping[UUID, Verdict[UUID]],
) -> None:
    """Let go of candidates first: another of these copies may get them. Each step is one event of the copy's trail."""
    entries = []
    released = sorted(which for which in changes if current[which] is not None)
    identity.match(uow, dict.fromkeys(released))
    for which in released:
        freed = {"candidate_id": None, "replaces": str(current[which])}
        entries.append(audit.Entry("UNIDENTIFY", None, exam_id, which, freed))
    given = {which: candidate for which, candidate in sorted(changes.items()) if candidate is not None}
    identity.match(uow, given)
    for which, candidate in given.items():
        wrong = math.ceil(1e6 * (1 - verdicts[which].probability))
        details: dict[str, Any] = {"candidate_id": str(candidate), "replaces": None, "wrong_in_a_million": wrong}
        entries.append(audit.Entry("IDENTIFY", None, exam_id, which, details))
    audit.append(uow, *entries)


def _error_budget(app: Context, exam: Any) -> float:
    own = exam.identification_error_budget
    return app.settings.identification_error_budget if own is None else float(own)


def _header(row: Any) -> Header[UUID]:
    by_person = row.decided_by == "person"
    return Header(
        ranked=as_ranking(row.ranked) or None,
        decided=row.candidate_id if by_person else None,
        left=by_person and row.candidate_id is None,
        named=set(NAMES) <= set(row.kinds or ()),
    )


def _accepted(verdict: Verdict[UUID]) -> UUID | None:
    return verdict.candidate if verdict.accepted else None


def _fields(row: Any) -> list[Field]:
    fields = []
    for each in row.fields or ():
        letters = None
        if each["letters"] is not None:
            try:
                letters = letters_of(each["letters"], each["steps"])
            except ValueError:
                log.warning("letters_damaged", copy_id=row.copy_id)
        fields.append(Field(each["kind"], each["text"], letters))
    return fields

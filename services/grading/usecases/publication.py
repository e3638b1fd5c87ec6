"""Publishing an exam: candidates may read their copies, all of them or none."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis import observe
from contracts.errors.grading_exams import NothingToPublish, NotPublishable
from contracts.messages.grading import ExamPublished, ExamWithdrawn
from contracts.rpc.grading.exams import PublicationView, Publish
from services.grading.context import Context
from services.grading.domain.audit import sha256
from services.grading.domain.copies import Status
from services.grading.store import audit, exams, publications

log = observe.logger("grading.publication")


def publish(app: Context, request: Publish) -> PublicationView:
    """Let candidates read what is final now. A published exam gives the same answer again.

    Raises:
        NothingToPublish: no copy at all.
        NotPublishable: lists every copy that is not graded or not identified.
    """
    with app.db.transaction() as uow:
        exam = exams.hold(uow, request.exam_id, request.by)  # no copy comes, is reopened or renamed meanwhile
        if exam.published_at is not None:
            return _view(uow.sql, exam)
        _require_ready(publications.state_of_copies(uow.sql, exam.id))
        publication = exam.publication + 1
        shown = publications.publish(uow, exam.id, publication, request.by)
        exams.change(uow, exam.id, publication=publication, published_at=uow.now())
        details = {"publication": publication, "copies": len(shown), "sha256": sha256(shown)}
        audit.append(uow, audit.Entry("PUBLISH", request.by, exam.id, details=details))
        event = ExamPublished(exam_id=exam.id, publication=publication, copies=len(shown), published_at=uow.now())
        uow.send(event, subject=str(exam.id))
        view = _view(uow.sql, exams.find(uow.sql, exam.id, request.by))
    log.info("exam_published", exam_id=view.exam_id, publication=view.publication, copies=view.copies)
    return view


def withdraw(app: Context, request: Publish) -> PublicationView:
    """Candidates see nothing until the next publication. An exam that is not published gives the same answer."""
    with app.db.transaction() as uow:
        exam = exams.hold(uow, request.exam_id, request.by)
        if exam.published_at is None:
            return _view(uow.sql, exam)
        publications.withdraw(uow, exam.id, exam.publication, request.by)
        exams.change(uow, exam.id, published_at=None)
        audit.append(uow, audit.Entry("WITHDRAW", request.by, exam.id, details={"publication": exam.publication}))
        event = ExamWithdrawn(exam_id=exam.id, publication=exam.publication, withdrawn_at=uow.now())
        uow.send(event, subject=str(exam.id))
        view = _view(uow.sql, exams.find(uow.sql, exam.id, request.by))
    log.info("exam_withdrawn", exam_id=view.exam_id, publication=view.publication)
    return view


def _require_ready(copies: list[Any]) -> None:
    if not copies:
        raise NothingToPublish
    waiting = []
    for copy in copies:
        reasons = ["not_graded"] if copy.status != Status.GRADED else []
        reasons += ["not_identified"] if copy.candidate_id is None else []
        if reasons:
            waiting.append({"id": str(copy.id), "anonymous_id": copy.anonymous_id, "reasons": reasons})
    if waiting:
        raise NotPublishable(copies=waiting)


def _view(sql: sa.Connection, exam: Any) -> PublicationView:
    """``copies`` are what candidates may read now: none while nothing is published."""
    published = exam.published_at is not None
    return PublicationView(
        exam_id=exam.id,
        published=published,
        publication=exam.publication,
        copies=publications.count(sql, exam.id, exam.publication) if published else 0,
        published_at=exam.published_at,
    )

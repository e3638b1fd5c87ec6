"""Opening a finalised copy again."""

from __future__ import annotations

from typing import Any

from contracts.errors.grading import NotReopenable, NotYours
from contracts.model import Role
from contracts.rpc.grading.copies import CopyView, OneCopy, Reopen
from services.grading.context import Context
from services.grading.domain.audit import sha256
from services.grading.domain.copies import Move, check_change_of_released
from services.grading.store import audit, copies, publications
from services.grading.usecases.copies import get_copy


def reopen(app: Context, request: Reopen) -> CopyView:
    """A finalised copy is READY again as its next revision; marks stay, the old document stays in the history.

    Raises:
        NotYours: administrators only.
        ExamPublished: the results are out.
        NotReopenable: it is not finalised.
        ReasonRequired, SecondPersonRequired: candidates could read it once.
    """
    if request.by.role is not Role.ADMIN:
        raise NotYours
    with app.db.transaction() as uow:
        exam_id = copies.find(uow.sql, request.copy_id, request.by).exam_id
        copies.hold_unpublished(uow, exam_id)
        copy = copies.hold(uow, request.copy_id, request.by)
        released = publications.was_released(uow.sql, copy.id)
        reopened = copies.move(uow, copy.id, Move.REOPEN, revision=copy.revision + 1)
        if reopened is None:
            raise NotReopenable(status=copy.status)
        if released:
            check_change_of_released(copy, request.reason, request.by.id)
        details: dict[str, Any] = {"from_revision": copy.revision, "from": copy.status}
        if request.reason is not None:
            publications.keep_reason(uow, copy.id, reopened.revision, request.reason, request.by)
            details["reason_sha256"] = sha256(request.reason)  # not its text: it may name the candidate
        entry = audit.Entry(Move.REOPEN, request.by, copy.exam_id, copy.id, details, revision=reopened.revision)
        audit.append(uow, entry)
    return get_copy(app, OneCopy(copy_id=request.copy_id, by=request.by))

"""The marking desk, and the way to the next copy.

The server draws the desk's first frame: the bar, the first page, the scheme. The island does the rest.
"""

from __future__ import annotations

from uuid import UUID

from flask import redirect
from flask.typing import ResponseReturnValue

from contracts.rpc.grading import copies as rpc
from contracts.rpc.grading import exams as exams_rpc
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.web.frame import blueprint, show

WAITING = (rpc.CopyStatus.LOCKED, rpc.CopyStatus.READY)  # what was begun comes first


@blueprint.get("/exams/<uuid:exam_id>/mark")
def mark_next(exam_id: UUID) -> ResponseReturnValue:
    """To the desk with the first of one's copies that waits; to the pile when none does."""
    who = caller()
    for status in WAITING:
        found = ask(rpc.LIST_COPIES, exam_id=exam_id, limit=200, status=status, marker_id=who.id, by=who.actor)
        for copy in found.items:
            if copy.lock is None or copy.lock.owner_id == who.id:
                return redirect(f"/copies/{copy.id}/mark", 303)
    return redirect(f"/exams/{exam_id}/copies", 303)


@blueprint.get("/copies/<uuid:copy_id>/mark")
def mark(copy_id: UUID) -> ResponseReturnValue:
    """Mark one copy; ``?item=`` walks one item through all of one's copies. Who may write is the lock's to say."""
    by = caller().actor
    copy = ask(rpc.GET_COPY, copy_id=copy_id, by=by)
    return show("mark.html", copy=copy, exam=ask(exams_rpc.GET_EXAM, exam_id=copy.exam_id, by=by))

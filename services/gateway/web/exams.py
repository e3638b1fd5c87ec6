"""Exams: the list, a new one, one's way from scheme to results."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import redirect
from flask.typing import ResponseReturnValue

from contracts.model import Role
from contracts.rpc.grading import copies as copies_rpc
from contracts.rpc.grading import exams as rpc
from contracts.rpc.grading.copies import CopyStatus
from services.gateway.api import Page
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.routes import users
from services.gateway.web import progress
from services.gateway.web.frame import blueprint, part, show

SHOWN = 200
MAY_MARK = {Role.MARKER, Role.ADMIN}


def exam_page(template: str, exam_id: UUID, current: str, **context: Any) -> ResponseReturnValue:
    """A page inside an exam; ``current`` is its entry in the exam's navigation."""
    exam = ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    return show(template, exam=exam, current=current, **context)


@blueprint.get("/exams")
def exams() -> ResponseReturnValue:
    """All exams one may know of, the latest first."""
    return show("exams.html", found=ask(rpc.LIST_EXAMS, part(limit=50), by=caller().actor))


@blueprint.get("/exams/new")
def new_exam() -> ResponseReturnValue:
    return show("exam-new.html")


@blueprint.get("/exams/<uuid:exam_id>")
def exam(exam_id: UUID) -> ResponseReturnValue:
    """How far an exam is and what comes next; a marker goes straight to their copies."""
    if caller().role is Role.MARKER:
        return redirect(f"/exams/{exam_id}/copies", 303)
    found = ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    allocation = ask(copies_rpc.GET_ALLOCATION, exam_id=exam_id, by=caller().actor)
    return show("exam.html", exam=found, current="overview", steps=progress.steps(found, allocation.unallocated))


@blueprint.get("/exams/<uuid:exam_id>/scheme")
def scheme(exam_id: UUID) -> ResponseReturnValue:
    """The marking scheme; administrators edit it here."""
    found = ask(rpc.GET_SCHEME, exam_id=exam_id, by=caller().actor)
    return exam_page("scheme.html", exam_id, "scheme", scheme=found)


@blueprint.get("/exams/<uuid:exam_id>/roster")
def roster(exam_id: UUID) -> ResponseReturnValue:
    """The candidates, and how to import them."""
    found = ask(rpc.LIST_CANDIDATES, part(limit=SHOWN), exam_id=exam_id, by=caller().actor)
    return exam_page("roster.html", exam_id, "roster", found=found)


@blueprint.get("/exams/<uuid:exam_id>/allocation")
def allocation(exam_id: UUID) -> ResponseReturnValue:
    """Who marks what; administrators choose the markers here."""
    found = ask(copies_rpc.GET_ALLOCATION, exam_id=exam_id, by=caller().actor)
    markers = [
        user
        for user in (users.index(Page(limit=SHOWN)).items if caller().role is Role.ADMIN else ())
        if user.active and user.role in MAY_MARK
    ]
    return exam_page("allocation.html", exam_id, "allocation", found=found, markers=markers)


@blueprint.get("/exams/<uuid:exam_id>/publication")
def publication(exam_id: UUID) -> ResponseReturnValue:
    """Whether the results can go out, and what is missing."""
    found = ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    missing = _missing(found)
    return show("publication.html", exam=found, current="publication", missing=missing, shown=SHOWN)


def _missing(exam: rpc.ExamView) -> list[copies_rpc.CopySummary]:
    """The first copies that hold a publication up: not graded or not identified."""
    wanted: list[dict[str, Any]] = [
        {"status": status}
        for status in CopyStatus
        if status is not CopyStatus.GRADED and exam.progress.by_status.get(status.value)
    ]
    if exam.progress.identified < exam.progress.copies:
        wanted.append({"identified": False})
    found: dict[UUID, copies_rpc.CopySummary] = {}
    for which in wanted:
        listed = ask(copies_rpc.LIST_COPIES, exam_id=exam.id, limit=SHOWN, by=caller().actor, **which)
        found.update((copy.id, copy) for copy in listed.items)
    return sorted(found.values(), key=lambda copy: copy.anonymous_id)[:SHOWN]


@blueprint.get("/exams/<uuid:exam_id>/access-codes")
def access_codes(exam_id: UUID) -> ResponseReturnValue:
    """Candidates' codes, to be printed."""
    return exam_page("access-codes.html", exam_id, "access-codes")

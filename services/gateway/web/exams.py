"""Exams: the list, a new one, one's way from scheme to results."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import redirect, request
from flask.typing import ResponseReturnValue

from contracts.errors import Unavailable
from contracts.model import Role
from contracts.rpc import ingest as ingest_rpc
from contracts.rpc.grading import copies as copies_rpc
from contracts.rpc.grading import exams as rpc
from contracts.rpc.grading.copies import CopyStatus
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.web import progress
from services.gateway.web.frame import blueprint, part, show

SHOWN = 200


def exam_page(template: str, exam_id: UUID, current: str, **context: Any) -> ResponseReturnValue:
    """A page inside an exam; ``current`` is its entry in the exam's navigation."""
    exam = ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    return show(template, exam=exam, current=current, **context)


@blueprint.get("/exams")
def exams() -> ResponseReturnValue:
    """All exams one may know of, the latest first, each with how far it is; one call to each service for all."""
    archived = caller().role is not Role.MARKER and "archived" in request.args
    found = ask(rpc.LIST_EXAMS, part(limit=50), archived=archived, by=caller().actor)
    shown = [] if caller().role is Role.MARKER else [exam.id for exam in found.items]
    paper = _paper(shown)
    ways = {exam.id: progress.steps(exam, paper.get(exam.id)) for exam in found.items}
    return show("exams.html", found=found, ways=ways, archived=archived)


def _paper(exam_ids: list[UUID]) -> dict[UUID, ingest_rpc.ExamPaper]:
    """What ingest has of these exams. Without ingest the rest of the page is still worth reading."""
    if not exam_ids:
        return {}
    try:
        found = ask(ingest_rpc.PAPER_OF_EXAMS, exam_ids=tuple(exam_ids))
    except Unavailable:
        return {}
    return {each.exam_id: each for each in found.items}


@blueprint.get("/exams/new")
def new_exam() -> ResponseReturnValue:
    return show("exam-new.html")


@blueprint.get("/exams/<uuid:exam_id>")
def exam(exam_id: UUID) -> ResponseReturnValue:
    """How far an exam is and what comes next; a marker goes straight to their copies."""
    if caller().role is Role.MARKER:
        return redirect(f"/exams/{exam_id}/copies", 303)
    found = ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    paper = _paper([exam_id]).get(exam_id)
    return show("exam.html", exam=found, current="overview", steps=progress.steps(found, paper), paper=paper)


@blueprint.get("/exams/<uuid:exam_id>/scheme")
def scheme(exam_id: UUID) -> ResponseReturnValue:
    """The marking scheme; administrators edit it here."""
    found = ask(rpc.GET_SCHEME, exam_id=exam_id, by=caller().actor)
    return exam_page("scheme.html", exam_id, "scheme", scheme=found)


@blueprint.get("/exams/<uuid:exam_id>/roster")
def roster(exam_id: UUID) -> ResponseReturnValue:
    """The candidates, and how to import them."""
    return exam_page("roster.html", exam_id, "roster")


@blueprint.get("/exams/<uuid:exam_id>/allocation")
def allocation(exam_id: UUID) -> ResponseReturnValue:
    """Who marks what; administrators choose the markers here."""
    return exam_page("allocation.html", exam_id, "allocation")


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

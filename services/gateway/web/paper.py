"""Paper: scans and booklets, and whose copy is whose; and the slow work that comes of it."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from flask.typing import ResponseReturnValue

from contracts.model import Model
from contracts.rpc.grading import copies as rpc
from services.gateway import reading
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.web.exams import exam_page
from services.gateway.web.frame import blueprint, show


class View(StrEnum):
    """Files that came in, booklets made of them, and whether the paper is good enough."""

    FILES = "files"
    DESK = "desk"
    REPORT = "report"


_TEMPLATES = {View.FILES: "scans.html", View.DESK: "scans-desk.html", View.REPORT: "scans-report.html"}


class ScansWanted(Model):
    """``late``: the copy to which sheets shall be joined."""

    view: View = View.FILES
    late: UUID | None = None


@blueprint.get("/exams/<uuid:exam_id>/scans")
def scans(exam_id: UUID) -> ResponseReturnValue:
    """Upload scans and watch them being read; arrange their booklets and make copies of them; judge the paper."""
    wanted = reading.query(ScansWanted, versioned=False)
    assert isinstance(wanted, ScansWanted)
    late = ask(rpc.GET_COPY, copy_id=wanted.late, by=caller().actor) if wanted.late else None
    return exam_page(_TEMPLATES[wanted.view], exam_id, "scans", view=wanted.view.value, late=late)


@blueprint.get("/jobs")
def jobs() -> ResponseReturnValue:
    """What goes on in the background, and what became of it."""
    return show("jobs.html")


@blueprint.get("/exams/<uuid:exam_id>/identification")
def identification(exam_id: UUID) -> ResponseReturnValue:
    """Give each copy its candidate."""
    return exam_page("identification.html", exam_id, "identification")

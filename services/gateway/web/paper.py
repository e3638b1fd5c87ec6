"""Paper: scans and booklets, and whose copy is whose."""

from __future__ import annotations

from uuid import UUID

from flask.typing import ResponseReturnValue

from services.gateway.web.exams import exam_page
from services.gateway.web.frame import blueprint


@blueprint.get("/exams/<uuid:exam_id>/scans")
def scans(exam_id: UUID) -> ResponseReturnValue:
    """Upload scans, watch them being read, see the booklets, assemble copies."""
    return exam_page("scans.html", exam_id, "scans")


@blueprint.get("/exams/<uuid:exam_id>/identification")
def identification(exam_id: UUID) -> ResponseReturnValue:
    """Give each copy its candidate."""
    return exam_page("identification.html", exam_id, "identification")

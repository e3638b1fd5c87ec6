"""The scan acceptance report of an exam, in words."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from contracts.model import Model
from contracts.rpc import ingest
from services.gateway import streams
from services.gateway.api import Page, Resource, shape
from services.gateway.context import ask
from services.gateway.streams import Image
from services.gateway.web import scan_words

scan_report = Resource("scan_report")

ScanFinding = shape(
    "ScanFinding", ingest.ScanFinding, without=("image",), replace={"text": (str, ...), "image": (Image | None, ...)}
)
PageCount = shape("PageCount", ingest.PageCount, replace={"text": (str, ...)})
ScanReport = shape(
    "ScanReport",
    ingest.ScanReport,
    without=("items", "pages"),
    replace={"pages": (PageCount, ...), "items": (tuple[ScanFinding, ...], ...)},  # type: ignore[valid-type]
)


class Counted(Page):
    """What was counted on the desk: copies, and sheets of paper in each."""

    expected_copies: int | None = Field(default=None, ge=0, le=100_000)
    sheets_per_copy: int | None = Field(default=None, ge=1, le=100)


@scan_report.operation("GET", "/exams/<uuid:exam_id>/scan-report", query=Counted, reply=ScanReport)
def show(exam_id: UUID, query: Counted) -> Model:
    """What is wrong with the paper of an exam, before anyone marks it, and whether all its pages are there."""
    found = ask(ingest.SCAN_REPORT, query, exam_id=exam_id)
    items = [
        {
            **each.model_dump(exclude={"image"}),
            "text": scan_words.finding(each),
            "image": streams.image(each.image) if each.image else None,
        }
        for each in found.items
    ]
    pages = {**found.pages.model_dump(), "text": scan_words.conservation(found.pages)}
    return ScanReport.model_validate({**found.model_dump(exclude={"items", "pages"}), "items": items, "pages": pages})

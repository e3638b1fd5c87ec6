"""The marking record (procès-verbal): everything the final PDF prints, frozen at finalisation."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Fraction, Instant, Model, Points
from contracts.records.pages import PageSource


class AnnotationType(StrEnum):
    COMMENT = "comment"
    HIGHLIGHT = "highlight"
    ERROR = "error"
    BONUS = "bonus"
    TICK = "tick"
    CROSS = "cross"
    PEN = "pen"


class AnnotationColour(StrEnum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class RecordedAnnotation(Model):
    """A vector mark. ``x, y, w, h`` and ``strokes`` are shares of the upright displayed page.

    ``strokes`` holds pen lines, each a list of ``(x, y)``; ``pressures`` how hard each of their points was pressed,
    where the pen told: a list of another length than its stroke says nothing. Without ``colour`` the type decides.
    ``score_delta`` explains a score; it is printed, never added.
    """

    id: UUID
    page_no: int = Field(ge=1)
    type: AnnotationType
    x: Fraction
    y: Fraction
    w: Fraction
    h: Fraction
    strokes: tuple[tuple[tuple[Fraction, Fraction], ...], ...] = ()
    content: str = ""
    score_delta: Points | None = None
    item_id: str | None = None
    pressures: tuple[tuple[Fraction, ...], ...] = ()
    colour: AnnotationColour | None = None


class RecordedPage(Model):
    page_no: int = Field(ge=1)
    blank: bool
    source: PageSource


class RecordedItem(Model):
    """One line of the score sheet, leaves of the scheme in order. ``path`` are the labels from the root down."""

    item_id: str
    path: tuple[str, ...]
    max_points: Points
    score: Points
    bonus: bool = False
    remark: str = ""


class MarkingRecord(Model):
    """One finalised revision. ``total`` is what every screen, export and PDF shows. Stored under ``records/``."""

    schema_version: Literal[1] = 1
    exam_id: UUID
    exam_title: str
    exam_date: date | None
    copy_id: UUID
    anonymous_id: str
    revision: int = Field(ge=1)
    scheme_version: int = Field(ge=1)
    pages: tuple[RecordedPage, ...]
    annotations: tuple[RecordedAnnotation, ...]
    items: tuple[RecordedItem, ...]
    total: Points
    total_points: Points
    appraisal: str = ""
    finalised_at: Instant
    language: Literal["fr", "en"] = "fr"

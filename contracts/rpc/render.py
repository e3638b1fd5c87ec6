"""What the gateway asks of render: answer sheets to print before the exam, exports to fetch after it."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Day, Model
from contracts.objects import ObjectRef
from contracts.rpc import Method

Layout = Literal["a3", "a4"]
Paper = Literal["ruled", "blank"]


class SheetsToPrint(Model):
    """So many copies of so many A4 pages each. ``a3``: double sheets to fold, nested when there are several.

    The same wishes give the same document, hence the same copy numbers; another ``batch`` gives others.
    """

    copies: int = Field(ge=1, le=1000)
    pages: int = Field(default=4, ge=1, le=64)
    layout: Layout = "a4"
    paper: Paper = "ruled"
    batch: int = Field(default=1, ge=1, le=1000)
    language: Literal["fr", "en"] = "fr"


class AnswerSheetsWanted(SheetsToPrint):
    """``title`` and ``date`` of the exam are printed; its id is in every code."""

    exam_id: UUID
    title: str
    date: Day | None = None


class AnswerSheets(Model):
    document: ObjectRef


# A thousand copies take some seconds to draw; who asks again after a 503 finds them made.
ANSWER_SHEETS = Method("render", "answer_sheets", AnswerSheetsWanted, AnswerSheets, timeout_s=20)


class GetExport(Model):
    export_id: UUID


ExportStatus = Literal["building", "done", "failed"]


class ExportedCopy(Model):
    """``missing``: its document is no longer in the store. ``damaged``: it is not what was stored."""

    copy_id: UUID
    anonymous_id: str
    outcome: Literal["done", "missing", "damaged"]


class ExportView(Model):
    """``document``: the zip; null until ``done``, and again once it was kept long enough."""

    id: UUID
    exam_id: UUID
    status: ExportStatus
    done: int
    total: int
    copies: tuple[ExportedCopy, ...]
    document: ObjectRef | None


GET_EXPORT = Method("render", "get_export", GetExport, ExportView)

"""The marking of a whole exam at once: the pile, its statistics, the results, the files made of them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.model import PROSE, Actor, Model, Points
from contracts.objects import ObjectRef
from contracts.rpc import Listing, Method, Once
from contracts.rpc.grading.copies import CopyStatus, ExamQuery

Coefficient = Points
"""A share in [0, 1] or a correlation in [-1, 1], rounded to thousandths; a decimal string like points."""


class PileItem(Model):
    """An item of the scheme in force; ``path`` are the labels from the exercise down."""

    item_id: str
    path: tuple[str, ...]
    points: Points
    bonus: bool


class PileCopy(Model):
    """``scores`` has the items marked so far; ``total`` is null while one is missing."""

    id: UUID
    anonymous_id: str
    status: CopyStatus
    marker: str | None
    scores: dict[str, Points]
    total: Points | None
    flagged: bool
    note: str
    annotations: int


class Pile(Model):
    """Every copy the caller may see, by anonymous id."""

    items: tuple[PileItem, ...]
    copies: tuple[PileCopy, ...]
    total_points: Points


class SetFlag(Model):
    """``note`` says why a copy is flagged; colleagues who see the copy read it."""

    copy_id: UUID
    flagged: bool
    note: Annotated[str, Field(max_length=500), PROSE] = ""
    by: Actor


class FlagView(Model):
    copy_id: UUID
    flagged: bool
    note: str


class Spread(Model):
    """A distribution in points, rounded to thousandths; every member is null when there is no mark.

    ``q1`` and ``q3`` are marks that were given: the smallest that a quarter, or three quarters, do not exceed.
    """

    count: int
    mean: Points | None = None
    deviation: Points | None = None
    lowest: Points | None = None
    q1: Points | None = None
    median: Points | None = None
    q3: Points | None = None
    highest: Points | None = None


class Bar(Model):
    """How many marks lie from ``low`` up to, but not including, ``high``; the last bar includes it."""

    low: Points
    high: Points
    count: int


class ItemStatistics(Model):
    """``facility``: mean score as a share of the points. ``discrimination``: correlation with all other items.

    ``zero`` and ``full``: how many of the ``count`` copies got nothing, and everything.
    """

    item_id: str
    path: tuple[str, ...]
    points: Points
    bonus: bool
    count: int
    mean: Points | None
    facility: Coefficient | None
    discrimination: Coefficient | None
    zero: int
    full: int


class MarkerStatistics(Model):
    """``marker`` is null for graded copies that were allocated to nobody. ``copies``: graded or not."""

    marker_id: UUID | None
    marker: str | None
    copies: int
    spread: Spread
    histogram: tuple[Bar, ...]


class Statistics(Model):
    """Of the graded copies that the caller may see; ``copies`` counts the others too.

    ``half_or_more``: how many reached half of the points. ``reliability``: Cronbach's alpha of the items.
    """

    exam_id: UUID
    copies: int
    total_points: Points
    spread: Spread
    half_or_more: int
    reliability: Coefficient | None
    histogram: tuple[Bar, ...]
    items: tuple[ItemStatistics, ...]
    markers: tuple[MarkerStatistics, ...]


ResultState = Literal["graded", "marking", "no_copy"]


class ListResults(Listing):
    exam_id: UUID
    by: Actor


class ResultView(Model):
    """One candidate. ``total`` and ``graded_at`` are null unless ``graded``."""

    candidate_id: UUID
    ine: str | None
    last_name: str
    first_name: str
    class_name: str = Field(serialization_alias="class", validation_alias="class", default="")
    state: ResultState
    copy_id: UUID | None
    anonymous_id: str | None
    revision: int | None
    total: Points | None
    graded_at: dt.datetime | None


class Results(Model):
    """All candidates by name. ``graded``, ``marking`` and ``no_copy`` count them; ``unidentified`` counts copies."""

    items: tuple[ResultView, ...]
    next: str | None
    total: int
    total_points: Points
    graded: int
    marking: int
    no_copy: int
    unidentified: int


class ResultsFile(Model):
    """``csv`` is for programs; ``pronote`` for French school software and spreadsheets."""

    exam_id: UUID
    format: Literal["csv", "pronote"]
    by: Actor


class FileMade(Model):
    """``file`` is only for the next few days; ``filename`` holds no name of a person."""

    file: ObjectRef
    filename: str


class StartExport(Once):
    """Gather the final documents of all graded copies into one zip, which render makes."""

    exam_id: UUID
    by: Actor


class ExportStarted(Model):
    export_id: UUID
    copies: int


GET_PILE = Method("grading", "get_pile", ExamQuery, Pile)
SET_FLAG = Method("grading", "set_flag", SetFlag, FlagView)
GET_STATISTICS = Method("grading", "get_statistics", ExamQuery, Statistics)
LIST_RESULTS = Method("grading", "list_results", ListResults, Results)
MAKE_RESULTS_FILE = Method("grading", "make_results_file", ResultsFile, FileMade)
START_EXPORT = Method("grading", "start_export", StartExport, ExportStarted)

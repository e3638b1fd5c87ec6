"""Exams, their scheme, their roster, their publication."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Base64Bytes, Field, PlainSerializer, StringConstraints

from contracts.model import ONE_LINE, Actor, Day, Model, Points
from contracts.objects import ObjectRef
from contracts.rpc import Listing, Method, Once
from contracts.rpc.ingest import Intake

Title = Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]


ErrorBudget = Annotated[
    Decimal,
    Field(ge=0, le=Decimal("0.05"), max_digits=6, decimal_places=5, allow_inf_nan=False),
    PlainSerializer(lambda value: format(value.normalize() + 0, "f"), return_type=str),
]
"""With what probability a copy may be given to the wrong candidate without anybody looking; 0: never. A string."""


class CreateExam(Once):
    """``total_points`` is what the scheme's leaves must add up to, bonus items aside.

    ``identification_error_budget``: null for the installation's.
    """

    title: Title
    date: Day | None = None
    total_points: Points = Field(default=Decimal(20), gt=0)
    intake: Intake
    pages_per_booklet: int = Field(default=4, ge=1, le=200)
    identification_error_budget: ErrorBudget | None = None
    by: Actor


class OneExam(Model):
    exam_id: UUID
    by: Actor


class ListExams(Listing):
    """``archived``: those that were deleted instead of those that were not; staff alone have any."""

    archived: bool = False
    by: Actor


class UpdateExam(Model):
    """Fields left out keep their value."""

    exam_id: UUID
    version: int
    title: Title | None = None
    date: Day | None = None
    total_points: Points | None = Field(default=None, gt=0)
    pages_per_booklet: int | None = Field(default=None, ge=1, le=200)
    class_statistics: bool | None = None
    check_printed_names: bool | None = None
    identification_error_budget: ErrorBudget | None = None
    forget_error_budget: bool = False  # the installation's holds from now on: over HTTP, a budget of null
    by: Actor


class DeleteExam(Model):
    """Soft: everything stays and ``restore_exam`` brings it back."""

    exam_id: UUID
    version: int
    by: Actor


class Progress(Model):
    """How many copies stand where; keys are copy states.

    ``identified`` counts copies with a candidate, ``allocated`` those with a marker.
    """

    copies: int
    identified: int
    allocated: int = 0
    by_status: dict[str, int]


class ExamView(Model):
    """``class_statistics``: with their own results candidates also read how the class did.

    ``identification_error_budget``: null when the installation's holds. ``check_printed_names``: names of the
    roster are looked for in the printed text of all pages.
    """

    id: UUID
    title: str
    date: dt.date | None
    total_points: Points
    intake: Intake
    pages_per_booklet: int
    version: int
    scheme_version: int
    candidates: int
    progress: Progress
    published_at: dt.datetime | None
    deleted_at: dt.datetime | None
    created_at: dt.datetime
    class_statistics: bool = False
    check_printed_names: bool = False
    identification_error_budget: ErrorBudget | None = None


class Exams(Model):
    items: tuple[ExamView, ...]
    next: str | None
    total: int


class SchemeNode(Model):
    """A branch has ``children``; a leaf has ``points`` and is an item that gets a score. ``bonus`` leaves do not
    count towards the exam's total. ``id`` is chosen by the client and unique in the scheme.
    """

    id: Annotated[str, Field(min_length=1, max_length=64), ONE_LINE]
    label: Title
    points: Points | None = Field(default=None, ge=0)
    bonus: bool = False
    children: tuple[SchemeNode, ...] = ()


class PutScheme(Model):
    """``version`` is the one read; 0 or nothing when there is none yet. ``step`` is the smallest part of a point.

    ``dry_run``: everything is checked and the impact told, nothing is stored.
    """

    exam_id: UUID
    version: int | None
    nodes: tuple[SchemeNode, ...]
    step: Points = Field(default=Decimal("0.25"), gt=0)
    dry_run: bool = False
    by: Actor


class SchemeImpact(Model):
    """What a change means for marking that has begun: copies with scores, and those with scores on items gone
    or now above their maximum.
    """

    marked_copies: int = 0
    affected_copies: int = 0


class SchemeView(Model):
    exam_id: UUID
    version: int
    nodes: tuple[SchemeNode, ...]
    step: Points
    total_points: Points
    impact: SchemeImpact = SchemeImpact()


SCHEME_FILE_BYTES = 200_000  # 500 questions of 200 letters


class ReadSchemeFile(OneExam):
    """``file``: a scheme as CSV, as somebody's spreadsheet wrote it. Nothing is stored."""

    file: Base64Bytes


class SchemeFileError(Model):
    """``row`` counts lines of the file from 1; ``field`` is the column."""

    row: int
    field: str
    value: str
    reason: str


class SchemeDraft(Model):
    """What a file says, to look at and to save: no ``nodes`` while there are ``errors``."""

    nodes: tuple[SchemeNode, ...]
    errors: tuple[SchemeFileError, ...] = ()


class SchemeFile(Model):
    """The scheme in force as CSV, for spreadsheets: a byte order mark, ``;``."""

    text: Annotated[str, StringConstraints(strip_whitespace=False)]


RosterPreset = Literal["generic", "pronote", "siecle", "cyclades"]
RosterField = Literal["ine", "last_name", "first_name", "full_name", "class", "birth_date"]
Header = Annotated[str, Field(min_length=1, max_length=200)]


class ReadRoster(Model):
    """``file`` is the CSV in the store, as the user sent it.

    ``preset``: where it comes from; ``mapping``: the headers of columns that are not found by themselves, by field.
    """

    exam_id: UUID
    file: ObjectRef
    preset: RosterPreset = "generic"
    mapping: dict[RosterField, Header] = Field(default_factory=dict)
    by: Actor


class ImportRoster(ReadRoster):
    """``partial``: rows with errors are left out instead of keeping all the others out."""

    dry_run: bool
    partial: bool = False


class FindBadRows(ReadRoster):
    """The rows that an import would refuse, in words of ``language``; nothing is written."""

    language: Literal["fr", "en"] = "fr"


class BadRows(Model):
    """``file``: the rows as CSV, each with its number and what is wrong; only for the next few days."""

    file: ObjectRef


class LookAtRoster(ReadRoster):
    """Which columns an import would use. Nothing is written."""


class RosterColumn(Model):
    """``header`` is the column that says ``field``."""

    field: RosterField
    header: str


class RosterLook(Model):
    """The file as it was understood: its ``header``, the first ``rows``, how many ``records`` there are.

    ``columns`` are those found, by header or as said; both names may be missing, which an import refuses.
    """

    header: tuple[str, ...]
    columns: tuple[RosterColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    records: int


class SkippedRow(Model):
    row: int
    reason: str


class RowError(Model):
    row: int
    field: str
    value: str
    reason: str


class RosterReport(Model):
    """Every record of the file is in exactly one count or list. ``row`` counts lines of the file from 1."""

    dry_run: bool = False
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: tuple[SkippedRow, ...] = ()
    errors: tuple[RowError, ...] = ()


class ListCandidates(Listing):
    exam_id: UUID
    by: Actor


class CandidateView(Model):
    """``person_id`` is the same in every exam this person sits; access codes belong to it."""

    id: UUID
    person_id: UUID
    ine: str | None
    last_name: str
    first_name: str
    class_name: str = Field(serialization_alias="class", validation_alias="class", default="")
    birth_date: dt.date | None
    copy_id: UUID | None


class Candidates(Model):
    items: tuple[CandidateView, ...]
    next: str | None
    total: int


class Publish(Model):
    exam_id: UUID
    by: Actor


class PublicationView(Model):
    exam_id: UUID
    published: bool
    publication: int
    copies: int
    published_at: dt.datetime | None


class OwnResults(Model):
    """What one person may read about themselves."""

    person_id: UUID


class ResultItem(Model):
    label: str
    score: Points
    max_points: Points
    remark: str


class EarlierResult(Model):
    """A revision that was published before the one shown now.

    ``reason`` says why it was opened again, at ``changed_at``; null when new paper replaced the old.
    """

    revision: int
    total: Points
    published_at: dt.datetime
    reason: str | None
    changed_at: dt.datetime


class ClassStatistics(Model):
    """How all who could read their results of this exam did; quartiles are marks that were given."""

    copies: int
    mean: Points
    q1: Points
    median: Points
    q3: Points


class WithdrawnResult(Model):
    """An exam whose results this person could read, and cannot now: they are being reviewed."""

    exam_title: str
    exam_date: dt.date | None
    withdrawn_at: dt.datetime


class CandidateResult(Model):
    """``statistics`` only where the exam shows them and the class is large enough to hide in."""

    exam_id: UUID
    exam_title: str
    exam_date: dt.date | None
    copy_id: UUID
    total: Points
    total_points: Points
    appraisal: str
    items: tuple[ResultItem, ...]
    revision: int
    published_at: dt.datetime
    earlier: tuple[EarlierResult, ...] = ()
    statistics: ClassStatistics | None = None


class CandidateResults(Model):
    last_name: str
    first_name: str
    items: tuple[CandidateResult, ...]
    withdrawn: tuple[WithdrawnResult, ...] = ()


class OwnDocument(Model):
    person_id: UUID
    copy_id: UUID


class Document(Model):
    """A final PDF. ``filename`` holds no name of a person."""

    object: ObjectRef
    filename: str
    kind: Literal["final"] = "final"


CREATE_EXAM = Method("grading", "create_exam", CreateExam, ExamView)
GET_EXAM = Method("grading", "get_exam", OneExam, ExamView)
LIST_EXAMS = Method("grading", "list_exams", ListExams, Exams)
UPDATE_EXAM = Method("grading", "update_exam", UpdateExam, ExamView)
DELETE_EXAM = Method("grading", "delete_exam", DeleteExam, ExamView)
RESTORE_EXAM = Method("grading", "restore_exam", OneExam, ExamView)
GET_SCHEME = Method("grading", "get_scheme", OneExam, SchemeView)
PUT_SCHEME = Method("grading", "put_scheme", PutScheme, SchemeView)
READ_SCHEME_FILE = Method("grading", "read_scheme_file", ReadSchemeFile, SchemeDraft)
WRITE_SCHEME_FILE = Method("grading", "write_scheme_file", OneExam, SchemeFile)
IMPORT_ROSTER = Method("grading", "import_roster", ImportRoster, RosterReport, timeout_s=30)
LOOK_AT_ROSTER = Method("grading", "look_at_roster", LookAtRoster, RosterLook, timeout_s=10)
FIND_BAD_ROWS = Method("grading", "find_bad_rows", FindBadRows, BadRows, timeout_s=30)
LIST_CANDIDATES = Method("grading", "list_candidates", ListCandidates, Candidates)
PUBLISH = Method("grading", "publish", Publish, PublicationView, timeout_s=10)
WITHDRAW = Method("grading", "withdraw", Publish, PublicationView)
OWN_RESULTS = Method("grading", "own_results", OwnResults, CandidateResults)
OWN_DOCUMENT = Method("grading", "own_document", OwnDocument, Document)

"""Copies: who they belong to, who marks them, what the marking says."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contracts.model import PROSE, Actor, Fraction, Model, Points
from contracts.objects import ImageRef
from contracts.records.marking import AnnotationColour, AnnotationType
from contracts.records.pages import Cover
from contracts.records.sheet import MAX_FIELDS, Zone
from contracts.rpc import AskedAgain, Done, Listing, LookForStuck, Method, Once
from contracts.rpc.grading.exams import Document

T = TypeVar("T")


class CopyStatus(StrEnum):
    """STAGING is ingest's: grading knows a copy from READY on."""

    STAGING = "STAGING"
    READY = "READY"
    LOCKED = "LOCKED"
    GRADING_IN_PROGRESS = "GRADING_IN_PROGRESS"
    GRADED = "GRADED"
    GRADING_FAILED = "GRADING_FAILED"


class OneCopy(Model):
    copy_id: UUID
    by: Actor


class ListCopies(Listing):
    exam_id: UUID
    status: CopyStatus | None = None
    marker_id: UUID | None = None
    identified: bool | None = None
    by: Actor


class LockView(Model):
    """Only the holder ever gets ``token``."""

    owner: str
    owner_id: UUID
    expires_at: dt.datetime
    token: str | None = None


class PageView(Model):
    """``header_masked``: what this caller sees of the page has its header zone hidden.

    ``covered``: zones that a person hides from markers; staff see what is below them.
    """

    page_no: int
    blank: bool
    width_px: int
    height_px: int
    header_masked: bool
    covered: tuple[Cover, ...]


class CopySummary(Model):
    """``candidate_id`` and ``identified`` are null for a marker.

    ``paper_revision`` grows with every change of its pages and makes a good ``v`` for the addresses of their images.
    """

    id: UUID
    exam_id: UUID
    anonymous_id: str
    status: CopyStatus
    page_count: int
    revision: int
    paper_revision: int
    lock: LockView | None
    marker_id: UUID | None
    marker: str | None
    total: Points | None
    identified: bool | None
    candidate_id: UUID | None
    error_message: str | None
    version: int


class CopyView(CopySummary):
    pages: tuple[PageView, ...]
    final_available: bool


class Copies(Model):
    items: tuple[CopySummary, ...]
    next: str | None
    total: int


class PageImage(Model):
    copy_id: UUID
    page_no: int = Field(ge=1)
    size: Literal["full", "screen", "thumb"]
    by: Actor


class PageImageFound(Model):
    """``image`` to stream; null when ingest must make it: then ``masked`` says which one to ask for."""

    image: ImageRef | None
    masked: bool


class Suggestion(Model):
    """``confidence`` in [0, 1]: how probable the candidate is if this copy were the only one.

    ``by_place``: the pile follows the list, and between this copy's neighbours there the candidate has a place.
    """

    candidate_id: UUID
    last_name: str
    first_name: str
    class_name: str = Field(serialization_alias="class", validation_alias="class", default="")
    confidence: Fraction
    by_place: bool = False


class IdentificationView(Model):
    """``reading``: lines as read, null while reading has not answered. ``header`` is the zone's image.

    ``decided_by`` is null for a copy that nobody looked at. ``probability`` is that of the candidate whom the last
    matching of the whole exam found likeliest. ``doubt``: the copy and another one fit better ``exchanged``, or its
    candidate is ``unlikely`` beside another; confirming it answers the doubt.
    """

    copy_id: UUID
    anonymous_id: str
    candidate_id: UUID | None
    reading: tuple[str, ...] | None
    reading_outcome: str | None
    suggestions: tuple[Suggestion, ...]
    header: ImageRef | None
    decided_by: Literal["person", "machine"] | None = None
    probability: Fraction | None = None
    doubt: Literal["exchanged", "unlikely"] | None = None


class ListIdentification(Listing):
    exam_id: UUID
    pending_only: bool = True
    by: Actor


class Identify(Model):
    """``replaces`` is the candidate this copy has now, when it has one: a change names what it changes."""

    copy_id: UUID
    candidate_id: UUID
    replaces: UUID | None = None
    by: Actor


class Marker(Model):
    id: UUID
    name: str


class Allocate(Model):
    """Spread READY copies that have no marker over ``markers``, evenly; again with the same markers: no change.

    ``taken_from``: instead, READY copies of this marker, who keeps ``keeping`` of them. Said so, and not as how many
    move: asked twice it is done once.
    """

    exam_id: UUID
    markers: tuple[Marker, ...] = Field(min_length=1)
    taken_from: UUID | None = None
    keeping: int = Field(default=0, ge=0, le=100_000)
    by: Actor


class ExamQuery(Model):
    exam_id: UUID
    by: Actor


class Matching(Model):
    """An exam after its copies were matched with its roster. ``unread``: headers that gave nothing to go by."""

    copies: int
    identified: int
    by_machine: int
    doubtful: int
    unread: int


class IdentificationQueue(Model):
    """``standing`` counts all copies of the exam, whatever part of them is listed."""

    items: tuple[IdentificationView, ...]
    next: str | None
    total: int
    standing: Matching | None = None


class ReadAgain(Model):
    """``copies``: how many headers are being read once more."""

    copies: int


class PutSheetModel(Model):
    """``zones`` in shares of the header image of ``sample_copy_id``."""

    exam_id: UUID
    sample_copy_id: UUID
    zones: tuple[Zone, ...] = Field(min_length=1, max_length=MAX_FIELDS)
    by: Actor


class SheetModelView(Model):
    exam_id: UUID
    sample_copy_id: UUID
    sample: ImageRef
    zones: tuple[Zone, ...]


class Allocation(Model):
    """``by_status``: how far this marker is; keys are copy states."""

    marker_id: UUID
    marker: str
    copy_ids: tuple[UUID, ...]
    by_status: dict[str, int] = Field(default_factory=dict)


class Allocations(Model):
    items: tuple[Allocation, ...]
    unallocated: int


class TakeLock(Model):
    copy_id: UUID
    by: Actor


class HeldLock(Model):
    """A marking write: only the holder of the lock's ``token`` may."""

    copy_id: UUID
    token: str | None
    by: Actor


class PutDraft(HeldLock):
    """``version`` is the draft version the client last saw, 0 for none. A retry of the same save answers the same."""

    client_id: str = Field(min_length=1, max_length=64)
    version: int = Field(ge=0)
    payload: dict[str, Any]


class DraftView(Model):
    copy_id: UUID
    client_id: str | None
    version: int
    payload: dict[str, Any] | None
    updated_at: dt.datetime | None


Prose = Annotated[str, Field(max_length=4000), PROSE]
PEN_POINTS = 10_000  # three minutes of uninterrupted drawing at 60 points a second


def _bounded(strokes: tuple[tuple[T, ...], ...]) -> tuple[tuple[T, ...], ...]:
    if sum(map(len, strokes)) > PEN_POINTS:
        raise PydanticCustomError("too_long", "at most {most} points", {"most": PEN_POINTS})
    return strokes


Strokes = Annotated[tuple[tuple[tuple[Fraction, Fraction], ...], ...], AfterValidator(_bounded)]
Pressures = Annotated[tuple[tuple[Fraction, ...], ...], AfterValidator(_bounded)]


class AnnotationFields(Model):
    """Shares of the upright displayed page; ``points`` are pen strokes, each a list of [x, y].

    ``pressures`` has one list for each stroke, one number for each of its points; a list of another length says
    nothing. Without ``colour`` the type decides. ``comment_id`` is the comment of the bank that was used.
    """

    page: int = Field(ge=1)
    type: AnnotationType
    x: Fraction
    y: Fraction
    w: Fraction
    h: Fraction
    points: Strokes = ()
    content: Prose = ""
    score_delta: Points | None = None
    item_id: str | None = None
    pressures: Pressures = ()
    colour: AnnotationColour | None = None
    comment_id: UUID | None = None


class CreateAnnotation(HeldLock, Once):
    annotation: AnnotationFields


class ChangeAnnotation(Model):
    """Fields left out keep their value."""

    annotation_id: UUID
    token: str | None
    version: int
    x: Fraction | None = None
    y: Fraction | None = None
    w: Fraction | None = None
    h: Fraction | None = None
    points: Strokes | None = None
    content: Prose | None = None
    score_delta: Points | None = None
    item_id: str | None = None
    pressures: Pressures | None = None
    colour: AnnotationColour | None = None
    by: Actor


class RemoveAnnotation(Model):
    annotation_id: UUID
    token: str | None
    version: int
    by: Actor


class AnnotationView(AnnotationFields):
    id: UUID
    copy_id: UUID
    version: int
    updated_at: dt.datetime


class Annotations(Model):
    items: tuple[AnnotationView, ...]
    next: str | None = None
    total: int


class PutScores(HeldLock):
    """Replaces all scores, remarks and the appraisal. ``version`` may be left out only for the first write."""

    version: int | None = None
    scores: dict[str, Points]
    remarks: dict[str, Prose] = Field(default_factory=dict)
    appraisal: Prose = ""


class ScoresView(Model):
    """``total`` is null while ``missing`` items have no score."""

    copy_id: UUID
    version: int
    scores: dict[str, Points]
    remarks: dict[str, str]
    appraisal: str
    total: Points | None
    total_points: Points
    missing: tuple[str, ...]
    scheme_version: int


class Finalise(HeldLock):
    """``token`` may be missing when the copy is GRADING_FAILED: then it is a retry by its owner or an admin."""


class FinaliseStarted(Model):
    """``already``: the copy was graded before; nothing was started."""

    copy_id: UUID
    exam_id: UUID
    revision: int
    attempt: int
    status: CopyStatus
    already: bool


class Reopen(OneCopy):
    """``reason`` may be missing for a copy that candidates could never read; the others are shown it."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), PROSE] | None = None


class AuditEvent(Model):
    seq: int
    action: str
    actor: str
    actor_id: UUID | None
    at: dt.datetime
    details: dict[str, Any]


class AuditTrail(Model):
    items: tuple[AuditEvent, ...]
    next: str | None
    total: int


class ListAudit(Listing):
    copy_id: UUID
    by: Actor


LIST_COPIES = Method("grading", "list_copies", ListCopies, Copies)
EXPECT_PAPER = Method("grading", "expect_paper", OneCopy, Done)
GET_COPY = Method("grading", "get_copy", OneCopy, CopyView)
PAGE_IMAGE = Method("grading", "page_image", PageImage, PageImageFound)
IDENTIFICATION_QUEUE = Method("grading", "identification_queue", ListIdentification, IdentificationQueue)
IDENTIFY = Method("grading", "identify", Identify, IdentificationView)
UNIDENTIFY = Method("grading", "unidentify", OneCopy, IdentificationView)
# Headers not yet compared with this roster are compared first, and others may be writing in the exam meanwhile.
SOLVE_IDENTIFICATION = Method("grading", "solve_identification", ExamQuery, Matching, timeout_s=20)
READ_AGAIN = Method("grading", "read_again", OneCopy, IdentificationView)
READ_FAILED_AGAIN = Method("grading", "read_failed_again", ExamQuery, ReadAgain)
GET_SHEET_MODEL = Method("grading", "get_sheet_model", ExamQuery, SheetModelView)
PUT_SHEET_MODEL = Method("grading", "put_sheet_model", PutSheetModel, SheetModelView)
REMOVE_SHEET_MODEL = Method("grading", "remove_sheet_model", ExamQuery, Done)
ALLOCATE = Method("grading", "allocate", Allocate, Allocations)
GET_ALLOCATION = Method("grading", "get_allocation", ExamQuery, Allocations)
TAKE_LOCK = Method("grading", "take_lock", TakeLock, LockView)
RENEW_LOCK = Method("grading", "renew_lock", HeldLock, LockView)
RELEASE_LOCK = Method("grading", "release_lock", HeldLock, Done)
GET_DRAFT = Method("grading", "get_draft", OneCopy, DraftView)
PUT_DRAFT = Method("grading", "put_draft", PutDraft, DraftView)
LIST_ANNOTATIONS = Method("grading", "list_annotations", OneCopy, Annotations)
CREATE_ANNOTATION = Method("grading", "create_annotation", CreateAnnotation, AnnotationView)
CHANGE_ANNOTATION = Method("grading", "change_annotation", ChangeAnnotation, AnnotationView)
REMOVE_ANNOTATION = Method("grading", "remove_annotation", RemoveAnnotation, Done)
GET_SCORES = Method("grading", "get_scores", OneCopy, ScoresView)
PUT_SCORES = Method("grading", "put_scores", PutScores, ScoresView)
FINALISE = Method("grading", "finalise", Finalise, FinaliseStarted)
ASK_FOR_STUCK_COPIES = Method("grading", "ask_for_stuck_copies", LookForStuck, AskedAgain)
REOPEN = Method("grading", "reopen", Reopen, CopyView)
FINAL_DOCUMENT = Method("grading", "final_document", OneCopy, Document)
COPY_EVENTS = Method("grading", "copy_events", ListAudit, AuditTrail)

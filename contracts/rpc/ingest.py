"""What the gateway asks of ingest: uploads, booklets, assembling. Staging is undoable; assembling is not."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Actor, Fraction, Model
from contracts.objects import ImageRef, ObjectRef
from contracts.records.pages import Box, Cover
from contracts.rpc import AskedAgain, Done, Listing, LookForStuck, Method, Once


class Intake(StrEnum):
    """How the paper was fed: A3 double sheets, or A4 pages cut every ``pages_per_booklet``."""

    A3 = "a3"
    A4 = "a4"


class Grouping(StrEnum):
    """What tells where an A4 copy ends: the number of its pages, the next header, or the file. A3: headers."""

    EVERY_N = "every_n"
    BY_HEADER = "by_header"
    ONE_PER_FILE = "one_per_file"


class ScanProfile(Model):
    """What is known about the paper. ``pages_per_booklet`` in A4 pages, where the pile is cut every so many."""

    intake: Intake
    pages_per_booklet: int = Field(default=4, ge=1, le=200)
    grouping: Grouping = Grouping.EVERY_N


class UploadStatus(StrEnum):
    SPLITTING = "splitting"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RegisterUpload(Once):
    """``object``, a PDF or a zip of them, is already in the store.

    The same bytes for the same exam give the first upload again.
    """

    exam_id: UUID
    profile: ScanProfile
    object: ObjectRef
    filename: str
    by: Actor


class Anomaly(Model):
    """Something a person must settle. ``code`` is stable; ``side_no`` (PDF page) and ``booklet_id`` say where."""

    code: str
    side_no: int | None = None
    booklet_id: UUID | None = None


class UploadPart(Model):
    """One file of a zip: an upload of that ``id``, or, ``failed`` with an ``error``, none at all."""

    id: UUID
    name: str
    status: UploadStatus
    error: dict[str, object] | None = None


class UploadView(Model):
    """``pages`` counts A4 faces found so far; progress is ``sides_done`` of ``sides`` (PDF pages).

    A zip has ``parts``, over which it counts; each of its scans is an upload of its own besides. ``repeated``: this one
    failed or was cancelled, and the same file is there again since.
    """

    id: UUID
    exam_id: UUID
    status: UploadStatus
    sides: int
    sides_done: int
    pages: int
    booklets: int
    anomalies: tuple[Anomaly, ...]
    error: dict[str, object] | None = None
    filename: str
    created_at: datetime
    parts: tuple[UploadPart, ...] = ()
    repeated: bool = False


class UploadRegistered(Model):
    upload: UploadView
    created: bool


class OneUpload(Model):
    upload_id: UUID


class OfExam(Listing):
    exam_id: UUID


class Uploads(Model):
    items: tuple[UploadView, ...]
    next: str | None
    total: int


class StagedPage(Model):
    """A page before it is assembled. ``turn_deg`` is what a person added, clockwise."""

    id: UUID
    page_no: int
    side_no: int
    half: Literal["whole", "left", "right"]
    blank: bool
    has_header: bool
    turn_deg: Literal[0, 90, 180, 270]
    dropped: bool
    screen: ImageRef
    thumb: ImageRef


class BookletView(Model):
    """Contiguous pages of one candidate. ``doubts`` empty means certain. ``copy_id`` once assembled.

    ``set_aside``: stray paper; it is neither certain nor doubtful, and can be taken back. ``confidence``: how probable
    its pages are in this order, 0 to 1; null once a person arranged them.
    """

    id: UUID
    exam_id: UUID
    upload_id: UUID
    position: int
    first_side: int
    doubts: tuple[str, ...]
    copy_id: UUID | None
    set_aside: bool = False
    version: int
    pages: tuple[StagedPage, ...]
    confidence: float | None = None


class Booklets(Model):
    items: tuple[BookletView, ...]
    next: str | None
    total: int


class OneBooklet(Model):
    booklet_id: UUID


class PageEdit(Model):
    """How one page shall stand. ``turn_deg`` replaces the turn a person gave before."""

    id: UUID
    turn_deg: Literal[0, 90, 180, 270] = 0
    dropped: bool = False


class EditBooklet(Model):
    """All pages of the booklet, in their new order: pages are conserved, so leaving one out is refused."""

    booklet_id: UUID
    version: int
    pages: tuple[PageEdit, ...]
    by: Actor


class SplitBooklet(Once):
    """``before_page`` (from 2) becomes the first page of a new booklet."""

    booklet_id: UUID
    version: int
    before_page: int = Field(ge=2)
    by: Actor


class MergeBooklets(Once):
    """Pages of all, in the order given, in the first one."""

    exam_id: UUID
    booklet_ids: tuple[UUID, ...] = Field(min_length=2)
    by: Actor


class InsertPages(Once):
    """Take pages of another booklet of the same exam, perhaps of another upload, into this one.

    ``before_page`` counts from 1 and is the place behind the last page when absent. ``page_ids``: in the order they
    shall have; none named means all of ``source_id``, which is then gone.
    """

    booklet_id: UUID
    version: int
    before_page: int | None = Field(default=None, ge=1)
    source_id: UUID
    source_version: int = Field(ge=0, lt=1 << 31)
    page_ids: tuple[UUID, ...] = Field(default=(), max_length=1000)
    by: Actor


class ActKind(StrEnum):
    """What somebody did to booklets in staging."""

    ARRANGE = "arrange"
    SPLIT = "split"
    MERGE = "merge"
    INSERT = "insert"
    SET_ASIDE = "set_aside"
    TAKE_BACK = "take_back"


class StagingAct(Model):
    """``booklet_ids``: all that it touched, those it made or emptied among them."""

    id: UUID
    kind: ActKind
    booklet_ids: tuple[UUID, ...]
    done_by: UUID
    done_at: datetime
    undone_by: UUID | None
    undone_at: datetime | None


class StagingActs(Model):
    items: tuple[StagingAct, ...]
    next: str | None
    total: int


class UndoAct(Once):
    """Undo ``act_id``, or else the exam's last act that can be undone."""

    exam_id: UUID
    act_id: UUID | None = None
    by: Actor


class UndoInBooklet(Once):
    """Undo the last act that touched this booklet."""

    booklet_id: UUID
    version: int
    by: Actor


class DropBooklet(Model):
    """Set a booklet aside with all its pages (stray paper); ``restore`` takes it back."""

    booklet_id: UUID
    version: int
    restore: bool = False
    by: Actor


class AssembleCopy(Once):
    """Join booklets, in the order given, into one copy.

    Where no header was found on the first page of a booklet, its upper part is hidden from markers;
    ``first_page_bare`` is a person's word that no name stands there.
    """

    exam_id: UUID
    booklet_ids: tuple[UUID, ...] = Field(min_length=1)
    first_page_bare: bool = False
    by: Actor


class AssembleCertain(Once):
    exam_id: UUID
    by: Actor


class Assembled(Model):
    """``copy_ids`` assembled now; ``left`` are the booklets that stay in staging because of a doubt."""

    copy_ids: tuple[UUID, ...]
    left: tuple[UUID, ...]


class AddPaper(Once):
    """Join late sheets to a copy, behind the pages it has: those keep their numbers, because marks refer to them.

    ``first_page_bare`` as in AssembleCopy.
    """

    copy_id: UUID
    booklet_ids: tuple[UUID, ...] = Field(min_length=1)
    first_page_bare: bool = False
    by: Actor


class PaperAdded(Model):
    """The copy's paper is at ``revision`` now."""

    copy_id: UUID
    revision: int
    page_count: int


class Area(Box):
    """A box that is neither a line nor a point."""

    w: Annotated[Fraction, Field(gt=0)]
    h: Annotated[Fraction, Field(gt=0)]


class CoverZone(Once):
    """Hide a zone of a page from markers. What reaches over the edge of the page is cut off."""

    copy_id: UUID
    page_no: int = Field(ge=1)
    box: Area
    by: Actor


class UncoverZone(Model):
    """Show a covered zone again. ``cover_id`` is of a cover of this copy."""

    copy_id: UUID
    cover_id: UUID
    by: Actor


class ZoneCovered(Model):
    """The copy's paper is at ``revision`` now; markers see it as soon as grading has heard of that."""

    copy_id: UUID
    revision: int
    page_no: int
    cover: Cover


class WantScanReport(OfExam):
    """``expected_copies``, ``sheets_per_copy``: what was counted on the desk; sheets of paper, not pages."""

    expected_copies: int | None = Field(default=None, ge=0, le=100_000)
    sheets_per_copy: int | None = Field(default=None, ge=1, le=100)


class ScanFinding(Model):
    """``code`` is a doubt or one of ``services/ingest/report.py``; ``details`` fill its words.

    ``side_no`` is the PDF page, ``half`` the part of it, ``page_no`` the page's place in its booklet. ``image``: the
    page to look at.
    """

    code: str
    severity: Literal["error", "warning", "info"]
    upload_id: UUID | None
    filename: str | None
    side_no: int | None
    half: Literal["whole", "left", "right"] | None
    booklet_id: UUID | None
    copy_id: UUID | None
    page_id: UUID | None
    page_no: int | None
    details: dict[str, Any]
    image: ImageRef | None


class PageCount(Model):
    """Pages of complete uploads, and where they are: each in one place. ``holds``: none is missing, none is twice."""

    originals: int
    in_copies: int
    in_staging: int
    set_aside: int
    dropped: int
    holds: bool


class ScanReport(Model):
    """What is wrong with an exam's paper. ``errors``, ``warnings``, ``infos`` and ``total`` count all findings."""

    pages: PageCount
    uploads: int
    copies: int
    booklets: int
    errors: int
    warnings: int
    infos: int
    items: tuple[ScanFinding, ...]
    next: str | None
    total: int


class PaperWanted(Model):
    exam_ids: tuple[UUID, ...] = Field(max_length=200)


class ExamPaper(Model):
    """How far the paper of one exam is. ``reading``: uploads still being cut; booklets: ``staged`` wait to be
    assembled, ``doubtful`` ones of them wait for a person.
    """

    exam_id: UUID
    uploads: int
    reading: int
    staged: int
    doubtful: int


class PaperOfExams(Model):
    """Exams without any paper are left out."""

    items: tuple[ExamPaper, ...]


class PageImageWanted(Model):
    """``page_no`` of an assembled copy, at its native resolution, upright. ``masked``: without the header."""

    copy_id: UUID
    page_no: int = Field(ge=1)
    masked: bool


class CancelUpload(Model):
    upload_id: UUID
    by: Actor


class RepeatUpload(Once):
    """Read a file again that failed or was cancelled, without sending it again.

    ``part_id`` is one failed file of a zip. Anything else becomes a new upload of the same file.
    """

    upload_id: UUID
    part_id: UUID | None = None
    by: Actor


class ConfirmUpload(Model):
    """A person saw every page of an upload whose file had to be repaired, or whose paper is of an odd size."""

    upload_id: UUID
    by: Actor


# Registering looks into the file in the child process, hence the longer wait.
REGISTER_UPLOAD = Method("ingest", "register_upload", RegisterUpload, UploadRegistered, timeout_s=20)
GET_UPLOAD = Method("ingest", "get_upload", OneUpload, UploadView)
LIST_ARCHIVES = Method("ingest", "list_archives", OfExam, Uploads)
LIST_UPLOADS = Method("ingest", "list_uploads", OfExam, Uploads)
CANCEL_UPLOAD = Method("ingest", "cancel_upload", CancelUpload, UploadView)
REPEAT_UPLOAD = Method("ingest", "repeat_upload", RepeatUpload, UploadRegistered, timeout_s=20)
CONFIRM_UPLOAD = Method("ingest", "confirm_upload", ConfirmUpload, UploadView)
ASK_FOR_STUCK_UPLOADS = Method("ingest", "ask_for_stuck_uploads", LookForStuck, AskedAgain)
LIST_BOOKLETS = Method("ingest", "list_booklets", OfExam, Booklets)
GET_BOOKLET = Method("ingest", "get_booklet", OneBooklet, BookletView)
EDIT_BOOKLET = Method("ingest", "edit_booklet", EditBooklet, BookletView)
SPLIT_BOOKLET = Method("ingest", "split_booklet", SplitBooklet, Booklets)
MERGE_BOOKLETS = Method("ingest", "merge_booklets", MergeBooklets, BookletView)
INSERT_PAGES = Method("ingest", "insert_pages", InsertPages, Booklets)
LIST_STAGING_ACTS = Method("ingest", "list_staging_acts", OfExam, StagingActs)
UNDO_ACT = Method("ingest", "undo_act", UndoAct, Booklets)
UNDO_IN_BOOKLET = Method("ingest", "undo_in_booklet", UndoInBooklet, Booklets)
DROP_BOOKLET = Method("ingest", "drop_booklet", DropBooklet, Done)
ASSEMBLE_COPY = Method("ingest", "assemble_copy", AssembleCopy, Assembled)
ASSEMBLE_CERTAIN = Method("ingest", "assemble_certain", AssembleCertain, Assembled, timeout_s=20)
ADD_PAPER = Method("ingest", "add_paper", AddPaper, PaperAdded)
COVER_ZONE = Method("ingest", "cover_zone", CoverZone, ZoneCovered, timeout_s=10)
UNCOVER_ZONE = Method("ingest", "uncover_zone", UncoverZone, Done, timeout_s=10)
PAPER_OF_EXAMS = Method("ingest", "paper_of_exams", PaperWanted, PaperOfExams)
SCAN_REPORT = Method("ingest", "scan_report", WantScanReport, ScanReport)
FULL_PAGE_IMAGE = Method("ingest", "full_page_image", PageImageWanted, ImageRef, timeout_s=10)

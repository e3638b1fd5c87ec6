"""Scans come in, one by one or zipped: spooled to disk while hashed and capped, kept, then registered with ingest."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from typing import IO, Any, BinaryIO, cast
from uuid import UUID

import flask
from flask import Response, request
from werkzeug.datastructures import FileStorage

from contracts import files
from contracts.errors.gateway import EmptyFile, ExamDeleted, NotAPdf, TooLarge, WrongMediaType
from contracts.model import Model
from contracts.rpc import ingest
from contracts.rpc.grading import exams as rpc
from services.gateway import idempotency, jobs
from services.gateway.api import Answer, Page, Resource, respond, shape
from services.gateway.auth import caller
from services.gateway.context import ask, gateway
from services.gateway.jobs import Job, JobType
from services.gateway.problems import in_words
from services.gateway.reading import refuse_fields

uploads = Resource("uploads")

MULTIPART = "multipart/form-data"
FORM_OVERHEAD = 64 * 1024  # boundaries and headers of the multipart body around the file


class Pile(Model):
    """How a pile of A4 pages is told apart into copies; A3 double sheets are by their headers, whatever is said."""

    grouping: ingest.Grouping = ingest.Grouping.EVERY_N


class Request(flask.Request):
    """Files go to disk as they arrive, hashed on the way; the file is closed, and so gone, with the request."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return cast(IO[bytes], Spool(gateway().settings.spool_directory))


class Spool:
    """A temporary file without a name that hashes what is written to it, front to back."""

    def __init__(self, directory: str | None) -> None:
        self._file = tempfile.TemporaryFile(dir=directory, prefix="korrigo-")  # noqa: SIM115  # the request closes it
        self._sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        self.size += len(data)
        return self._file.write(data)

    def digest(self) -> bytes:
        return self._sha256.digest()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


_again = {"repeatable": (bool, False)}
PartSeen = shape("UploadPart", ingest.UploadPart, replace=_again)
UploadSeen = shape(
    "Upload",
    ingest.UploadView,
    without=("parts",),
    replace={"parts": (tuple[PartSeen, ...], ()), "job_id": (UUID | None, None), **_again},  # type: ignore[valid-type]
)
UploadsSeen = shape(
    "Uploads",
    ingest.Uploads,
    without=("items",),
    replace={"items": (tuple[UploadSeen, ...], ...)},  # type: ignore[valid-type]
)


@uploads.operation("GET", "/exams/<uuid:exam_id>/uploads", query=Page, reply=UploadsSeen)
def index(exam_id: UUID, query: Page) -> Model:
    """The scans of an exam."""
    found = ask(ingest.LIST_UPLOADS, query, exam_id=exam_id)
    return UploadsSeen.model_validate({**dict(found), "items": _seen(found.items)})


@uploads.operation("GET", "/exams/<uuid:exam_id>/archives", query=Page, reply=UploadsSeen)
def archives(exam_id: UUID, query: Page) -> Model:
    """The zips of an exam with all their files; those that are scans are uploads besides."""
    found = ask(ingest.LIST_ARCHIVES, query, exam_id=exam_id)
    return UploadsSeen.model_validate({**dict(found), "items": _seen(found.items)})


def _seen(found: Sequence[ingest.UploadView]) -> list[Model]:
    """With the job to follow, and with what failed said in the caller's language."""
    job_ids = jobs.of_uploads([each.id for each in found])
    return [_told(each, job_ids.get(each.id)) for each in found]


def _seen_part(part: ingest.UploadPart | ingest.UploadView) -> dict[str, object]:
    return {**dict(part), "error": in_words(part.error), "repeatable": jobs.repeatable(part)}


def _told(upload: ingest.UploadView, job_id: UUID | None) -> Model:
    parts = [_seen_part(part) for part in upload.parts]
    seen = {**_seen_part(upload), "parts": parts, "job_id": job_id}
    return UploadSeen.model_validate(seen)


@uploads.operation(
    "POST",
    "/exams/<uuid:exam_id>/uploads",
    query=Pile,
    reply=Job,
    statuses=(202, 200),
    creates=True,
    takes=(MULTIPART,),
)
def create(exam_id: UUID, query: Pile) -> Response:
    """Upload a scan (PDF, or a zip of PDFs); the same file again gives the first upload's job with 200."""
    here = gateway()
    # Asked before the body is read: nobody sends 200 MB to learn that the exam does not exist.
    exam = ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    if exam.deleted_at is not None:
        raise ExamDeleted()
    request.max_content_length = here.settings.upload_max_bytes + FORM_OVERHEAD
    file = _received()
    spool = cast(Spool, file.stream)
    kind = media_type(spool, here.settings.upload_max_bytes)
    return idempotency.once(spool.digest(), lambda: respond(_register(exam, query, file, spool, kind), 202))


def _received() -> FileStorage:
    if request.mimetype != MULTIPART:
        raise WrongMediaType(expected=MULTIPART)
    file = request.files.get("file")
    if file is None:
        refuse_fields(("file", "missing"))
    return file


def media_type(spool: Spool, max_bytes: int) -> str:
    """What the file begins like; whether it is a sound PDF, or a zip of them, is for ingest's child to find out."""
    if spool.size > max_bytes:
        raise TooLarge(max_bytes=max_bytes)
    if spool.size == 0:
        raise EmptyFile()
    spool.seek(0)
    kind = files.kind_of(spool.read(files.HEAD))
    spool.seek(0)
    if kind is None:
        raise NotAPdf()
    return kind


def _register(exam: rpc.ExamView, pile: Pile, file: FileStorage, spool: Spool, kind: str) -> Answer:
    """Object first, then the row at ingest: a crash in between leaves an object that nothing names, not a lie."""
    who = caller()
    registered = ask(
        ingest.REGISTER_UPLOAD,
        exam_id=exam.id,
        profile=ingest.ScanProfile(
            intake=exam.intake, pages_per_booklet=exam.pages_per_booklet, grouping=pile.grouping
        ),
        object=gateway().objects.put("uploads", cast(BinaryIO, spool), kind),
        filename=_plain_name(file.filename),
        once=idempotency.name_of_request(),
        by=who.actor,
    )
    job_id = jobs.open_job(JobType.UPLOAD, registered.upload.id, who)
    job = jobs.of_upload(job_id, registered.upload)
    return Answer(job, 202 if registered.created else 200, {"Location": f"/api/v1/jobs/{job_id}"})


def _plain_name(sent: str | None) -> str:
    """What the person called it, for them to recognise; never used as a path."""
    name = (sent or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable() and not "\ud800" <= c <= "\udfff")[:200] or "scan.pdf"


@uploads.operation("GET", "/uploads/<uuid:upload_id>", reply=UploadSeen)
def show(upload_id: UUID) -> Model:
    """One scan: pages, anomalies, booklets found."""
    (seen,) = _seen([ask(ingest.GET_UPLOAD, upload_id=upload_id)])
    return seen


@uploads.operation("POST", "/uploads/<uuid:upload_id>/confirm", reply=UploadSeen)
def confirm(upload_id: UUID) -> Model:
    """Say that a scan is complete in spite of its doubts; booklets that have their own keep them."""
    (seen,) = _seen([ask(ingest.CONFIRM_UPLOAD, upload_id=upload_id, by=caller().actor)])
    return seen

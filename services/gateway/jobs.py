"""Jobs: an id and an owner here, the truth where the work is done (docs/adr/0006-job-is-a-view.md)."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.ids import uuid7
from contracts.errors import Refusal, Unavailable
from contracts.errors.gateway import JobNotCancellable, NotFound
from contracts.errors.grading import NotFound as CopyNotFound
from contracts.errors.ingest import SplittingFailed, Unreadable
from contracts.errors.render import DocumentDamaged, DocumentMissing, NothingExported, UnknownExport
from contracts.model import Model, Role
from contracts.rpc import ingest, render
from contracts.rpc.grading import copies
from contracts.rpc.grading.copies import CopyStatus, CopyView, FinaliseStarted
from contracts.rpc.grading.results import ExportStarted
from contracts.rpc.ingest import UploadPart, UploadStatus, UploadView
from contracts.rpc.render import ExportView
from services.gateway import cursors
from services.gateway.auth import Caller
from services.gateway.context import ask, gateway
from services.gateway.problems import in_words, language
from services.gateway.store import jobs

__all__ = [
    "ENDED", "Job", "JobType", "cancel", "event_id", "export_queued", "finalising", "finalising_started", "find",
    "followed", "listed", "of_upload", "of_uploads", "open_job", "repeat", "repeatable",
]  # fmt: skip


FOLLOWED_S = 4.0  # a request lasts 10 s at most, and whoever is asked last may take 5
LOOK_EVERY_S = 0.5
RETRY_MS = 1000
FOLLOWERS = 16  # of KORRIGO_HTTP_THREADS, 64
_places = threading.BoundedSemaphore(FOLLOWERS)


class JobType(StrEnum):
    UPLOAD = "upload"
    FINALISE = "finalise"
    EXPORT = "export"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})


class JobItem(Model):
    """``name`` of a file in a zip, or a copy's anonymous id.

    ``repeatable``: it did not succeed, and trying again can change that.
    """

    id: UUID
    status: JobStatus
    error: dict[str, Any] | None = None
    name: str | None = None
    repeatable: bool = False


class JobResult(Model):
    href: str


class Job(Model):
    """``done`` of ``total``: sides of a scan, or documents. ``result`` says where to look once it succeeded.

    ``name``: the scan's file, or the copy's anonymous id. ``started_at`` is missing in the answer that starts it.
    """

    id: UUID
    type: JobType
    status: JobStatus
    done: int
    total: int
    error: dict[str, Any] | None
    items: tuple[JobItem, ...]
    result: JobResult | None
    name: str | None = None
    exam_id: UUID | None = None
    started_at: dt.datetime | None = None


class Jobs(Model):
    items: tuple[Job, ...]
    next: str | None
    total: int


def open_job(kind: JobType, subject: UUID, by: Caller, revision: int = 0) -> UUID:
    """The job of this piece of work; the same one however often it is asked for."""
    fresh = insert(jobs).values(id=uuid7(), type=kind, subject_id=subject, revision=revision, created_by=by.id)
    same = fresh.on_conflict_do_update(
        index_elements=[jobs.c.type, jobs.c.subject_id, jobs.c.revision], set_={"revision": revision}
    )
    with gateway().db.transaction() as work:
        found: UUID = work.sql.execute(same.returning(jobs.c.id)).scalar_one()
    return found


def find(job_id: UUID, by: Caller) -> Job:
    """A job as it stands now. Markers know only their own; whoever runs the scans knows every upload."""
    row = _row(job_id, by)
    return _viewed(row, by)


def cancel(job_id: UUID, by: Caller) -> Job:
    """Stop an upload. The copies already assembled from it stay."""
    row = _row(job_id, by)
    if row.type != JobType.UPLOAD or by.role is Role.MARKER:
        raise JobNotCancellable()
    return of_upload(row.id, ask(ingest.CANCEL_UPLOAD, upload_id=row.subject_id, by=by.actor))


def repeat(job_id: UUID, item_id: UUID, by: Caller, once: UUID | None) -> Job:
    """Try one item again that did not succeed; the job to follow now, which is another one for a whole upload."""
    row = _row(job_id, by)
    if row.type == JobType.FINALISE and item_id == row.subject_id:
        started = ask(copies.FINALISE, copy_id=row.subject_id, token=None, by=by.actor)
        return finalising_started(open_job(JobType.FINALISE, row.subject_id, by, started.revision), started)
    if row.type != JobType.UPLOAD:
        raise NotFound()
    part_id = None if item_id == row.subject_id else item_id
    made = ask(ingest.REPEAT_UPLOAD, upload_id=row.subject_id, part_id=part_id, once=once, by=by.actor).upload
    return of_upload(open_job(JobType.UPLOAD, made.id, by), made)


def of_uploads(ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The jobs of these uploads, by upload. A file of a zip has none of its own."""
    wanted = sa.select(jobs.c.subject_id, jobs.c.id).where(jobs.c.type == JobType.UPLOAD, jobs.c.subject_id.in_(ids))
    with gateway().db.reading() as sql:
        return {row.subject_id: row.id for row in sql.execute(wanted)}


def followed(followed_jobs: Sequence[Job], by: Caller) -> Iterator[str]:
    """Server-sent events: each job as it is, then each time it changed, until all ended or the time is up.

    A browser connects again by itself, and says by the event's id what it saw last. More than ``FOLLOWERS`` at once
    would take the threads of those who do other work: they get the job as it is, and ask again after a second.
    """
    may_stay = _places.acquire(blocking=False)
    try:
        until = time.monotonic() + (FOLLOWED_S if may_stay else 0)
        going, told = list(followed_jobs), dict[UUID, Job]()
        while True:
            for job in going:
                if job != told.get(job.id):
                    yield f"id: {event_id(job)}\nretry: {RETRY_MS}\ndata: {job.model_dump_json()}\n\n"
                    told[job.id] = job
            going = [job for job in going if job.status not in ENDED]
            if not going or time.monotonic() >= until:
                return
            time.sleep(LOOK_EVERY_S)
            going = [find(job.id, by) for job in going]
    except (Unavailable, Refusal):
        return  # the answer has begun and can only end; who asks again is told
    finally:
        if may_stay:
            _places.release()


def event_id(job: Job) -> str:
    """Changes with whatever a job tells."""
    return f"{job.status}-{job.done}"


def listed(by: Caller, limit: int, cursor: str | None, *, everyone: bool = False) -> Jobs:
    """The caller's own jobs, or with ``everyone`` all they may know of, latest first.

    One call to a service for each that has not ended, none for the others.
    """
    mine = _known_to(by) if everyone else sa.and_(jobs.c.created_by == by.id, _known_to(by))
    wanted = sa.select(jobs).where(mine).order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        wanted = wanted.where(sa.tuple_(jobs.c.created_at, jobs.c.id) < _position(cursor))
    with gateway().db.reading() as sql:
        rows = sql.execute(wanted).all()
        total = sql.execute(sa.select(sa.func.count()).select_from(jobs).where(mine)).scalar_one()
    shown = rows[:limit]
    following = cursors.write(str(shown[-1].id)) if len(rows) > limit else None
    return Jobs(items=tuple(_viewed(row, by) for row in shown), next=following, total=total)


_ENDED = {
    UploadStatus.READY: JobStatus.SUCCEEDED,
    UploadStatus.FAILED: JobStatus.FAILED,
    UploadStatus.CANCELLED: JobStatus.CANCELLED,
}


def of_upload(job_id: UUID, upload: UploadView) -> Job:
    """Of a scan, or of a zip: then each of its files is an item."""
    going = JobStatus.RUNNING if upload.sides_done else JobStatus.QUEUED
    status = _ENDED.get(upload.status, going)
    return Job(
        id=job_id,
        type=JobType.UPLOAD,
        status=status,
        done=upload.sides_done,
        total=upload.sides,
        error=upload.error,
        items=tuple(_item(part, going) for part in upload.parts or (upload,)),
        result=JobResult(href=f"/api/v1/uploads/{upload.id}") if status is JobStatus.SUCCEEDED else None,
        name=upload.filename,
        exam_id=upload.exam_id,
    )


def _item(part: UploadPart | UploadView, going: JobStatus) -> JobItem:
    name = part.name if isinstance(part, UploadPart) else part.filename
    status = _ENDED.get(part.status, going)
    return JobItem(id=part.id, status=status, error=part.error, name=name, repeatable=repeatable(part))


def repeatable(upload: UploadPart | UploadView) -> bool:
    """A file that is no scan stays so. A technical failure passes, and a busy machine may have been the reader's."""
    code = (upload.error or {}).get("code")
    failed = upload.status is UploadStatus.FAILED and code in {SplittingFailed.code, Unreadable.code}
    return failed or (upload.status is UploadStatus.CANCELLED and not isinstance(upload, UploadPart))


def finalising(job_id: UUID, copy: CopyView, revision: int) -> Job:
    """The job that composes revision ``revision`` of a copy. A later revision exists only after this one was graded."""
    status = JobStatus.FAILED
    if copy.revision > revision or copy.status is CopyStatus.GRADED:
        status = JobStatus.SUCCEEDED
    elif copy.status is CopyStatus.GRADING_IN_PROGRESS:
        status = JobStatus.RUNNING
    error = _failure(copy.error_message) if status is JobStatus.FAILED else None
    made = _finalise_job(job_id, copy.id, status, error)
    return made.model_copy(update={"name": copy.anonymous_id, "exam_id": copy.exam_id})


def finalising_started(job_id: UUID, started: FinaliseStarted) -> Job:
    status = JobStatus.SUCCEEDED if started.already else JobStatus.RUNNING
    return _finalise_job(job_id, started.copy_id, status, None)


def _finalise_job(job_id: UUID, copy_id: UUID, status: JobStatus, error: dict[str, Any] | None) -> Job:
    succeeded = status is JobStatus.SUCCEEDED
    return Job(
        id=job_id,
        type=JobType.FINALISE,
        status=status,
        done=int(succeeded),
        total=1,
        error=error,
        items=(JobItem(id=copy_id, status=status, error=error, repeatable=status is JobStatus.FAILED),),
        result=JobResult(href=f"/api/v1/copies/{copy_id}/final.pdf") if succeeded else None,
    )


def export_queued(job_id: UUID, started: ExportStarted) -> Job:
    return _export_job(job_id, JobStatus.QUEUED, total=started.copies)


def exporting(job_id: UUID, export: ExportView) -> Job:
    """Each copy is an item; a document that could not be read fails its item, not the export."""
    status = _EXPORT_STATES[export.status]
    items = tuple(
        JobItem(id=each.copy_id, name=each.anonymous_id, status=JobStatus.SUCCEEDED)
        if each.outcome == "done"
        else JobItem(
            id=each.copy_id, name=each.anonymous_id, status=JobStatus.FAILED, error={"code": _LOST[each.outcome].code}
        )
        for each in export.copies
    )
    made = _export_job(job_id, status, done=export.done, total=export.total, items=items)
    href = f"/api/v1/exports/{export.id}" if export.document is not None else None
    return made.model_copy(update={"exam_id": export.exam_id, "result": JobResult(href=href) if href else None})


def _export_job(
    job_id: UUID, status: JobStatus, *, done: int = 0, total: int = 0, items: tuple[JobItem, ...] = ()
) -> Job:
    error = {"code": NothingExported.code} if status is JobStatus.FAILED else None
    return Job(
        id=job_id, type=JobType.EXPORT, status=status, done=done, total=total, error=error, items=items, result=None
    )


_EXPORT_STATES = {"building": JobStatus.RUNNING, "done": JobStatus.SUCCEEDED, "failed": JobStatus.FAILED}
_LOST = {"missing": DocumentMissing, "damaged": DocumentDamaged}


def _failure(message: str | None) -> dict[str, Any]:
    french = "La copie n'a pas pu être finalisée ; relancez la finalisation."
    english = "The copy could not be finalised; finalise it again."
    return {"code": "grading.failed", "detail": message or (french if language() == "fr" else english)}


def _row(job_id: UUID, by: Caller) -> sa.Row[Any]:
    with gateway().db.reading() as sql:
        row = sql.execute(sa.select(jobs).where(jobs.c.id == job_id, _known_to(by))).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _known_to(by: Caller) -> sa.ColumnElement[bool]:
    """Whoever runs the scans knows every upload; a marker none, not even an own one of other times: it has a name."""
    if by.role is Role.ADMIN:
        return sa.true()
    of_scans = jobs.c.type == JobType.UPLOAD
    if by.role is Role.OPERATOR:
        return sa.or_(of_scans, jobs.c.created_by == by.id)
    return sa.and_(jobs.c.created_by == by.id, ~of_scans)


def _viewed(row: sa.Row[Any], by: Caller) -> Job:
    """Now, with what failed said in the caller's language."""
    job = _now(row, by)
    items = tuple(item.model_copy(update={"error": in_words(item.error)}) for item in job.items)
    told = {"items": items, "error": in_words(job.error), "started_at": row.created_at}
    return job.model_copy(update=told)


def _now(row: sa.Row[Any], by: Caller) -> Job:
    if row.outcome is not None and _is_final(row, known := Job.model_validate(row.outcome)):
        return known
    job = _VIEWS[JobType(row.type)](row, by)
    if _is_final(row, job):
        with gateway().db.transaction() as work:
            outcome = job.model_dump(mode="json")
            work.sql.execute(sa.update(jobs).where(jobs.c.id == row.id).values(outcome=outcome))
    return job


def _upload_now(row: sa.Row[Any], _: Caller) -> Job:
    return of_upload(row.id, ask(ingest.GET_UPLOAD, upload_id=row.subject_id))


def _copy_now(row: sa.Row[Any], by: Caller) -> Job:
    """A copy that is no longer theirs to see (its exam was deleted) must not take the whole list of jobs with it."""
    try:
        copy = ask(copies.GET_COPY, copy_id=row.subject_id, by=by.actor)
    except CopyNotFound as gone:
        error = {"code": gone.code, "detail": gone.text(language())}
        return _finalise_job(row.id, row.subject_id, JobStatus.FAILED, error)
    return finalising(row.id, copy, row.revision)


def _export_now(row: sa.Row[Any], _: Caller) -> Job:
    """Queued until render has heard of it."""
    try:
        return exporting(row.id, ask(render.GET_EXPORT, export_id=row.subject_id))
    except UnknownExport:
        return _export_job(row.id, JobStatus.QUEUED)


_VIEWS: dict[JobType, Callable[[sa.Row[Any], Caller], Job]] = {
    JobType.UPLOAD: _upload_now,
    JobType.FINALISE: _copy_now,
    JobType.EXPORT: _export_now,
}


def _is_final(row: sa.Row[Any], job: Job) -> bool:
    """An end that cannot change any more. What is tried again under the same job can: a copy, a file of a zip."""
    own_item = job.type is JobType.UPLOAD and job.items[0].id == row.subject_id
    return job.status in ENDED and (own_item or all(item.status is JobStatus.SUCCEEDED for item in job.items))


def _position(cursor: str) -> sa.ScalarSelect[Any]:
    return sa.select(jobs.c.created_at, jobs.c.id).where(jobs.c.id == cursors.read_id(cursor)).scalar_subquery()

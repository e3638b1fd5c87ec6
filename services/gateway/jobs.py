"""Jobs: an id and an owner here, the truth where the work is done (docs/adr/0006-job-is-a-view.md)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.ids import uuid7
from contracts.errors import Refusal, Unavailable
from contracts.errors.gateway import JobNotCancellable, NotFound
from contracts.errors.grading import NotFound as CopyNotFound
from contracts.model import Model, Role
from contracts.rpc import ingest
from contracts.rpc.grading import copies
from contracts.rpc.grading.copies import CopyStatus, CopyView, FinaliseStarted
from contracts.rpc.ingest import UploadStatus, UploadView
from services.gateway import cursors
from services.gateway.auth import Caller
from services.gateway.context import ask, gateway
from services.gateway.problems import language
from services.gateway.store import jobs

__all__ = [
    "ENDED", "Job", "JobType", "cancel", "event_id", "finalising", "finalising_started", "find", "followed", "listed",
    "of_upload", "open_job",
]  # fmt: skip


FOLLOWED_S = 4.0  # a request lasts 10 s at most, and whoever is asked last may take 5
LOOK_EVERY_S = 0.5
RETRY_MS = 1000
FOLLOWERS = 16  # of KORRIGO_HTTP_THREADS, 64
_places = threading.BoundedSemaphore(FOLLOWERS)


class JobType(StrEnum):
    UPLOAD = "upload"
    FINALISE = "finalise"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})


class JobItem(Model):
    id: UUID
    status: JobStatus
    error: dict[str, Any] | None = None


class JobResult(Model):
    href: str


class Job(Model):
    """``done`` of ``total``: sides of a scan, or documents. ``result`` says where to look once it succeeded."""

    id: UUID
    type: JobType
    status: JobStatus
    done: int
    total: int
    error: dict[str, Any] | None
    items: tuple[JobItem, ...]
    result: JobResult | None


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


def followed(job: Job, by: Caller) -> Iterator[str]:
    """Server-sent events: the job as it is, then each time it changed, until it ends or the time is up.

    A browser connects again by itself, and says by the event's id what it saw last. More than ``FOLLOWERS`` at once
    would take the threads of those who do other work: they get the job as it is, and ask again after a second.
    """
    may_stay = _places.acquire(blocking=False)
    try:
        told, until = None, time.monotonic() + (FOLLOWED_S if may_stay else 0)
        while True:
            if job != told:
                yield f"id: {event_id(job)}\nretry: {RETRY_MS}\ndata: {job.model_dump_json()}\n\n"
                told = job
            if job.status in ENDED or time.monotonic() >= until:
                return
            time.sleep(LOOK_EVERY_S)
            job = find(job.id, by)
    except (Unavailable, Refusal):
        return  # the answer has begun and can only end; who asks again is told
    finally:
        if may_stay:
            _places.release()


def event_id(job: Job) -> str:
    """Changes with whatever a job tells."""
    return f"{job.status}-{job.done}"


def listed(by: Caller, limit: int, cursor: str | None) -> Jobs:
    """The caller's own jobs, latest first. One call to a service for each that has not ended, none for the others."""
    mine = jobs.c.created_by == by.id
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
        items=tuple(
            JobItem(id=part.id, status=_ENDED.get(part.status, going), error=part.error)
            for part in upload.parts or (upload,)
        ),
        result=JobResult(href=f"/api/v1/uploads/{upload.id}") if status is JobStatus.SUCCEEDED else None,
    )


def finalising(job_id: UUID, copy: CopyView, revision: int) -> Job:
    """The job that composes revision ``revision`` of a copy. A later revision exists only after this one was graded."""
    status = JobStatus.FAILED
    if copy.revision > revision or copy.status is CopyStatus.GRADED:
        status = JobStatus.SUCCEEDED
    elif copy.status is CopyStatus.GRADING_IN_PROGRESS:
        status = JobStatus.RUNNING
    error = _failure(copy.error_message) if status is JobStatus.FAILED else None
    return _finalise_job(job_id, copy.id, status, error)


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
        items=(JobItem(id=copy_id, status=status, error=error),),
        result=JobResult(href=f"/api/v1/copies/{copy_id}/final.pdf") if succeeded else None,
    )


def _failure(message: str | None) -> dict[str, Any]:
    french = "La copie n'a pas pu être finalisée ; relancez la finalisation."
    english = "The copy could not be finalised; finalise it again."
    return {"code": "grading.failed", "detail": message or (french if language() == "fr" else english)}


def _row(job_id: UUID, by: Caller) -> sa.Row[Any]:
    with gateway().db.reading() as sql:
        row = sql.execute(sa.select(jobs).where(jobs.c.id == job_id)).one_or_none()
    runs_scans = row is not None and row.type == JobType.UPLOAD and by.role in {Role.ADMIN, Role.OPERATOR}
    if row is None or not (row.created_by == by.id or by.role is Role.ADMIN or runs_scans):
        raise NotFound()
    return row


def _viewed(row: sa.Row[Any], by: Caller) -> Job:
    if row.outcome is not None:
        return Job.model_validate(row.outcome)
    job = _VIEWS[JobType(row.type)](row, by)
    if job.status in _FINAL[job.type]:
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


_VIEWS: dict[JobType, Callable[[sa.Row[Any], Caller], Job]] = {
    JobType.UPLOAD: _upload_now,
    JobType.FINALISE: _copy_now,
}
# Ends that cannot change any more. A failed finalisation can: it is tried again under the same job.
_FINAL = {
    JobType.UPLOAD: {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED},
    JobType.FINALISE: {JobStatus.SUCCEEDED},
}


def _position(cursor: str) -> sa.ScalarSelect[Any]:
    return sa.select(jobs.c.created_at, jobs.c.id).where(jobs.c.id == cursors.read_id(cursor)).scalar_subquery()

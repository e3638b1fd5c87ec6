"""Reading a file again that failed or was cancelled: it is in the store, nobody sends it twice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from contracts.errors.ingest import NotFound, NothingToRepeat
from contracts.messages.ingest import UnpackEntry
from contracts.model import Actor
from contracts.rpc.ingest import RegisterUpload, RepeatUpload, ScanProfile, UploadRegistered, UploadStatus
from services.ingest import archives, store, usecases, zips
from services.ingest.context import Context
from services.ingest.tables import archive_entries

OVER = ("failed", "cancelled")


def repeat_upload(context: Context, request: RepeatUpload) -> UploadRegistered:
    """A new upload of the same file; of a file of a zip, the zip with that file on its way again.

    Raises:
        NotFound: no such upload, or no such file in it.
        NothingToRepeat: it did not fail, or is on its way again.
    """
    with context.db.reading() as sql:
        is_archive = zips.exists(sql, request.upload_id)
    if not is_archive:
        return _upload_again(context, request.upload_id, request.once, request.by)
    if request.part_id is None:
        return _archive_again(context, request)
    return _part_again(context, request, request.part_id)


def _upload_again(context: Context, upload_id: UUID, once: UUID | None, by: Actor) -> UploadRegistered:
    with context.db.reading() as sql:
        upload = store.upload_row(sql, upload_id)
    if upload.status not in OVER:
        raise NothingToRepeat(status=upload.status)
    return usecases.register_upload(context, _as_before(upload, once, by))


def _archive_again(context: Context, request: RepeatUpload) -> UploadRegistered:
    with context.db.reading() as sql:
        archive = zips.row(sql, request.upload_id)
    if archive.cancelled_at is None:  # its files are repeated one by one
        raise NothingToRepeat(status=UploadStatus.READY.value)
    return archives.register(context, _as_before(archive, request.once, request.by))


def _part_again(context: Context, request: RepeatUpload, part_id: UUID) -> UploadRegistered:
    archive_id = request.upload_id
    with context.db.reading() as sql:
        entries = zips.entries_of(sql, archive_id)
    entry = next((row for row in entries if part_id in (row.upload_id, archives.part_id(archive_id, row.place))), None)
    if entry is None:
        entry = next((row for row in entries if row.upload_id is not None and row.upload_id == request.once), None)
    if entry is None:
        raise NotFound
    if entry.upload_id is not None and entry.upload_id != request.once:
        made = _upload_again(context, entry.upload_id, request.once, request.by).upload.id
        with context.db.transaction() as uow:
            uow.sql.execute(_change(entry).values(upload_id=made))
    elif entry.upload_id is None:
        with context.db.transaction() as uow:
            if request.once is not None and not store.first_time(uow.sql, "repeat_upload", request.once):
                return UploadRegistered(upload=archives.view(uow.sql, archive_id), created=True)
            cleared = _change(entry).where(archive_entries.c.error.is_not(None)).values(error=None)
            if uow.sql.execute(cleared).rowcount == 0:
                raise NothingToRepeat(status=UploadStatus.SPLITTING.value)
            zips.moved(uow.sql, archive_id)
            uow.send(UnpackEntry(archive_id=archive_id, place=entry.place), subject=str(archive_id))
    return UploadRegistered(upload=archives.get_upload(context, archive_id), created=True)


def _change(entry: Any) -> sa.Update:
    here = (archive_entries.c.archive_id == entry.archive_id, archive_entries.c.place == entry.place)
    return sa.update(archive_entries).where(*here)


def _as_before(row: Any, once: UUID | None, by: Actor) -> RegisterUpload:
    """The request that made an upload or an archive, once more."""
    return RegisterUpload(
        exam_id=row.exam_id,
        profile=ScanProfile.model_validate({name: getattr(row, name) for name in ScanProfile.model_fields}),
        object=store.as_object(row.object),
        filename=row.filename,
        once=once,
        by=by,
    )

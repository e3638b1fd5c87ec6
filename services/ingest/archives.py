"""A zip of PDFs: each file in it becomes an upload of its own, or is refused with its name; none is forgotten."""

from __future__ import annotations

import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, cast
from uuid import UUID, uuid5

import sqlalchemy as sa

from chassis import observe
from chassis.db import Transaction, UnitOfWork
from chassis.sandbox import TaskFailed
from contracts import files
from contracts.errors import Refusal
from contracts.errors.ingest import ArchiveDamaged, Damaged, NestedArchive, NotAPdf, SplittingFailed
from contracts.messages.ingest import UnpackEntry
from contracts.model import Actor
from contracts.rpc import AskedAgain, LookForStuck
from contracts.rpc.ingest import (
    CancelUpload,
    OfExam,
    RegisterUpload,
    ScanProfile,
    UploadPart,
    UploadRegistered,
    Uploads,
    UploadStatus,
    UploadView,
)
from services.ingest import splitting, store, usecases, zips
from services.ingest.context import Context
from services.ingest.splitting import tell_settled

log = observe.logger("ingest.archives")

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def register_upload(context: Context, request: RegisterUpload) -> UploadRegistered:
    """What a person uploaded: one scan, or a zip of them."""
    if request.object.media_type == files.ZIP:
        return register(context, request)
    return usecases.register_upload(context, request)


def get_upload(context: Context, upload_id: UUID) -> UploadView:
    with context.db.reading() as sql:
        return view(sql, upload_id) if zips.exists(sql, upload_id) else store.upload_view(sql, upload_id)


def cancel_upload(context: Context, request: CancelUpload) -> UploadView:
    with context.db.reading() as sql:
        is_archive = zips.exists(sql, request.upload_id)
    return cancel(context, request) if is_archive else usecases.cancel_upload(context, request)


def list_archives(context: Context, request: OfExam) -> Uploads:
    """The zips of an exam, newest first, with all their files; only those that are scans are uploads besides."""
    with context.db.reading() as sql:
        ids, more, total = zips.of_exam(sql, request.exam_id, request.limit, request.cursor)
        return Uploads(items=tuple(view(sql, each) for each in ids), next=more, total=total)


def register(context: Context, request: RegisterUpload) -> UploadRegistered:
    """Accept a zip that is in the store, or refuse it; its files are unpacked one by one, later.

    The same bytes for the same exam give the first archive again, unless that was cancelled.
    """
    with context.db.reading() as sql:
        if request.once is not None and zips.exists(sql, request.once):
            return UploadRegistered(upload=view(sql, request.once), created=True)
        known = zips.live(sql, request.exam_id, request.object.sha256)
        if known is not None:
            return UploadRegistered(upload=view(sql, known), created=False)
    with context.originals.at_hand(request.object) as path:
        try:
            reply = context.sandbox.run("entries", files=[path], deadline_s=usecases.INSPECT_DEADLINE_S)
        except TaskFailed as failure:
            raise ArchiveDamaged from failure
    entries = reply.result["entries"]
    with context.db.transaction() as uow:
        added = zips.add(uow.sql, request, entries)
        if added is None:
            winner = zips.live(uow.sql, request.exam_id, request.object.sha256)
            assert winner is not None  # the insert gave way to it
            return UploadRegistered(upload=view(uow.sql, winner), created=False)
        _send_entries(uow, added, (entry["place"] for entry in entries))
        shown = view(uow.sql, added)
    log.info("archive_registered", archive_id=str(added), exam_id=str(request.exam_id), files=len(entries))
    return UploadRegistered(upload=shown, created=True)


def unpack(context: Context, command: UnpackEntry, transaction: Transaction) -> None:
    """Store one file of an archive and register it as the upload it is, or note why it is none.

    Delivered again it finds the upload it made: its id is that of the archive and the place.
    """
    with context.db.reading() as sql:
        archive = zips.row(sql, command.archive_id)
        entry = zips.entry(sql, command.archive_id, command.place)
    if archive.cancelled_at is not None or entry.upload_id is not None or entry.error is not None:
        with transaction():
            return
    upload_id: UUID | None = None
    error: dict[str, Any] | None = None
    try:
        upload_id = _register_entry(context, archive, entry)
    except Refusal as refusal:
        error = refusal.to_wire() | {"name": entry.name}
    with transaction() as uow:
        zips.settle(uow.sql, command, upload_id=upload_id, error=error)
    log.info("entry_unpacked", archive_id=str(archive.id), upload_id=str(upload_id), code=error and error["code"])


def unpack_failed(command: UnpackEntry, error: BaseException | None, transaction: Transaction) -> None:
    """A technical failure for good: its file is listed as failed; the others are not concerned."""
    problem = error if isinstance(error, Refusal) else SplittingFailed()
    with transaction() as uow:
        entry = zips.entry(uow.sql, command.archive_id, command.place)
        zips.settle(uow.sql, command, upload_id=None, error=problem.to_wire() | {"name": entry.name})


def cancel(context: Context, request: CancelUpload) -> UploadView:
    """Stop unpacking, and splitting what was unpacked. What is ready stays."""
    with context.db.transaction() as uow:
        for upload_id in zips.cancel(uow.sql, request.upload_id):
            settled = store.settle_upload(uow.sql, upload_id, "cancelled")
            if settled is not None:
                tell_settled(uow, settled, "cancelled")
        return view(uow.sql, request.upload_id)


def ask_for_stuck(context: Context) -> tuple[UUID, ...]:
    """Ask again for the sides of uploads and the files of zips that stand still; whose there were.

    As with sides, the command of a file is lost when its consumer died over it too often.
    """
    uploads, after_s = splitting.ask_for_stuck(context), context.settings.stuck_after_s
    with context.db.reading() as sql:
        overdue = zips.stuck(sql, after_s)
    asked = []
    for archive_id in overdue:
        with context.db.transaction() as uow:
            missing = zips.claim_stuck(uow.sql, archive_id, after_s)
            _send_entries(uow, archive_id, missing)
        if missing:
            asked.append(archive_id)
    if asked:
        log.warning("stuck_archives_asked_again", archives=len(asked))
    return (*uploads, *asked)


def ask_for_stuck_uploads(context: Context, request: LookForStuck) -> AskedAgain:
    """``ask_for_stuck`` when somebody wants it."""
    asked = ask_for_stuck(context)
    log.info("stuck_uploads_looked_for", uploads=len(asked), actor_id=request.by.id)
    return AskedAgain(ids=asked, total=len(asked))


def _send_entries(uow: UnitOfWork, archive_id: UUID, places: Iterable[int]) -> None:
    for place in places:
        uow.send(UnpackEntry(archive_id=archive_id, place=place), subject=str(archive_id))


def view(sql: sa.Connection, archive_id: UUID) -> UploadView:
    """The archive as one upload: sums over its parts; a file that is still to be unpacked counts as one side."""
    archive = zips.row(sql, archive_id)
    rows = zips.entries_of(sql, archive_id)
    made = {each.id: each for each in store.upload_views(sql, {row.upload_id for row in rows if row.upload_id})}
    parts = tuple(_part(archive, row, made.get(row.upload_id)) for row in rows)
    status = _status(archive, parts)
    pending = sum(row.upload_id is None and row.error is None for row in rows)
    return UploadView(
        id=archive.id,
        exam_id=archive.exam_id,
        status=status,
        sides=sum(each.sides for each in made.values()) + pending,
        sides_done=sum(each.sides_done for each in made.values()),
        pages=sum(each.pages for each in made.values()),
        booklets=sum(each.booklets for each in made.values()),
        anomalies=tuple(anomaly for each in made.values() for anomaly in each.anomalies),
        error=next((part.error for part in parts if part.error), None) if status is UploadStatus.FAILED else None,
        filename=archive.filename,
        created_at=archive.created_at,
        parts=parts,
    )


def _part(archive: Any, row: Any, upload: UploadView | None) -> UploadPart:
    if upload is not None:
        return UploadPart(id=upload.id, name=row.name, status=upload.status, error=upload.error)
    if row.error is not None:
        status = UploadStatus.FAILED
    else:
        status = UploadStatus.SPLITTING if archive.cancelled_at is None else UploadStatus.CANCELLED
    return UploadPart(id=part_id(archive.id, row.place), name=row.name, status=status, error=row.error)


def _status(archive: Any, parts: tuple[UploadPart, ...]) -> UploadStatus:
    found = {part.status for part in parts}
    for status in (UploadStatus.SPLITTING, UploadStatus.CANCELLED, UploadStatus.READY):
        if status in found and (status is not UploadStatus.CANCELLED or archive.cancelled_at is not None):
            return status
    return UploadStatus.FAILED


def _register_entry(context: Context, archive: Any, entry: Any) -> UUID:
    with context.originals.at_hand(store.as_object(archive.object)) as path, _opened(path, entry.place) as file:
        ref = context.objects.put("uploads", file, files.PDF)
    registered = usecases.register_upload(
        context,
        RegisterUpload(
            exam_id=archive.exam_id,
            profile=ScanProfile.model_validate({name: getattr(archive, name) for name in ScanProfile.model_fields}),
            object=ref,
            filename=entry.name,
            once=part_id(archive.id, entry.place),
            by=Actor.model_validate(archive.created_by),
        ),
    )
    return registered.upload.id


@contextmanager
def _opened(path: Any, place: int) -> Iterator[BinaryIO]:
    """One file of the archive, to be read once, front to back.

    Raises:
        NestedArchive, NotAPdf: told by its first bytes.
        Damaged: it cannot be unpacked, or not to the size and checksum that the archive says.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.infolist()[place]
            if info.compress_type not in _METHODS:
                raise Damaged(reason="structure", sides=[])
            with archive.open(info) as file:
                kind = files.kind_of(file.read(files.HEAD))
            if kind == files.ZIP:
                raise NestedArchive
            if kind is None:
                raise NotAPdf
            with archive.open(info) as file:
                yield cast(BinaryIO, _Forward(file))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, IndexError) as error:
        raise Damaged(reason="structure", sides=[]) from error


class _Forward:
    """Reads on, chunk by chunk. Unpacking keeps the processor: between two chunks others have their turn."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def seekable(self) -> bool:
        return False

    def read(self, size: int) -> bytes:
        time.sleep(0)
        return self._file.read(size)


def part_id(archive_id: UUID, place: int) -> UUID:
    """Names a file of an archive, and the upload it becomes."""
    return uuid5(archive_id, str(place))

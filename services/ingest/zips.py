"""Queries about zips and the files in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.ids import uuid7
from contracts.messages.ingest import UnpackEntry
from contracts.rpc.ingest import RegisterUpload, ScanProfile
from services.ingest import store
from services.ingest.paging import as_uuid, from_cursor, page_size, to_cursor
from services.ingest.tables import archive_entries, archives, scan_profiles, uploads

_PENDING = sa.and_(archive_entries.c.upload_id.is_(None), archive_entries.c.error.is_(None))


def exists(sql: sa.Connection, archive_id: UUID) -> bool:
    return sql.execute(sa.select(sa.literal(1)).where(archives.c.id == archive_id)).scalar() is not None


def live(sql: sa.Connection, exam_id: UUID, sha256: str) -> UUID | None:
    """The archive of these bytes for this exam that was not cancelled."""
    found: UUID | None = sql.execute(
        sa.select(archives.c.id).where(
            archives.c.exam_id == exam_id, archives.c.sha256 == sha256, archives.c.cancelled_at.is_(None)
        )
    ).scalar()
    return found


def of_exam(
    sql: sa.Connection, exam_id: UUID, limit: int, cursor: str | None
) -> tuple[Sequence[UUID], str | None, int]:
    """A part of an exam's archives, newest first, the cursor of the next, and how many there are in all."""
    theirs = archives.c.exam_id == exam_id
    after = theirs if cursor is None else sa.and_(theirs, archives.c.id < as_uuid(from_cursor(cursor, 1)[0]))
    size = page_size(limit)
    wanted = sa.select(archives.c.id).where(after).order_by(archives.c.id.desc()).limit(size + 1)
    ids = sql.execute(wanted).scalars().all()
    total = sql.execute(sa.select(sa.func.count()).select_from(archives).where(theirs)).scalar_one()
    return ids[:size], to_cursor(ids[size - 1]) if len(ids) > size else None, total


def row(sql: sa.Connection, archive_id: UUID) -> Any:
    """The archive, with how its scans are to be read."""
    query = sa.select(archives, *(scan_profiles.c[name] for name in ScanProfile.model_fields))
    return sql.execute(query.join(scan_profiles).where(archives.c.id == archive_id)).one()


def entries_of(sql: sa.Connection, archive_id: UUID) -> Sequence[Any]:
    query = sa.select(archive_entries).where(archive_entries.c.archive_id == archive_id)
    return sql.execute(query.order_by(archive_entries.c.place)).all()


def entry(sql: sa.Connection, archive_id: UUID, place: int) -> Any:
    key = {"archive_id": archive_id, "place": place}
    return sql.execute(sa.select(archive_entries).filter_by(**key)).one()


def add(sql: sa.Connection, request: RegisterUpload, entries: list[dict[str, Any]]) -> UUID | None:
    """A new archive; ``None`` when another one of the same bytes won the race."""
    fresh = insert(archives).values(
        id=request.once or uuid7(),
        exam_id=request.exam_id,
        profile_id=store.profile(sql, request.exam_id, request.profile),
        sha256=request.object.sha256,
        object=request.object.model_dump(),
        filename=request.filename,
        created_by=request.by.model_dump(mode="json"),
    )
    only_one = fresh.on_conflict_do_nothing(
        index_elements=["exam_id", "sha256"], index_where=sa.text("cancelled_at IS NULL")
    )
    added: UUID | None = sql.execute(only_one.returning(archives.c.id)).scalar()
    if added is not None:
        sql.execute(sa.insert(archive_entries), [{"archive_id": added, **entry} for entry in entries])
    return added


def settle(sql: sa.Connection, command: UnpackEntry, *, upload_id: UUID | None, error: dict[str, Any] | None) -> None:
    """What became of a file, unless that is known."""
    sql.execute(
        sa.update(archive_entries)
        .where(
            archive_entries.c.archive_id == command.archive_id,
            archive_entries.c.place == command.place,
            archive_entries.c.upload_id.is_(None),
        )
        .values(upload_id=upload_id, error=error)
    )
    moved(sql, command.archive_id)


def moved(sql: sa.Connection, archive_id: UUID) -> None:
    """A file was unpacked, or asked for."""
    now = sa.func.clock_timestamp()
    sql.execute(sa.update(archives).where(archives.c.id == archive_id).values(progressed_at=now))


def cancel(sql: sa.Connection, archive_id: UUID) -> Sequence[UUID]:
    """Unpack no more of it; returns the uploads made of its files that are still being split."""
    sql.execute(
        sa.update(archives)
        .where(archives.c.id == archive_id, archives.c.cancelled_at.is_(None))
        .values(cancelled_at=sa.func.now())
    )
    made = sa.select(uploads.c.id).join(archive_entries, archive_entries.c.upload_id == uploads.c.id)
    splitting = made.where(archive_entries.c.archive_id == archive_id, uploads.c.status == "splitting")
    return sql.execute(splitting.order_by(uploads.c.id)).scalars().all()


def stuck(sql: sa.Connection, after_s: float) -> Sequence[UUID]:
    """Archives with files to unpack of which none was unpacked or asked for in the last ``after_s`` seconds."""
    query = sa.select(archives.c.id).where(_standing_still(after_s))
    return sql.execute(query.order_by(archives.c.id)).scalars().all()


def claim_stuck(sql: sa.Connection, archive_id: UUID, after_s: float) -> Sequence[int]:
    """The places of files still to unpack in an archive that is stuck, which from now on it is not."""
    claimed = sql.execute(
        sa.update(archives)
        .where(archives.c.id == archive_id, _standing_still(after_s))
        .values(progressed_at=sa.func.clock_timestamp())
    )
    if claimed.rowcount == 0:
        return ()
    pending = sa.select(archive_entries.c.place).where(archive_entries.c.archive_id == archive_id, _PENDING)
    return sql.execute(pending.order_by(archive_entries.c.place)).scalars().all()


def _standing_still(after_s: float) -> sa.ColumnElement[bool]:
    waits = sa.exists().where(archive_entries.c.archive_id == archives.c.id, _PENDING)
    return sa.and_(archives.c.cancelled_at.is_(None), waits, store.overdue(archives, after_s))

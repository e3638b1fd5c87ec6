"""Queries about uploads and their pages. Booklets are in ``staging.py``; each list takes a constant number of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.ids import uuid7
from contracts.errors.ingest import NotFound
from contracts.objects import ImageRef, ObjectRef
from contracts.rpc.ingest import Anomaly, RegisterUpload, ScanProfile, Uploads, UploadStatus, UploadView
from services.ingest.imposition import Code, Doubt, Draft, Face
from services.ingest.paging import as_uuid, from_cursor, page_size, to_cursor
from services.ingest.tables import anomalies, booklets, full_images, pages, scan_profiles, uploads
from services.ingest.tables import metadata as metadata  # every service's tables are found as store.metadata

LIVE = ("splitting", "ready")
# As text: a prepared statement whose parameters make up the condition matches no index once its plan is generic.
_LIVE_INDEX = sa.text("status IN ('splitting', 'ready')")
outbox, inbox = metadata.tables["outbox"], metadata.tables["inbox"]


# Uploads


def live_upload(sql: sa.Connection, exam_id: UUID, sha256: str) -> UUID | None:
    """The upload of these bytes for this exam that neither failed nor was cancelled."""
    found: UUID | None = sql.execute(
        sa.select(uploads.c.id).where(
            uploads.c.exam_id == exam_id, uploads.c.sha256 == sha256, uploads.c.status.in_(LIVE)
        )
    ).scalar()
    return found


def upload_exists(sql: sa.Connection, upload_id: UUID) -> bool:
    return sql.execute(sa.select(sa.literal(1)).where(uploads.c.id == upload_id)).scalar() is not None


def add_upload(sql: sa.Connection, request: RegisterUpload, sides: int) -> UUID | None:
    """A new upload being split; ``None`` when another one of the same bytes won the race."""
    statement = (
        insert(uploads)
        .values(
            id=request.once or uuid7(),
            exam_id=request.exam_id,
            profile_id=profile(sql, request.exam_id, request.profile),
            sha256=request.object.sha256,
            object=request.object.model_dump(),
            filename=request.filename,
            status="splitting",
            sides=sides,
            created_by=request.by.id,
        )
        .on_conflict_do_nothing(index_elements=["exam_id", "sha256"], index_where=_LIVE_INDEX)
        .returning(uploads.c.id)
    )
    added: UUID | None = sql.execute(statement).scalar()
    return added


def add_doubts(sql: sa.Connection, upload_id: UUID, doubts: Iterable[Mapping[str, object]]) -> None:
    """``doubts``: ``code``, ``side_no``. They are of the upload until it has booklets."""
    rows = [{"id": uuid7(), "upload_id": upload_id, **doubt} for doubt in doubts]
    if rows:
        sql.execute(sa.insert(anomalies), rows)


def share_doubts(sql: sa.Connection, upload_id: UUID) -> None:
    """What is doubtful about a whole upload is so about each of its booklets; about one side, about that side's."""
    shared = anomalies.alias()
    on_side = sa.exists().where(pages.c.booklet_id == booklets.c.id, pages.c.side_no == shared.c.side_no)
    concerned = (
        sa.select(sa.func.gen_random_uuid(), shared.c.upload_id, booklets.c.id, shared.c.side_no, shared.c.code)
        .join_from(shared, booklets, booklets.c.upload_id == shared.c.upload_id)
        .where(shared.c.upload_id == upload_id, shared.c.booklet_id.is_(None), shared.c.settled_at.is_(None))
        .where(sa.or_(shared.c.side_no.is_(None), on_side))
    )
    sql.execute(sa.insert(anomalies).from_select(["id", "upload_id", "booklet_id", "side_no", "code"], concerned))


def settle_shared_doubts(sql: sa.Connection, upload_id: UUID, by: UUID) -> None:
    """Those of the whole upload, wherever they were shared to; a booklet's own stay."""
    shared = anomalies.alias()
    codes = sa.select(shared.c.code).where(shared.c.upload_id == upload_id, shared.c.booklet_id.is_(None))
    sql.execute(
        sa.update(anomalies)
        .where(anomalies.c.upload_id == upload_id, anomalies.c.settled_at.is_(None), anomalies.c.code.in_(codes))
        .values(settled_at=sa.func.now(), settled_by=by)
    )


def profile(sql: sa.Connection, exam_id: UUID, wanted: ScanProfile) -> UUID:
    key = {
        "exam_id": exam_id,
        "intake": wanted.intake.value,
        "pages_per_booklet": wanted.pages_per_booklet,
        "grouping": wanted.grouping.value,
    }
    sql.execute(insert(scan_profiles).values(id=uuid7(), **key).on_conflict_do_nothing())
    found: UUID = sql.execute(sa.select(scan_profiles.c.id).filter_by(**key)).scalar_one()
    return found


def upload_row(sql: sa.Connection, upload_id: UUID, *, lock: bool = False) -> sa.Row[Any]:
    """The upload with its profile's ``intake``, ``pages_per_booklet`` and ``grouping``.

    Raises:
        NotFound: no such upload.
    """
    query = (
        sa.select(uploads, scan_profiles.c.intake, scan_profiles.c.pages_per_booklet, scan_profiles.c.grouping)
        .join(scan_profiles, scan_profiles.c.id == uploads.c.profile_id)
        .where(uploads.c.id == upload_id)
    )
    row = sql.execute(query.with_for_update(of=uploads) if lock else query).one_or_none()
    if row is None:
        raise NotFound
    return row


def settle_upload(
    sql: sa.Connection, upload_id: UUID, status: str, error: Mapping[str, object] | None = None
) -> sa.Row[Any] | None:
    """End the splitting; ``None`` when it had ended already, one way or another."""
    return sql.execute(
        sa.update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.status == "splitting")
        .values(status=status, error=error, settled_at=sa.func.now())
        .returning(uploads)
    ).one_or_none()


def add_pages(sql: sa.Connection, upload_id: UUID, rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Store the pages of some sides; those already there stay. The caller holds the upload's lock.

    Returns:
        Sides done and sides in all, after this.
    """
    statement = insert(pages).on_conflict_do_nothing(index_elements=["upload_id", "side_no", "half"])
    added = sql.execute(
        statement.returning(pages.c.side_no), [{**row, "upload_id": upload_id} for row in rows]
    ).scalars()
    sides_added = list(added)
    done, sides = sql.execute(
        sa.update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.status == "splitting")
        .values(
            sides_done=uploads.c.sides_done + len(set(sides_added)),
            pages=uploads.c.pages + len(sides_added),
            progressed_at=sa.func.clock_timestamp(),
        )
        .returning(uploads.c.sides_done, uploads.c.sides)
    ).one()
    return done, sides


def stuck_uploads(sql: sa.Connection, after_s: float) -> list[UUID]:
    """Uploads of which no side was cut or asked for in the last ``after_s`` seconds."""
    query = sa.select(uploads.c.id).where(uploads.c.status == "splitting", overdue(uploads, after_s))
    return list(sql.execute(query.order_by(uploads.c.id)).scalars())


def claim_stuck(sql: sa.Connection, upload_id: UUID, after_s: float) -> list[int]:
    """The sides still to be cut of an upload that is stuck, which from now on it is not; none when it is not."""
    claimed = sql.execute(
        sa.update(uploads)
        .where(uploads.c.id == upload_id, uploads.c.status == "splitting", overdue(uploads, after_s))
        .values(progressed_at=sa.func.clock_timestamp())
        .returning(uploads.c.sides)
    ).scalar_one_or_none()
    if claimed is None:
        return []
    cut = set(sql.execute(sa.select(pages.c.side_no).where(pages.c.upload_id == upload_id)).scalars())
    return [side for side in range(1, claimed + 1) if side not in cut]


def overdue(table: sa.Table, after_s: float) -> sa.ColumnElement[bool]:
    """Whether a row moved last more than ``after_s`` seconds ago.

    What was not even sent yet is late through no fault of the receiver.
    """
    since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, after_s)
    subject = sa.cast(table.c.id, sa.Text)
    unsent = sa.exists().where(outbox.c.subject == subject, outbox.c.sent_at.is_(None))
    return sa.and_(table.c.progressed_at < since, ~unsent)


def faces(sql: sa.Connection, upload_id: UUID) -> list[Face]:
    rows = sql.execute(
        sa.select(
            pages.c.id, pages.c.side_no, pages.c.half, pages.c.header, pages.c.sound, pages.c.blank, pages.c.features
        ).where(pages.c.upload_id == upload_id)
    )
    return [_face(row) for row in rows]


def _face(row: Any) -> Face:
    seen = row.features
    return Face(
        row.id,
        row.side_no,
        row.half,
        row.header,
        row.sound,
        blank=row.blank,
        blank_unsure=seen.get("blank_unsure", False),
        writing_bottom=seen.get("writing_bottom"),
        margin=seen.get("margin"),
        page_no=seen.get("page_no"),
        turned=seen.get("turned"),
        lean=seen.get("lean"),
        fingerprint=seen.get("fingerprint"),
        code=Code(**seen["code"]) if seen.get("code") else None,
    )


def doubtful_pages(sql: sa.Connection, upload_id: UUID) -> dict[UUID, list[Doubt]]:
    """The doubts that single pages cast on whatever booklet they are in."""
    rows = sql.execute(
        sa.select(pages.c.id, pages.c.side_no, pages.c.features["doubts"].label("doubts"))
        .where(pages.c.upload_id == upload_id, pages.c.features.has_key("doubts"))
        .order_by(pages.c.side_no)
    )
    return {row.id: [Doubt(code, row.side_no) for code in row.doubts] for row in rows}


def add_booklets(sql: sa.Connection, exam_id: UUID, upload_id: UUID, drafts: Iterable[Draft]) -> int:
    """Store the booklets of a whole upload with their doubts, and give every page its place."""
    groups, places, doubts = [], [], []
    for position, draft in enumerate(drafts, start=1):
        booklet_id = uuid7()
        groups.append(
            {
                "id": booklet_id,
                "exam_id": exam_id,
                "upload_id": upload_id,
                "place": position,
                "first_side": draft.first_side,
                "confidence": draft.confidence,
            }
        )
        places += [
            {"page": page, "booklet": booklet_id, "place": place} for place, page in enumerate(draft.pages, start=1)
        ]
        doubts += [
            {
                "id": uuid7(),
                "upload_id": upload_id,
                "booklet_id": booklet_id,
                "side_no": doubt.side_no,
                "code": doubt.code,
            }
            for doubt in draft.doubts
        ]
    sql.execute(sa.insert(booklets), groups)
    place_pages(sql, places)
    if doubts:
        sql.execute(sa.insert(anomalies), doubts)
    return len(groups)


def place_pages(sql: sa.Connection, places: Sequence[Mapping[str, object]]) -> None:
    """``places``: ``page``, ``booklet``, ``place`` from 1. One statement, however many pages."""
    wanted = (
        sa.func.unnest(
            sa.bindparam("pages", [row["page"] for row in places], sa.ARRAY(sa.Uuid)),
            sa.bindparam("booklets", [row["booklet"] for row in places], sa.ARRAY(sa.Uuid)),
            sa.bindparam("places", [row["place"] for row in places], sa.ARRAY(sa.Integer)),
        )
        .table_valued(sa.column("page"), sa.column("booklet"), sa.column("place"), name="wanted")
        .render_derived()
    )
    sql.execute(
        sa.update(pages).where(pages.c.id == wanted.c.page).values(booklet_id=wanted.c.booklet, place=wanted.c.place)
    )


# Views


def upload_view(sql: sa.Connection, upload_id: UUID) -> UploadView:
    """Raises: NotFound."""
    found = _upload_views(sql, uploads.c.id == upload_id, 1)
    if not found:
        raise NotFound
    return found[0]


def upload_views(sql: sa.Connection, ids: Collection[UUID]) -> list[UploadView]:
    """Those that exist."""
    return _upload_views(sql, uploads.c.id.in_(ids), len(ids)) if ids else []


def list_uploads(sql: sa.Connection, exam_id: UUID, limit: int, cursor: str | None) -> Uploads:
    """Newest first."""
    condition = uploads.c.exam_id == exam_id
    after = condition
    if cursor is not None:
        after = sa.and_(condition, uploads.c.id < as_uuid(from_cursor(cursor, 1)[0]))
    size = page_size(limit)
    views = _upload_views(sql, after, size + 1)
    total = sql.execute(sa.select(sa.func.count()).select_from(uploads).where(condition)).scalar_one()
    more = to_cursor(views[size - 1].id) if len(views) > size else None
    return Uploads(items=tuple(views[:size]), next=more, total=total)


def _upload_views(sql: sa.Connection, condition: sa.ColumnElement[bool], limit: int) -> list[UploadView]:
    filled = sa.exists().where(pages.c.booklet_id == booklets.c.id)
    count = sa.select(sa.func.count()).where(booklets.c.upload_id == uploads.c.id, filled).scalar_subquery()
    wanted = sa.select(uploads, count.label("booklets"), is_repeated().label("repeated")).where(condition)
    rows = sql.execute(wanted.order_by(uploads.c.id.desc()).limit(limit)).all()
    open_by_upload: dict[UUID, list[Anomaly]] = {row.id: [] for row in rows}
    for each in sql.execute(
        sa.select(anomalies)
        .where(anomalies.c.upload_id.in_(open_by_upload), anomalies.c.settled_at.is_(None))
        .order_by(anomalies.c.side_no, anomalies.c.id)
    ):
        open_by_upload[each.upload_id].append(Anomaly(code=each.code, side_no=each.side_no, booklet_id=each.booklet_id))
    return [
        UploadView(
            id=row.id,
            exam_id=row.exam_id,
            status=UploadStatus(row.status),
            sides=row.sides,
            sides_done=row.sides_done,
            pages=row.pages,
            booklets=row.booklets,
            anomalies=tuple(open_by_upload[row.id]),
            error=row.error,
            filename=row.filename,
            created_at=row.created_at,
            repeated=row.repeated,
        )
        for row in rows
    ]


def is_repeated() -> sa.ColumnElement[bool]:
    """Of an upload that failed or was cancelled: the same file came again."""
    other = uploads.alias()
    again = sa.exists().where(
        other.c.exam_id == uploads.c.exam_id,
        other.c.sha256 == uploads.c.sha256,
        other.c.created_at > uploads.c.created_at,  # the ids of a zip's files are not in time
    )
    return sa.and_(uploads.c.status.in_(("failed", "cancelled")), again)


# Requests that leave no row of their own


def first_time(sql: sa.Connection, method: str, once: UUID) -> bool:
    """Note that a request had its effect, beside the messages that had theirs; ``False``: it had it before."""
    mark = insert(inbox).values(consumer=f"ingest.rpc.{method}", message_id=once).on_conflict_do_nothing()
    return sql.execute(mark.returning(inbox.c.message_id)).first() is not None


# Images made on demand


def full_image(
    sql: sa.Connection, page_id: UUID, *, masked: bool, covered: Sequence[Sequence[float]]
) -> ImageRef | None:
    found = sql.execute(
        sa.select(full_images.c.image).where(
            full_images.c.page_id == page_id, full_images.c.masked == masked, full_images.c.covered == covered
        )
    ).scalar()
    return None if found is None else ImageRef.model_validate(found)


def remember_full_image(
    sql: sa.Connection, page_id: UUID, image: ImageRef, *, masked: bool, covered: Sequence[Sequence[float]]
) -> None:
    """Twice is fine: the same page gives the same image."""
    values = {"page_id": page_id, "masked": masked, "covered": covered, "image": image.model_dump()}
    sql.execute(insert(full_images).values(**values).on_conflict_do_nothing())


def intake_of(sql: sa.Connection, page_id: UUID) -> str:
    """How the side of a page was fed."""
    intake: str = sql.execute(
        sa.select(scan_profiles.c.intake)
        .join(uploads, uploads.c.profile_id == scan_profiles.c.id)
        .join(pages, pages.c.upload_id == uploads.c.id)
        .where(pages.c.id == page_id)
    ).scalar_one()
    return intake


def as_object(document: Mapping[str, Any]) -> ObjectRef:
    return ObjectRef.model_validate(document)

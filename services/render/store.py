"""render's two tables of its own. Everything in them can be made again: from the records, and from what was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from chassis.db import metadata as service_metadata
from contracts.objects import ObjectRef
from contracts.rpc.render import ExportedCopy, ExportStatus, ExportView

MEDIA_TYPE = "application/pdf"

metadata = service_metadata()

artefacts = sa.Table(
    "artefacts",
    metadata,
    sa.Column("record_sha256", sa.Text, nullable=False),
    sa.Column("template_version", sa.Integer, nullable=False),
    sa.Column("document_sha256", sa.Text, nullable=False),
    sa.Column("document_size", sa.BigInteger, nullable=False),
    sa.Column("document_key", sa.Text, nullable=False),
    sa.Column("page_count", sa.Integer, nullable=False),
    sa.Column("replaced", sa.Integer, nullable=False),
    sa.Column("composed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.PrimaryKeyConstraint("record_sha256", "template_version"),
    sa.CheckConstraint("record_sha256 ~ '^[0-9a-f]{64}$'", name="record_digest"),
    sa.CheckConstraint("document_sha256 ~ '^[0-9a-f]{64}$'", name="document_digest"),
    sa.CheckConstraint("right(document_key, 64) = document_sha256", name="key_is_digest"),
    sa.CheckConstraint("template_version > 0", name="template_version_positive"),
    sa.CheckConstraint("document_size > 0", name="document_not_empty"),
    sa.CheckConstraint("page_count > 0", name="has_pages"),
    sa.CheckConstraint("replaced >= 0", name="replaced_counted"),
)


# ``copies`` are the outcomes so far, one per document; ``document`` names the zip while it is kept.
exports = sa.Table(
    "exports",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("exam_id", sa.Uuid, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default=sa.text("'building'")),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("copies", postgresql.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("document", postgresql.JSONB(none_as_null=True)),
    sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.Column("settled_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("status IN ('building', 'done', 'failed')", name="status"),
    sa.CheckConstraint("(status = 'building') = (settled_at IS NULL)", name="settled_when_ended"),
    sa.CheckConstraint("document IS NULL OR status = 'done'", name="document_of_what_is_done"),
    sa.CheckConstraint("total > 0", name="has_copies"),
)


@dataclass(frozen=True)
class Artefact:
    """A final PDF in the store; ``replaced`` characters of the record have no glyph and are shown as a sign."""

    document: ObjectRef
    page_count: int
    replaced: int


def find(sql: sa.Connection, record_sha256: str, template_version: int) -> Artefact | None:
    row = sql.execute(
        sa.select(artefacts).where(
            artefacts.c.record_sha256 == record_sha256, artefacts.c.template_version == template_version
        )
    ).first()
    if row is None:
        return None
    document = ObjectRef(
        key=row.document_key, sha256=row.document_sha256, size=row.document_size, media_type=MEDIA_TYPE
    )
    return Artefact(document, row.page_count, row.replaced)


def remember(sql: sa.Connection, record_sha256: str, template_version: int, artefact: Artefact) -> None:
    """The latest wins: two that were made at the same time show the same, and a lost object is made again."""
    values = {
        "document_sha256": artefact.document.sha256,
        "document_size": artefact.document.size,
        "document_key": artefact.document.key,
        "page_count": artefact.page_count,
        "replaced": artefact.replaced,
    }
    insert = postgresql.insert(artefacts).values(
        record_sha256=record_sha256, template_version=template_version, **values
    )
    sql.execute(insert.on_conflict_do_update(index_elements=["record_sha256", "template_version"], set_=values))


def begin_export(sql: sa.Connection, export_id: UUID, exam_id: UUID, total: int) -> None:
    """Its row; the one there is when the command came before."""
    row = postgresql.insert(exports).values(id=export_id, exam_id=exam_id, total=total)
    sql.execute(row.on_conflict_do_nothing())


def tell_export(sql: sa.Connection, export_id: UUID, outcomes: Sequence[ExportedCopy]) -> None:
    """How far it is; nothing changes any more once it is settled."""
    building = sa.and_(exports.c.id == export_id, exports.c.status == "building")
    sql.execute(exports.update().where(building).values(copies=_as_json(outcomes)))


def settle_export(
    sql: sa.Connection,
    export_id: UUID,
    status: ExportStatus,
    outcomes: Sequence[ExportedCopy],
    document: ObjectRef | None,
) -> None:
    values: dict[str, Any] = {"status": status, "copies": _as_json(outcomes), "settled_at": sa.func.clock_timestamp()}
    values["document"] = None if document is None else document.model_dump(mode="json")
    sql.execute(exports.update().where(exports.c.id == export_id).values(**values))


def export(sql: sa.Connection, export_id: UUID) -> ExportView | None:
    row = sql.execute(sa.select(exports).where(exports.c.id == export_id)).one_or_none()
    if row is None:
        return None
    return ExportView(
        id=row.id,
        exam_id=row.exam_id,
        status=row.status,
        done=len(row.copies),
        total=row.total,
        copies=tuple(ExportedCopy.model_validate(each) for each in row.copies),
        document=None if row.document is None else ObjectRef.model_validate(row.document),
    )


def forget_exports(sql: sa.Connection, after_days: int) -> int:
    """Let go of zips that were settled more than ``after_days`` ago; how many."""
    age = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, after_days)
    old = sa.and_(exports.c.document.is_not(None), exports.c.settled_at < age)
    return sql.execute(exports.update().where(old).values(document=None)).rowcount


def _as_json(outcomes: Sequence[ExportedCopy]) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json") for each in outcomes]

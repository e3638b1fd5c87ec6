"""render's one table of its own. Everything in it can be made again from the records."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from chassis.db import metadata as service_metadata
from contracts.objects import ObjectRef

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

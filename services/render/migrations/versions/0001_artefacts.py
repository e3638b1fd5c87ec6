"""Lay render's tables: the memo of final documents, the outbox and the inbox.

Back: downgrade() drops everything. Nothing a person decided is lost: documents are made again from their records.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chassis import outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    outbox.create_tables(op)
    op.create_table(
        "artefacts",
        sa.Column("record_sha256", sa.Text(), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("document_size", sa.BigInteger(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.Column(
            "composed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")
        ),
        sa.PrimaryKeyConstraint("record_sha256", "template_version", name="pk_artefacts"),
        sa.CheckConstraint("record_sha256 ~ '^[0-9a-f]{64}$'", name="record_digest"),
        sa.CheckConstraint("document_sha256 ~ '^[0-9a-f]{64}$'", name="document_digest"),
        sa.CheckConstraint("right(document_key, 64) = document_sha256", name="key_is_digest"),
        sa.CheckConstraint("template_version > 0", name="template_version_positive"),
        sa.CheckConstraint("document_size > 0", name="document_not_empty"),
        sa.CheckConstraint("page_count > 0", name="has_pages"),
        sa.CheckConstraint("replaced >= 0", name="replaced_counted"),
    )


def downgrade() -> None:
    op.drop_table("artefacts")
    outbox.drop_tables(op)

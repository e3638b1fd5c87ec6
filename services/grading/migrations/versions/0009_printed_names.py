"""Look for names of the roster in the printed text of an exam's pages, where the exam says so.

No exam does after the upgrade. Back: what was read and what people said about it goes; it can be read again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "exams", sa.Column("check_printed_names", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "printed_pages",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("image_sha256", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("words", JSONB(none_as_null=True), nullable=True),
        sa.Column("roster_current", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("found", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("dismissed", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.CheckConstraint("image_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_printed_pages_image_sha256")),
        sa.CheckConstraint(
            "outcome IS NULL OR asked_at IS NOT NULL", name=op.f("ck_printed_pages_answered_when_asked")
        ),
        sa.CheckConstraint(
            "(outcome IS NOT NULL AND outcome = 'done') = (words IS NOT NULL)",
            name=op.f("ck_printed_pages_words_when_done"),
        ),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_printed_pages_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("copy_id", "image_sha256", name=op.f("pk_printed_pages")),
    )
    op.create_index(
        "ix_printed_pages_unread", "printed_pages", ["asked_at"], postgresql_where=sa.text("outcome IS NULL")
    )
    op.create_index(
        "ix_printed_pages_to_compare",
        "printed_pages",
        ["copy_id"],
        postgresql_where=sa.text("outcome = 'done' AND NOT roster_current"),
    )


def downgrade() -> None:
    op.drop_table("printed_pages")
    op.drop_column("exams", "check_printed_names")

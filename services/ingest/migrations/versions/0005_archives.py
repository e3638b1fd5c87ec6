"""Zips of scans, and what became of each file in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "archives",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("exam_id", sa.Uuid, nullable=False),
        sa.Column("profile_id", sa.Uuid, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("object", JSONB, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("created_by", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("cancelled_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archives")),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["scan_profiles.id"], name=op.f("fk_archives_profile_id_scan_profiles"), ondelete="RESTRICT"
        ),
    )
    op.create_index(
        "uq_archives_exam_id_sha256_live",
        "archives",
        ["exam_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.create_table(
        "archive_entries",
        sa.Column("archive_id", sa.Uuid, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("upload_id", sa.Uuid),
        sa.Column("error", JSONB),
        sa.PrimaryKeyConstraint("archive_id", "place", name=op.f("pk_archive_entries")),
        sa.ForeignKeyConstraint(
            ["archive_id"], ["archives.id"], name=op.f("fk_archive_entries_archive_id_archives"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_archive_entries_upload_id_uploads"), ondelete="RESTRICT"
        ),
        sa.CheckConstraint("num_nonnulls(upload_id, error) <= 1", name=op.f("ck_archive_entries_one_end")),
    )
    op.create_index(op.f("ix_archive_entries_upload_id"), "archive_entries", ["upload_id"])


def downgrade() -> None:
    op.drop_table("archive_entries")
    op.drop_table("archives")

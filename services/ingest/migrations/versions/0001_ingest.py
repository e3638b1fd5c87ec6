"""Lay ingest's tables: uploads, their pages, booklets in staging, doubts, and what was assembled.

Back: downgrade() drops everything. It is for tests and for an installation that never took an upload; the originals
stay in the object store in any case.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis import outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("scan_profiles", "uploads", "assemblies", "booklets", "pages", "anomalies", "full_images")


def upgrade() -> None:
    outbox.create_tables(op)
    op.create_table(
        "scan_profiles",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("exam_id", sa.Uuid, nullable=False),
        sa.Column("intake", sa.Text, nullable=False),
        sa.Column("pages_per_booklet", sa.Integer, nullable=False),
        sa.CheckConstraint("intake IN ('a3', 'a4')", name=op.f("ck_scan_profiles_intake")),
        sa.CheckConstraint("pages_per_booklet BETWEEN 1 AND 200", name=op.f("ck_scan_profiles_pages_per_booklet")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan_profiles")),
        sa.UniqueConstraint(
            "exam_id", "intake", "pages_per_booklet", name=op.f("uq_scan_profiles_exam_id_intake_pages_per_booklet")
        ),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("exam_id", sa.Uuid, nullable=False),
        sa.Column("profile_id", sa.Uuid, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("object", JSONB(), nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("sides", sa.Integer, nullable=False),
        sa.Column("sides_done", sa.Integer, server_default="0", nullable=False),
        sa.Column("pages", sa.Integer, server_default="0", nullable=False),
        sa.Column("error", JSONB()),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("(status = 'failed') = (error IS NOT NULL)", name=op.f("ck_uploads_failed_says_why")),
        sa.CheckConstraint("(status = 'splitting') = (settled_at IS NULL)", name=op.f("ck_uploads_settled")),
        sa.CheckConstraint("status <> 'ready' OR sides_done = sides", name=op.f("ck_uploads_ready_is_complete")),
        sa.CheckConstraint("status IN ('splitting', 'ready', 'failed', 'cancelled')", name=op.f("ck_uploads_status")),
        sa.CheckConstraint("sides >= 1 AND sides_done BETWEEN 0 AND sides", name=op.f("ck_uploads_progress")),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["scan_profiles.id"], name=op.f("fk_uploads_profile_id_scan_profiles"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_exam_id_id", "uploads", ["exam_id", "id"])
    op.create_index("ix_uploads_sha256", "uploads", ["sha256"])
    op.create_index(
        "uq_uploads_exam_id_sha256_live",
        "uploads",
        ["exam_id", "sha256"],
        unique=True,
        postgresql_where=sa.text("status IN ('splitting', 'ready')"),
    )
    op.create_table(
        "assemblies",
        sa.Column("copy_id", sa.Uuid, nullable=False),
        sa.Column("exam_id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("manifest", JSONB(), nullable=False),
        sa.Column("page_count", sa.Integer, nullable=False),
        sa.Column("assembled_by", sa.Uuid, nullable=False),
        sa.Column("assembled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("page_count >= 1", name=op.f("ck_assemblies_page_count")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_assemblies_revision")),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_assemblies")),
    )
    op.create_index(op.f("ix_assemblies_exam_id"), "assemblies", ["exam_id"])
    op.create_table(
        "booklets",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("exam_id", sa.Uuid, nullable=False),
        sa.Column("upload_id", sa.Uuid, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("first_side", sa.Integer, nullable=False),
        sa.Column("set_aside", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("copy_id", sa.Uuid),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.CheckConstraint("copy_id IS NULL OR NOT set_aside", name=op.f("ck_booklets_set_aside_is_not_assembled")),
        sa.CheckConstraint("first_side >= 1", name=op.f("ck_booklets_first_side")),
        sa.CheckConstraint("place >= 1", name=op.f("ck_booklets_place")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_booklets_version")),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["assemblies.copy_id"], name=op.f("fk_booklets_copy_id_assemblies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_booklets_upload_id_uploads"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booklets")),
        sa.UniqueConstraint(
            "upload_id", "place", deferrable=True, initially="DEFERRED", name=op.f("uq_booklets_upload_id_place")
        ),
    )
    op.create_index(op.f("ix_booklets_copy_id"), "booklets", ["copy_id"])
    op.create_index("ix_booklets_exam_id_first_side", "booklets", ["exam_id", "first_side"])
    op.create_index("ix_booklets_exam_id_upload_id_place", "booklets", ["exam_id", "upload_id", "place"])
    op.create_table(
        "pages",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("upload_id", sa.Uuid, nullable=False),
        sa.Column("side_no", sa.Integer, nullable=False),
        sa.Column("half", sa.Text, nullable=False),
        sa.Column("clip", JSONB(), nullable=False),
        sa.Column("turn_deg", sa.SmallInteger, nullable=False),
        sa.Column("sound", sa.Boolean, nullable=False),
        sa.Column("blank", sa.Boolean, nullable=False),
        sa.Column("ink", sa.Integer, nullable=False),
        sa.Column("header", sa.Text),
        sa.Column("header_box", JSONB()),
        sa.Column("images", JSONB(), nullable=False),
        sa.Column("masked", JSONB()),
        sa.Column("header_image", JSONB()),
        sa.Column("booklet_id", sa.Uuid),
        sa.Column("place", sa.Integer),
        sa.Column("hand_turn_deg", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("dropped", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.CheckConstraint("half IN ('whole', 'left', 'right')", name=op.f("ck_pages_half")),
        sa.CheckConstraint("header IN ('sure', 'unsure')", name=op.f("ck_pages_header")),
        sa.CheckConstraint("(booklet_id IS NULL) = (place IS NULL) AND place >= 1", name=op.f("ck_pages_place")),
        sa.CheckConstraint(
            "num_nonnulls(header, header_box, masked, header_image) IN (0, 4)", name=op.f("ck_pages_header_is_masked")
        ),
        sa.CheckConstraint("side_no >= 1", name=op.f("ck_pages_side_no")),
        sa.CheckConstraint(
            "turn_deg IN (0, 90, 180, 270) AND hand_turn_deg IN (0, 90, 180, 270)", name=op.f("ck_pages_turn")
        ),
        sa.ForeignKeyConstraint(
            ["booklet_id"], ["booklets.id"], name=op.f("fk_pages_booklet_id_booklets"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_pages_upload_id_uploads"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
        sa.UniqueConstraint(
            "booklet_id", "place", deferrable=True, initially="DEFERRED", name=op.f("uq_pages_booklet_id_place")
        ),
        sa.UniqueConstraint("upload_id", "side_no", "half", name=op.f("uq_pages_upload_id_side_no_half")),
    )
    op.create_table(
        "anomalies",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("upload_id", sa.Uuid, nullable=False),
        sa.Column("booklet_id", sa.Uuid),
        sa.Column("side_no", sa.Integer),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("settled_by", sa.Uuid),
        sa.CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name=op.f("ck_anomalies_settled")),
        sa.ForeignKeyConstraint(
            ["booklet_id"], ["booklets.id"], name=op.f("fk_anomalies_booklet_id_booklets"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_anomalies_upload_id_uploads"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomalies")),
    )
    op.create_index(op.f("ix_anomalies_booklet_id"), "anomalies", ["booklet_id"])
    op.create_index(op.f("ix_anomalies_upload_id"), "anomalies", ["upload_id"])
    op.create_table(
        "full_images",
        sa.Column("page_id", sa.Uuid, nullable=False),
        sa.Column("masked", sa.Boolean, nullable=False),
        sa.Column("image", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["page_id"], ["pages.id"], name=op.f("fk_full_images_page_id_pages"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("page_id", "masked", name=op.f("pk_full_images")),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    outbox.drop_tables(op)

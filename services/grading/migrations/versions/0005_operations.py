"""Marks as operations, comments that are used again, colours and the pressure of the pen.

Back: operations are forgotten, so that one sent again is done again, and so are comments, colours and pressures. Dump
``operations`` and ``comments`` first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis import append_only

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("annotations", sa.Column("pressures", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False))
    op.add_column("annotations", sa.Column("colour", sa.Text(), nullable=True))
    op.add_column("annotations", sa.Column("comment_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(op.f("ck_annotations_colour"), "annotations", "colour IN ('red', 'green', 'blue')")
    op.create_index(
        "ix_annotations_comment_id", "annotations", ["comment_id"], postgresql_where=sa.text("comment_id IS NOT NULL")
    )
    op.create_table(
        "operations",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("op", JSONB(), nullable=False),
        sa.Column("annotation_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("problem", JSONB(none_as_null=True), nullable=True),
        sa.Column("applied_at", _INSTANT, nullable=False),
        sa.CheckConstraint("outcome IN ('done', 'conflict', 'refused')", name=op.f("ck_operations_outcome")),
        sa.CheckConstraint(
            "(outcome = 'refused') = (problem IS NOT NULL)", name=op.f("ck_operations_refused_says_why")
        ),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_operations_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        sa.UniqueConstraint("copy_id", "op_id", "sha256", name=op.f("uq_operations_copy_id_op_id_sha256")),
    )
    op.create_index(
        "uq_operations_annotation_version",
        "operations",
        ["annotation_id", "version"],
        unique=True,
        postgresql_where=sa.text("outcome = 'done' AND annotation_id IS NOT NULL"),
    )
    append_only.protect(op, "operations")
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("points", sa.Numeric(7, 3), nullable=True),
        sa.Column("official", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", _INSTANT, nullable=True),
        sa.CheckConstraint("length(text) BETWEEN 1 AND 1000", name=op.f("ck_comments_text")),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name=op.f("fk_comments_exam_id_exams"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index("ix_comments_exam_id", "comments", ["exam_id"])


def downgrade() -> None:
    op.drop_table("comments")
    op.drop_table("operations")
    op.drop_index("ix_annotations_comment_id", "annotations")
    op.drop_constraint(op.f("ck_annotations_colour"), "annotations", type_="check")
    for name in ("comment_id", "colour", "pressures"):
        op.drop_column("annotations", name)

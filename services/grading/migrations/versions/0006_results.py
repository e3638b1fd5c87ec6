"""Let colleagues flag copies, and an exam show its candidates how the class did.

Back: flags and their notes are lost; candidates read their own results alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exams", sa.Column("class_statistics", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "copy_flags",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("length(note) <= 500", name="note"),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_copy_flags_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_copy_flags")),
    )


def downgrade() -> None:
    op.drop_table("copy_flags")
    op.drop_column("exams", "class_statistics")

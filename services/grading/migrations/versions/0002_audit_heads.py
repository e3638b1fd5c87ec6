"""Keep the end of every audit trail, sealed with a key that is not in the database.

Trails that exist already get a head without a seal: the migration does not have the key. They are reported as not
sealed until an operator has looked at them and runs ``python -m services.grading.seal``.

Back: the heads are dropped; the trails themselves are untouched.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["exam_id"], ["exams.id"], name=op.f("fk_audit_heads_exam_id_exams"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_audit_heads")),
    )
    op.execute(
        "INSERT INTO audit_heads (subject_id, exam_id, seq, hash)"
        " SELECT DISTINCT ON (subject_id) subject_id, exam_id, seq, hash FROM audit ORDER BY subject_id, seq DESC"
    )


def downgrade() -> None:
    op.drop_table("audit_heads")

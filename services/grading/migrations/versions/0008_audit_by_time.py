"""Find the latest events of all exams without reading the whole trail.

Back: only the index goes.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_at_subject_id_seq", "audit", ["at", "subject_id", "seq"])


def downgrade() -> None:
    op.drop_index("ix_audit_at_subject_id_seq", table_name="audit")

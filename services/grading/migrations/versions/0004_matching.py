"""Keep what was read letter by letter, whom it fits, who decided, and where the fields stand on an exam's sheets.

Candidates that copies have already were found by people. Back: readings lose their letters and are read again on
demand; who found a candidate is told by the audit trail alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = {
    "fields": JSONB(none_as_null=True),
    "ranked": JSONB(none_as_null=True),
    "ranked_for": sa.Text(),
    "decided_by": sa.Text(),
    "probability": sa.Double(),
    "doubt": sa.Text(),
}
_CHECKS = {
    "decided_by": "decided_by IN ('person', 'machine')",
    "probability": "probability BETWEEN 0 AND 1",
    "doubt": "doubt IN ('exchanged', 'unlikely', 'dismissed')",
}


def upgrade() -> None:
    for name, type_ in _COLUMNS.items():
        op.add_column("identifications", sa.Column(name, type_, nullable=True))
    for name, rule in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_identifications_{name}"), "identifications", rule)
    op.execute(
        "UPDATE identifications SET decided_by = 'person' FROM copies"
        " WHERE copies.id = identifications.copy_id AND copies.candidate_id IS NOT NULL"
    )
    op.create_table(
        "matching_due",
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"], ["exams.id"], name=op.f("fk_matching_due_exam_id_exams"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("exam_id", name=op.f("pk_matching_due")),
    )
    op.create_table(
        "sheet_models",
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("sample_copy_id", sa.Uuid(), nullable=False),
        sa.Column("sample", JSONB(), nullable=False),
        sa.Column("zones", JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"], ["exams.id"], name=op.f("fk_sheet_models_exam_id_exams"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sample_copy_id"], ["copies.id"], name=op.f("fk_sheet_models_sample_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("exam_id", name=op.f("pk_sheet_models")),
    )


def downgrade() -> None:
    op.drop_table("sheet_models")
    op.drop_table("matching_due")
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_identifications_{name}"), "identifications", type_="check")
    for name in reversed(_COLUMNS):
        op.drop_column("identifications", name)

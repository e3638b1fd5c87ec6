"""Let an exam say how sure an identification must be that nobody looks at.

Back: the installation's budget holds for every exam; copies stay with the candidates they have.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exams", sa.Column("identification_error_budget", sa.Numeric(6, 5), nullable=True))
    op.create_check_constraint(
        op.f("ck_exams_identification_error_budget"), "exams", "identification_error_budget BETWEEN 0 AND 0.05"
    )


def downgrade() -> None:
    op.drop_column("exams", "identification_error_budget")

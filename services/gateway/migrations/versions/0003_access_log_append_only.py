"""Refuse every change of the access log: who saw whose result stays as it was written.

Back: the log can be changed again; its rows are untouched.
"""

from __future__ import annotations

from alembic import op

from chassis import append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    append_only.create_guard(op)
    append_only.protect(op, "access_log")


def downgrade() -> None:
    append_only.unprotect(op, "access_log")
    append_only.drop_guard(op)

"""People: accounts, sessions, tokens, access codes, and what the gateway remembers of requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chassis import outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_now = sa.text("now()")
_instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("username", sa.Text, nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("created_at", _instant, nullable=False, server_default=_now),
        sa.CheckConstraint("role IN ('admin', 'operator', 'marker')", name="role"),
        sa.CheckConstraint("username = lower(username)", name="username_lower"),
    )
    op.create_table(
        "candidate_accesses",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("code_sha256", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created_by", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("created_at", _instant, nullable=False, server_default=_now),
        sa.Column("expires_at", _instant, nullable=False),
        sa.Column("revoked_at", _instant),
    )
    op.create_index(
        "uq_candidate_accesses_live",
        "candidate_accesses",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("id_sha256", sa.LargeBinary, primary_key=True),
        sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT")),
        sa.Column("access_id", sa.Uuid, sa.ForeignKey("candidate_accesses.id", ondelete="RESTRICT")),
        sa.Column("created_at", _instant, nullable=False, server_default=_now),
        sa.Column("seen_at", _instant, nullable=False, server_default=_now),
        sa.Column("expires_at", _instant, nullable=False),
        sa.CheckConstraint("num_nonnulls(account_id, access_id) = 1", name="one_owner"),
    )
    for column in ("account_id", "access_id", "expires_at"):
        op.create_index(f"ix_sessions_{column}", "sessions", [column])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created_at", _instant, nullable=False, server_default=_now),
        sa.Column("last_used_at", _instant),
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("account_id", sa.Uuid, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_sha256", sa.LargeBinary, nullable=False),
        sa.Column("started_at", _instant, nullable=False, server_default=_now),
        sa.Column("answer", postgresql.JSONB),
    )
    op.create_index("ix_idempotency_keys_started_at", "idempotency_keys", ["started_at"])
    op.create_table(
        "rate_buckets",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.Column("ends_at", _instant, nullable=False),
    )
    op.create_index("ix_rate_buckets_ends_at", "rate_buckets", ["ends_at"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("created_by", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("created_at", _instant, nullable=False, server_default=_now),
        sa.Column("outcome", postgresql.JSONB),
        sa.CheckConstraint("type IN ('upload', 'finalise')", name="type"),
        sa.UniqueConstraint("type", "subject_id", "revision"),
    )
    op.create_index("ix_jobs_created_by_created_at", "jobs", ["created_by", "created_at"])
    op.create_table(
        "access_log",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("at", _instant, nullable=False, server_default=_now),
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("request_id", sa.Text),
    )
    op.create_index("ix_access_log_subject_id", "access_log", ["subject_id"])
    outbox.create_tables(op)


def downgrade() -> None:
    outbox.drop_tables(op)
    for table in ("access_log", "jobs", "rate_buckets", "idempotency_keys", "tokens", "sessions"):
        op.drop_table(table)
    op.drop_table("candidate_accesses")
    op.drop_table("accounts")

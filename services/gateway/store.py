"""The gateway's tables. Queries about people are in people.py, about jobs in jobs.py, and so on, beside their use."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from chassis.db import metadata as new_metadata

metadata = new_metadata()

_now = sa.text("now()")
_instant = sa.DateTime(timezone=True)

accounts = sa.Table(
    "accounts",
    metadata,
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

# A person's right to read their own results. ``person_id`` is grading's; no name is kept here.
candidate_accesses = sa.Table(
    "candidate_accesses",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("person_id", sa.Uuid, nullable=False),
    sa.Column("code_sha256", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("created_by", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("expires_at", _instant, nullable=False),
    sa.Column("revoked_at", _instant),
)
sa.Index(
    "uq_candidate_accesses_live",
    candidate_accesses.c.person_id,
    unique=True,
    postgresql_where=candidate_accesses.c.revoked_at.is_(None),
)

# Of a member of staff or of a candidate, never both.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id_sha256", sa.LargeBinary, primary_key=True),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT"), index=True),
    sa.Column("access_id", sa.Uuid, sa.ForeignKey("candidate_accesses.id", ondelete="RESTRICT"), index=True),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("seen_at", _instant, nullable=False, server_default=_now),
    sa.Column("expires_at", _instant, nullable=False, index=True),
    sa.CheckConstraint("num_nonnulls(account_id, access_id) = 1", name="one_owner"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_sha256", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("last_used_at", _instant),
)

# ``answer`` is null while the first request still runs. ``once`` is what that request is called, and its repetitions.
idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("account_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request_sha256", sa.LargeBinary, nullable=False),
    sa.Column("started_at", _instant, nullable=False, server_default=_now, index=True),
    sa.Column("answer", postgresql.JSONB),
    sa.Column("once", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
)

rate_buckets = sa.Table(
    "rate_buckets",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("hits", sa.Integer, nullable=False),
    sa.Column("ends_at", _instant, nullable=False, index=True),
)

# A view on what another service does (docs/adr/0006). ``outcome`` remembers an end that can no longer change.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Uuid, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("created_by", sa.Uuid, sa.ForeignKey("accounts.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("created_at", _instant, nullable=False, server_default=_now),
    sa.Column("outcome", postgresql.JSONB),
    sa.CheckConstraint("type IN ('upload', 'finalise', 'export')", name="type"),
    sa.UniqueConstraint("type", "subject_id", "revision"),
    sa.Index("ix_jobs_created_by_created_at", "created_by", "created_at"),
)

# Who saw whose result; ids, never names.
access_log = sa.Table(
    "access_log",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", _instant, nullable=False, server_default=_now),
    sa.Column("actor_id", sa.Uuid, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Uuid),
    sa.Column("request_id", sa.Text),
    sa.Index("ix_access_log_subject_id", "subject_id"),
)

APPEND_ONLY = (access_log.name,)

"""The two tables that make messages reliable, the same in every service's database.

A use case inserts into ``outbox`` in its own transaction; the relay publishes and marks the row. A consumer inserts
into ``inbox`` in the transaction of the effect, so a message delivered twice takes effect once.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


def tables(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    """The (outbox, inbox) tables of ``metadata``, added on the first call."""
    if "outbox" not in metadata.tables:
        outbox = sa.Table("outbox", metadata, *_outbox_columns())
        sa.Index("ix_outbox_unsent", outbox.c.id, postgresql_where=outbox.c.sent_at.is_(None))
        sa.Table("inbox", metadata, *_inbox_columns())
    return metadata.tables["outbox"], metadata.tables["inbox"]


def _outbox_columns() -> list[sa.schema.SchemaItem]:
    clock = sa.text("clock_timestamp()")
    return [
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("message_id", sa.Uuid, nullable=False, unique=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("data", postgresql.JSONB, nullable=False),
        sa.Column("correlation_id", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=clock),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False, server_default=clock),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
    ]


def _inbox_columns() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Uuid, primary_key=True),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")
        ),
    ]


def replayed_id(message_id: UUID) -> UUID:
    """The id under which a dead letter is sent again: new to the inbox, and still told from the message it was."""
    return uuid5(message_id, "korrigo.replay")


def create_tables(op: Any) -> None:
    """Create both tables; called by the first migration of each service with Alembic's ``op``.

    Released migrations must not change: a new column goes into a function of its own, called by a new migration.
    """
    op.create_table("outbox", *_outbox_columns())
    op.create_index("ix_outbox_unsent", "outbox", ["id"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_table("inbox", *_inbox_columns())


def drop_tables(op: Any) -> None:
    """Undo ``create_tables``."""
    op.drop_table("inbox")
    op.drop_table("outbox")

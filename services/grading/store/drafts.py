"""Drafts and every save of them, the refused ones too. Writers hold the copy's row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from services.grading.store.tables import draft_saves, drafts

_clock = sa.func.clock_timestamp()


@dataclass(frozen=True)
class Draft:
    client_id: str
    version: int
    payload: dict[str, Any]
    updated_at: datetime


@dataclass(frozen=True)
class Save:
    """What a client sent: ``base_version`` is the version it last saw, ``fence`` that of its lock."""

    copy_id: UUID
    owner_id: UUID
    client_id: str
    base_version: int
    fence: int
    sha256: str
    payload: Mapping[str, Any]


def draft(sql: sa.Connection, copy_id: UUID, owner_id: UUID) -> Draft | None:
    query = sa.select(drafts.c.client_id, drafts.c.version, drafts.c.payload, drafts.c.updated_at)
    row = sql.execute(query.where(drafts.c.copy_id == copy_id, drafts.c.owner_id == owner_id)).mappings().one_or_none()
    return None if row is None else Draft(**row)


def answered_before(uow: UnitOfWork, save: Save) -> tuple[int, datetime] | None:
    """Version and time this very save got when it first came; ``None`` when it is new or was refused."""
    query = sa.select(draft_saves.c.version, draft_saves.c.saved_at).where(
        draft_saves.c.copy_id == save.copy_id,
        draft_saves.c.owner_id == save.owner_id,
        draft_saves.c.client_id == save.client_id,
        draft_saves.c.base_version == save.base_version,
        draft_saves.c.sha256 == save.sha256,
        draft_saves.c.version.is_not(None),
    )
    row = uow.sql.execute(query).one_or_none()
    return None if row is None else (row.version, row.saved_at)


def put(uow: UnitOfWork, save: Save) -> tuple[int, datetime] | None:
    """Store the save if what it was based on is what is stored; its version and time, or ``None``.

    The version must be the row's. So must the client, as long as the lock is the one under which the draft was last
    saved: two windows of one person do not overwrite each other. A new lock begins a new session, from any client.
    """
    values = {
        "client_id": save.client_id, "version": save.base_version + 1, "fence": save.fence,
        "payload": save.payload, "updated_at": _clock,
    }  # fmt: skip
    statement: Any
    if save.base_version == 0:
        first = insert(drafts).values(copy_id=save.copy_id, owner_id=save.owner_id, **values)
        statement = first.on_conflict_do_nothing()
    else:
        statement = (
            drafts.update()
            .where(
                drafts.c.copy_id == save.copy_id,
                drafts.c.owner_id == save.owner_id,
                drafts.c.version == save.base_version,
                sa.or_(drafts.c.client_id == save.client_id, drafts.c.fence < save.fence),
            )
            .values(**values)
        )
    row = uow.sql.execute(statement.returning(drafts.c.version, drafts.c.updated_at)).one_or_none()
    return None if row is None else (row.version, row.updated_at)


def keep(uow: UnitOfWork, save: Save, version: int | None, saved_at: datetime | None) -> None:
    """Add the save to the history, with the version it became; ``None`` when it was refused.

    Once per save: one that was refused before and is stored now, under a new lock, is what it became at last.
    """
    row = {
        "copy_id": save.copy_id, "owner_id": save.owner_id, "client_id": save.client_id, "fence": save.fence,
        "base_version": save.base_version, "sha256": save.sha256, "payload": save.payload, "version": version,
        "saved_at": saved_at if saved_at is not None else _clock,
    }  # fmt: skip
    saved = insert(draft_saves).values(**row)
    became = {name: saved.excluded[name] for name in ("version", "fence", "saved_at")}
    uow.sql.execute(
        saved.on_conflict_do_update(
            constraint="uq_draft_saves_request", set_=became, where=saved.excluded.version.is_not(None)
        )
    )

"""Comments that are used again, and how often they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from contracts.errors.grading import NotFound
from contracts.model import Actor
from contracts.rpc.grading.desk import CommentView
from services.grading.domain.comments import Comment
from services.grading.store.tables import annotations as made_from
from services.grading.store.tables import comments

_COMMENT = tuple(Comment.__dataclass_fields__)
_COLUMNS = [comments.c[name] for name in _COMMENT]
_USES = (
    sa.select(sa.func.count())
    .where(made_from.c.comment_id == comments.c.id, made_from.c.deleted_at.is_(None))
    .scalar_subquery()
    .label("uses")
)
"""Counted where they stand: a counter in the row would make markers of one exam wait for each other."""


def listed(
    sql: sa.Connection, exam_id: UUID, by: Actor, *, item_id: str | None, limit: int
) -> tuple[tuple[CommentView, ...], int]:
    """What ``by`` may use, most used first, and how many there are. One statement."""
    wanted = [comments.c.exam_id == exam_id, comments.c.deleted_at.is_(None)]
    wanted.append(sa.or_(comments.c.official, comments.c.owner_id == by.id))
    if item_id is not None:
        wanted.append(sa.or_(comments.c.item_id == item_id, comments.c.item_id.is_(None)))
    query = (
        sa.select(*_COLUMNS, _USES, sa.func.count().over().label("total"))
        .where(*wanted)
        .order_by(_USES.desc(), comments.c.created_at, comments.c.id)
        .limit(limit)
    )
    rows = list(sql.execute(query))
    return tuple(_view(row, by) for row in rows), rows[0].total if rows else 0


def one(sql: sa.Connection, comment_id: UUID, by: Actor) -> CommentView:
    """``NotFound`` when it was removed."""
    query = sa.select(*_COLUMNS, _USES).where(comments.c.id == comment_id, comments.c.deleted_at.is_(None))
    row = sql.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return _view(row, by)


def hold(uow: UnitOfWork, comment_id: UUID) -> Comment:
    """Nobody else changes it until the transaction ends. ``NotFound`` when it was removed."""
    held = sa.select(*_COLUMNS).where(comments.c.id == comment_id, comments.c.deleted_at.is_(None)).with_for_update()
    row = uow.sql.execute(held).mappings().one_or_none()
    if row is None:
        raise NotFound
    return Comment(**row)


def add(uow: UnitOfWork, comment: Comment) -> None:
    """Nothing when there is, or was, one with this id."""
    values = {name: getattr(comment, name) for name in _COMMENT}
    uow.sql.execute(insert(comments).values(**values).on_conflict_do_nothing())


def change(uow: UnitOfWork, comment: Comment, values: Mapping[str, Any]) -> None:
    """The next version of a comment that is held."""
    changed = {**values, "version": comment.version + 1, "updated_at": sa.func.clock_timestamp()}
    uow.sql.execute(comments.update().where(comments.c.id == comment.id).values(**changed))


def _view(row: Any, by: Actor) -> CommentView:
    shown = {name: getattr(row, name) for name in _COMMENT if name != "owner_id"}
    return CommentView(**shown, mine=row.owner_id == by.id and not row.official, uses=row.uses)

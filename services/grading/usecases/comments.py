"""The comment bank: official comments of an exam, and each marker's own."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from chassis.db import UnitOfWork
from chassis.ids import uuid7
from contracts.errors.grading import VersionConflict
from contracts.model import Actor
from contracts.rpc import Done
from contracts.rpc.grading.desk import (
    COMMENTS_AT_ONCE,
    ChangeComment,
    Comments,
    CommentView,
    CreateComment,
    ListComments,
    RemoveComment,
)
from services.grading.context import Context
from services.grading.domain.comments import Comment, check_may_add, check_may_change
from services.grading.domain.results import check_known
from services.grading.store import comments, exams, marking


def list_comments(app: Context, request: ListComments) -> Comments:
    with app.db.reading() as sql:
        exams.find(sql, request.exam_id, request.by)
        items, total = comments.listed(
            sql, request.exam_id, request.by, item_id=request.item_id, limit=COMMENTS_AT_ONCE
        )
    return Comments(items=items, total=total)


def create_comment(app: Context, request: CreateComment) -> CommentView:
    """A new comment; asked again, the one there is.

    Raises:
        NotYours: an official one, by no administrator. UnknownItem: the scheme in force has no such item.
    """
    by = request.by
    check_may_add(by, official=request.official)
    comment_id = request.once or uuid7()
    with app.db.transaction() as uow:
        exams.find(uow.sql, request.exam_id, by)
        _check_item(uow, request.exam_id, request.item_id)
        new = Comment(
            id=comment_id, exam_id=request.exam_id, item_id=request.item_id, text=request.text, points=request.points,
            official=request.official, owner_id=by.id, version=1,
        )  # fmt: skip
        comments.add(uow, new)
        return comments.one(uow.sql, comment_id, by)


def change_comment(app: Context, request: ChangeComment) -> CommentView:
    """Annotations made from it keep their words.

    Raises:
        NotFound, NotYours: see ``check_may_change``. VersionConflict, UnknownItem.
    """
    by = request.by
    with app.db.transaction() as uow:
        comment = _held(uow, request, by)
        _check_item(uow, comment.exam_id, request.item_id)
        comments.change(uow, comment, request.model_dump(include={"text", "points", "item_id"}))
        return comments.one(uow.sql, comment.id, by)


def remove_comment(app: Context, request: RemoveComment) -> Done:
    """Nobody is offered it any more; annotations made from it stay."""
    with app.db.transaction() as uow:
        comments.change(uow, _held(uow, request, request.by), {"deleted_at": sa.func.clock_timestamp()})
    return Done()


def _held(uow: UnitOfWork, request: ChangeComment | RemoveComment, by: Actor) -> Comment:
    comment = comments.hold(uow, request.comment_id)
    exams.find(uow.sql, comment.exam_id, by)
    check_may_change(comment, by)
    if comment.version != request.version:
        current = comments.one(uow.sql, comment.id, by).model_dump(mode="json")
        raise VersionConflict(version=comment.version, current=current)
    return comment


def _check_item(uow: UnitOfWork, exam_id: UUID, item_id: str | None) -> None:
    if item_id is not None:
        rules = marking.rules(uow.sql, exam_id)
        check_known(rules.items, [item_id], rules.scheme_version)

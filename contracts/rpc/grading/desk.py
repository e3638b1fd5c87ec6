"""What a marking desk opens with, and the comments that markers use again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from contracts.model import PROSE, Actor, Model, Points
from contracts.rpc import Done, Method, Once
from contracts.rpc.grading.copies import AnnotationView, CopyView, ScoresView
from contracts.rpc.grading.exams import SchemeNode

CommentText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), PROSE]
COMMENTS_AT_ONCE = 200


class CommentView(Model):
    """``official`` ones are everybody's, the others (``mine``) the marker's alone. Without ``item_id`` it is of the
    whole exam. ``points`` are proposed with it. ``uses``: annotations made from it that stand.
    """

    id: UUID
    exam_id: UUID
    item_id: str | None
    text: str
    points: Points | None
    official: bool
    mine: bool
    uses: int
    version: int


class Comments(Model):
    """At most ``COMMENTS_AT_ONCE``, those used most first."""

    items: tuple[CommentView, ...]
    next: str | None = None
    total: int


class ListComments(Model):
    """With ``item_id`` those of that item and those of the whole exam."""

    exam_id: UUID
    item_id: str | None = Field(default=None, max_length=64)
    by: Actor


class CommentFields(Model):
    text: CommentText
    points: Points | None = None
    item_id: str | None = Field(default=None, max_length=64)


class CreateComment(CommentFields, Once):
    exam_id: UUID
    official: bool = False
    by: Actor


class ChangeComment(CommentFields):
    """The comment as it shall be: points or item left out are taken away."""

    comment_id: UUID
    version: int
    by: Actor


class RemoveComment(Model):
    comment_id: UUID
    version: int
    by: Actor


class DeskExam(Model):
    """``step`` is the smallest part of a point."""

    id: UUID
    title: str
    total_points: Points
    step: Points


class DeskScheme(Model):
    """``version`` 0 and no nodes while none is in force."""

    version: int
    nodes: tuple[SchemeNode, ...]


class OpenDesk(Model):
    """With ``item_id`` the walk goes by item: see ``DeskView``."""

    copy_id: UUID
    item_id: str | None = Field(default=None, max_length=64)
    by: Actor


class DeskView(Model):
    """All that a desk needs, and nothing of who sat the exam, whoever asks.

    ``previous`` and ``next`` are among the caller's copies of the exam, in the order of their anonymous ids;
    ``position`` is this copy's, from 1, of ``of``, and ``done`` of them are finalised. By item, ``next`` is the next
    open copy on which the item has no score, from the first again after the last, and ``done`` counts those on which
    it has one or that are finalised.
    """

    copy_: CopyView = Field(serialization_alias="copy", validation_alias="copy")
    exam: DeskExam
    scheme: DeskScheme
    annotations: tuple[AnnotationView, ...]
    scores: ScoresView
    comments: tuple[CommentView, ...]
    previous: UUID | None
    next: UUID | None
    position: int
    of: int
    done: int


OPEN_DESK = Method("grading", "open_desk", OpenDesk, DeskView)
LIST_COMMENTS = Method("grading", "list_comments", ListComments, Comments)
CREATE_COMMENT = Method("grading", "create_comment", CreateComment, CommentView)
CHANGE_COMMENT = Method("grading", "change_comment", ChangeComment, CommentView)
REMOVE_COMMENT = Method("grading", "remove_comment", RemoveComment, Done)

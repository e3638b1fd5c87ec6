"""The comment bank of an exam."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from contracts.model import Model
from contracts.rpc.grading import desk as rpc
from services.gateway.api import Answer, Resource, Version, shape
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.idempotency import name_of_request

comments = Resource("comments")

NewComment = shape("NewComment", rpc.CreateComment, without=("by", "exam_id"))
CommentChange = shape("CommentChange", rpc.ChangeComment, without=("by", "comment_id"))


class OfItem(Model):
    item_id: str | None = Field(default=None, max_length=64)


@comments.operation("GET", "/exams/<uuid:exam_id>/comments", query=OfItem, reply=rpc.Comments)
def index(exam_id: UUID, query: OfItem) -> rpc.Comments:
    """Official comments and my own, most used first; for an item, those of the whole exam too."""
    return ask(rpc.LIST_COMMENTS, query, exam_id=exam_id, by=caller().actor)


@comments.operation(
    "POST", "/exams/<uuid:exam_id>/comments", body=NewComment, reply=rpc.CommentView, statuses=(201,), creates=True
)
def create(exam_id: UUID, body: Model) -> Answer:
    """Keep a comment: for myself, or as an administrator for everybody."""
    made = ask(rpc.CREATE_COMMENT, body, exam_id=exam_id, once=name_of_request(), by=caller().actor)
    return Answer(made, 201, {"Location": f"/api/v1/comments/{made.id}"})


@comments.operation("PATCH", "/comments/<uuid:comment_id>", body=CommentChange, reply=rpc.CommentView, versioned=True)
def change(comment_id: UUID, body: Model) -> rpc.CommentView:
    """Change a comment to what is sent; points or item left out are taken away."""
    return ask(rpc.CHANGE_COMMENT, body, comment_id=comment_id, by=caller().actor)


@comments.operation("DELETE", "/comments/<uuid:comment_id>", query=Version, statuses=(204,), versioned=True)
def remove(comment_id: UUID, query: Version) -> None:
    """Offer it no more; annotations made from it stay."""
    ask(rpc.REMOVE_COMMENT, query, comment_id=comment_id, by=caller().actor)

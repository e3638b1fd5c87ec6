"""Who may read and write the comments that are used again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from contracts.errors.grading import NotFound, NotYours
from contracts.model import Actor, Role


@dataclass(frozen=True)
class Comment:
    """``official`` ones are kept by administrators for everybody, the others by their owner for themselves."""

    id: UUID
    exam_id: UUID
    item_id: str | None
    text: str
    points: Decimal | None
    official: bool
    owner_id: UUID
    version: int


def check_may_add(by: Actor, *, official: bool) -> None:
    """Raises ``NotYours``: official comments are the administrators' to add."""
    if official and by.role is not Role.ADMIN:
        raise NotYours


def check_may_change(comment: Comment, by: Actor) -> None:
    """Somebody else's own comments do not exist, for an administrator neither.

    Raises:
        NotFound: it is another marker's. NotYours: it is official, and the caller no administrator.
    """
    if comment.official:
        check_may_add(by, official=True)
    elif comment.owner_id != by.id:
        raise NotFound

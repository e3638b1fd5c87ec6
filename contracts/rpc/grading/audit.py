"""Looking through the audit trail of all exams."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints

from contracts.model import Actor, Instant, Model
from contracts.rpc import Listing, Method


class SearchAudit(Listing):
    """What is left out restricts nothing. ``anonymous_id`` in any case; ``since`` included, ``until`` not."""

    exam_id: UUID | None = None
    copy_id: UUID | None = None
    anonymous_id: Annotated[str, StringConstraints(max_length=40)] | None = None
    actor_id: UUID | None = None
    action: Annotated[str, StringConstraints(max_length=40)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    by: Actor


class AuditLine(Model):
    """One event; ``copy_id`` and ``anonymous_id`` are null for what concerns a whole exam."""

    exam_id: UUID
    exam_title: str
    copy_id: UUID | None
    anonymous_id: str | None
    seq: int
    action: str
    actor: str
    actor_id: UUID | None
    at: Instant
    details: dict[str, Any]


class AuditLines(Model):
    """The latest first."""

    items: tuple[AuditLine, ...]
    next: str | None
    total: int


SEARCH_AUDIT = Method("grading", "search_audit", SearchAudit, AuditLines)

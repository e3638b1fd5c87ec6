"""The audit trail of all exams, for administrators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints

from contracts.rpc.grading import audit as rpc
from services.gateway.api import Page, Resource
from services.gateway.auth import caller
from services.gateway.context import ask

audit = Resource("audit")


class Search(Page):
    """What is left out restricts nothing. ``since`` is included, ``until`` is not."""

    exam_id: UUID | None = None
    copy_id: UUID | None = None
    anonymous_id: Annotated[str, StringConstraints(max_length=40)] | None = None
    actor_id: UUID | None = None
    action: Annotated[str, StringConstraints(max_length=40)] | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@audit.operation("GET", "/audit", query=Search, reply=rpc.AuditLines)
def index(query: Search) -> rpc.AuditLines:
    """Who did what and when, the latest first; by exam, copy, person, action and time."""
    return ask(rpc.SEARCH_AUDIT, query, by=caller().actor)

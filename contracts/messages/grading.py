"""Messages about judgement, all public: no name, no mark, only what changed. The rest is fetched with one's rights."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from contracts.model import Instant, Tolerant


class CopyGraded(Tolerant):
    """A copy is finalised and its PDF exists. A higher ``revision`` replaces what was known."""

    copy_id: UUID
    exam_id: UUID
    revision: int = Field(ge=1)
    graded_at: Instant


class CopyGradingFailed(Tolerant):
    """The PDF of a finalised copy could not be made; a person has to look. ``error_code`` says why."""

    copy_id: UUID
    exam_id: UUID
    revision: int = Field(ge=1)
    error_code: str


class ExamPublished(Tolerant):
    """Candidates may read their copies of this exam. ``copies`` were published."""

    exam_id: UUID
    publication: int = Field(ge=1)
    copies: int = Field(ge=0)
    published_at: Instant


class ExamWithdrawn(Tolerant):
    """The publication was taken back; candidates see nothing until the next one."""

    exam_id: UUID
    publication: int = Field(ge=1)
    withdrawn_at: Instant

"""Messages about paper."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Actor, Tolerant
from contracts.objects import ObjectRef


class SplitSheets(Tolerant):
    """Private: measure and cut the sides ``first_side`` … ``last_side`` (from 1, both included) of an upload."""

    upload_id: UUID
    first_side: int = Field(ge=1)
    last_side: int = Field(ge=1)


class UnpackEntry(Tolerant):
    """Private: make an upload of the file at ``place`` (from 0) in the table of contents of a zip."""

    archive_id: UUID
    place: int = Field(ge=0)


class UploadSettled(Tolerant):
    """An upload came to its end: every page is cut and grouped (``ready``), or it ``failed`` or was ``cancelled``."""

    upload_id: UUID
    exam_id: UUID
    outcome: Literal["ready", "failed", "cancelled"]
    sides: int = Field(ge=0)
    pages: int = Field(ge=0)
    booklets: int = Field(ge=0)
    error_code: str | None = None


class CopyAssembled(Tolerant):
    """A copy's paper is complete and frozen; a higher ``revision`` replaces it entirely.

    ``manifest`` is a PageManifest v1 that is already in the store. ``by``: who assembled or changed it.
    """

    copy_id: UUID
    exam_id: UUID
    revision: int = Field(ge=1)
    manifest: ObjectRef
    page_count: int = Field(ge=1)
    by: Actor | None = None
